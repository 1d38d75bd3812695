/** What was in each file before the writes since its last successful sync, to be put back. */
import { FileSystemError } from '../../errors/index.js'
import type { FileDescriptor, FileOperations } from '../../file-system/index.js'

/** One write or cut: what stood where it went, and how long the file was. */
interface Replaced {
  readonly size: number
  readonly position: number
  readonly bytes: Uint8Array
  /** While it is under way, a sync does not speak for it. */
  landed: boolean
}

const nothing = (): void => {}

/**
 * Kept by inode, for a file has its dirty pages whichever descriptor wrote them. What stood there is
 * read before the write is begun and put back from the latest to the earliest. So the content comes out
 * right also when writes were under way side by side: the first to begin saw what was synced.
 */
export class UnsyncedWrites {
  readonly #fs: FileOperations
  readonly #inodes = new Map<FileDescriptor, string>()
  /** Descriptors that were written through, for those may be written through again. */
  readonly #writers = new Set<FileDescriptor>()
  readonly #replaced = new Map<string, Replaced[]>()

  constructor(fs: FileOperations) {
    this.#fs = fs
  }

  /** A number that was in use before belongs to another file now. */
  created(file: FileDescriptor): void {
    this.#replaced.delete(this.#inodeOf(file))
  }

  closed(file: FileDescriptor): void {
    this.#inodes.delete(file)
    this.#writers.delete(file)
  }

  /** To be called before a write of `length` bytes; returns what to call when it has ended. */
  writing(file: FileDescriptor, position: number, length: number): () => void {
    const { kind, size } = this.#fs.statusOf(file)
    // What is no file cannot be written either: the call will say so.
    if (kind !== 'file') return nothing
    return this.#keep(file, size, position, Math.min(position + length, size))
  }

  /** To be called before the file is cut or extended; returns what to call when it was. */
  truncating(file: FileDescriptor, to: number): () => void {
    const { kind, size } = this.#fs.statusOf(file)
    return kind === 'file' ? this.#keep(file, size, to, size) : nothing
  }

  /** To be called when a sync is begun; returns what to call when it has succeeded. */
  syncing(file: FileDescriptor): () => void {
    const inode = this.#inodeOf(file)
    const synced = new Set(this.#replaced.get(inode)?.filter(({ landed }) => landed))
    return () => {
      const left = this.#replaced.get(inode)?.filter((each) => !synced.has(each)) ?? []
      if (left.length > 0) this.#replaced.set(inode, left)
      else this.#replaced.delete(inode)
    }
  }

  /** Puts back what was there at the last successful sync; `path`: under which the file was opened. */
  drop(file: FileDescriptor, path: string): void {
    const inode = this.#inodeOf(file)
    const replaced = this.#replaced.get(inode)?.reverse() ?? []
    this.#replaced.delete(inode)
    if (replaced.length === 0) return
    for (const writer of this.#writers) {
      if (this.#inodeOf(writer) !== inode) continue
      for (const each of replaced) this.#putBack(writer, each)
      return
    }
    // It was closed, and is synced through another that may be open for reading only.
    const writer = this.#fs.open(path, 'update')
    try {
      if (this.#fs.statusOf(writer).inode !== inode)
        throw new FileSystemError('ENOENT', 'sync', path)
      for (const each of replaced) this.#putBack(writer, each)
    } finally {
      this.#fs.close(writer)
    }
  }

  #putBack(file: FileDescriptor, { bytes, position, size }: Replaced): void {
    this.#fs.truncate(file, size)
    for (let done = 0; done < bytes.byteLength; ) {
      const rest = bytes.byteLength - done
      done += this.#fs.write(file, bytes, done, rest, position + done)
    }
  }

  #keep(file: FileDescriptor, size: number, position: number, end: number): () => void {
    const bytes = new Uint8Array(Math.max(0, end - position))
    for (let done = 0; done < bytes.byteLength; ) {
      const rest = bytes.byteLength - done
      const count = this.#fs.read(file, bytes, done, rest, position + done)
      if (count === 0) break
      done += count
    }
    this.#writers.add(file)
    const replaced: Replaced = { size, position, bytes, landed: false }
    const inode = this.#inodeOf(file)
    const list = this.#replaced.get(inode) ?? []
    this.#replaced.set(inode, list)
    list.push(replaced)
    return () => {
      replaced.landed = true
    }
  }

  #inodeOf(file: FileDescriptor): string {
    const known = this.#inodes.get(file)
    if (known !== undefined) return known
    const { inode } = this.#fs.statusOf(file)
    this.#inodes.set(file, inode)
    return inode
  }
}
