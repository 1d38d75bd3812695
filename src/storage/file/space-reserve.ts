import { FileSystemError, isFileSystemError } from '../../errors/index.js'
import type { FileOperations } from '../../file-system/index.js'

const reserveBytes = 64 * 1024

/**
 * A little space set aside, so that on a full disk a writer can still take its turn and delete: given
 * up when the disk is full, taken again when there is room.
 */
export class SpaceReserve {
  readonly #fs: FileOperations
  readonly #path: string
  #held = false

  constructor(fs: FileOperations, path: string) {
    this.#fs = fs
    this.#path = path
  }

  /** Sets the space aside unless it is; does nothing while there is no room. */
  ensure(): void {
    if (this.#held) return
    try {
      const file = this.#fs.open(this.#path, 'create')
      try {
        this.#fill(file)
      } finally {
        this.#fs.close(file)
      }
      this.#held = true
    } catch (error) {
      if (isFileSystemError(error, 'AlreadyExists')) this.#held = true
      else if (isFileSystemError(error, 'DiskFull', 'QuotaExceeded')) this.release()
      else throw error
    }
  }

  /** Gives the space up. Returns whether there was any. */
  release(): boolean {
    this.#held = false
    try {
      this.#fs.unlink(this.#path)
      return true
    } catch (error) {
      if (isFileSystemError(error)) return false
      throw error
    }
  }

  #fill(file: number): void {
    // Not zeros: those would take no space on a file system that compresses or leaves holes.
    const bytes = Buffer.alloc(reserveBytes)
    for (let index = 0; index < reserveBytes; index++) bytes[index] = (index * 2654435761) >>> 24
    let written = 0
    while (written < reserveBytes) {
      const count = this.#fs.write(file, bytes, written, reserveBytes - written, written)
      if (count <= 0) throw new FileSystemError('ENOSPC', 'write', this.#path)
      written += count
    }
  }
}
