/** Disks that fill up: a tmpfs where one can be mounted, and always one in memory. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isFileSystemError } from '../../src/errors/index.js'
import { type FileSystem, MemoryFileSystem, NodeFileSystem } from '../../src/file-system/index.js'

export interface SmallDisk {
  readonly fileSystem: FileSystem
  /** Absolute, on the disk, not there yet. */
  readonly directory: string
  /** Takes all the space that is left. */
  fill(): void
  /** Gives that space back, and some that was taken from the start. */
  empty(): void
  dispose(): void
}

/** What `empty` makes room for at least. */
const ballastBytes = 768 * 1024

/** A file beside the store that eats up the disk. */
function ballastOn(fileSystem: FileSystem, path: string): Pick<SmallDisk, 'fill' | 'empty'> {
  const fs = fileSystem.blocking
  const made = fs.open(path, 'create')
  fs.write(made, Buffer.alloc(ballastBytes, 0x55), 0, ballastBytes, 0)
  fs.close(made)
  return {
    fill: () => {
      const file = fs.open(path, 'update')
      let { size } = fs.statusOf(file)
      for (let length = 65_536; length >= 1; ) {
        const bytes = Buffer.alloc(length, 0x55)
        try {
          size += fs.write(file, bytes, 0, length, size)
        } catch (error) {
          if (!isFileSystemError(error, 'DiskFull')) throw error
          length = Math.floor(length / 2)
        }
      }
      fs.close(file)
    },
    empty: () => {
      const file = fs.open(path, 'update')
      fs.truncate(file, 0)
      fs.close(file)
    },
  }
}

export interface MemoryDisk extends SmallDisk {
  readonly fileSystem: MemoryFileSystem
}

export function memoryDisk(kibibytes: number): MemoryDisk {
  const fileSystem = new MemoryFileSystem({ capacityBytes: kibibytes * 1024 })
  return {
    fileSystem,
    directory: '/store',
    ...ballastOn(fileSystem, '/ballast'),
    dispose: () => {},
  }
}

/** Undefined where mounting is not permitted. */
export function mountedDisk(kibibytes: number): SmallDisk | undefined {
  const mountPoint = mkdtempSync(join(tmpdir(), 'holdfast-tmpfs-'))
  try {
    const options = ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', mountPoint]
    execFileSync('mount', options, { stdio: 'ignore' })
  } catch {
    rmSync(mountPoint, { recursive: true })
    return undefined
  }
  const fileSystem = new NodeFileSystem()
  return {
    fileSystem,
    directory: join(mountPoint, 'store'),
    ...ballastOn(fileSystem, join(mountPoint, 'ballast')),
    dispose: () => {
      execFileSync('umount', ['-l', mountPoint], { stdio: 'ignore' })
      rmSync(mountPoint, { recursive: true })
    },
  }
}
