import { posix } from 'node:path'
import { FileSystemError } from '../../errors/index.js'
import type { FileDescriptor, FileOperations, FileStatus } from '../../file-system/index.js'
import type { DiskChange } from './disk-change.js'

interface OpenFile {
  readonly node: string
  readonly path: string
}

/** Performs operations on a disk and writes down what they changed, in order. */
export class Recorder {
  readonly changes: DiskChange[] = []
  readonly operations: FileOperations
  readonly #disk: FileOperations
  readonly #nodeOf: (inode: string) => string
  readonly #failsSync: (path: string) => boolean
  readonly #open = new Map<FileDescriptor, OpenFile>()
  #lastChange = 0

  /** `nodeOf` gives an inode of the disk the number that is told to the outside. */
  constructor(
    disk: FileOperations,
    nodeOf: (inode: string) => string,
    failsSync: (path: string) => boolean,
  ) {
    this.#disk = disk
    this.#nodeOf = nodeOf
    this.#failsSync = failsSync
    this.operations = this.#recording(disk)
  }

  #recording(disk: FileOperations): FileOperations {
    return {
      ...disk,
      open: (path, purpose, mode) => {
        const file = disk.open(path, purpose, mode)
        const { inode } = disk.statusOf(file)
        this.#open.set(file, { node: this.#nodeOf(inode), path })
        if (purpose === 'create') this.#created(path, disk.statusOf(file))
        return file
      },
      write: (file, buffer, offset, length, position) => {
        const count = disk.write(file, buffer, offset, length, position)
        const bytes = buffer.slice(offset, offset + count)
        const { modifiedMicros } = disk.statusOf(file)
        this.#push({ kind: 'data', ...this.#opened(file), position, bytes, modifiedMicros })
        return count
      },
      truncate: (file, size) => {
        disk.truncate(file, size)
        const { modifiedMicros } = disk.statusOf(file)
        this.#push({ kind: 'size', ...this.#opened(file), size, modifiedMicros })
      },
      setMode: (file, mode) => {
        disk.setMode(file, mode)
        this.#attributes(file)
      },
      setModifiedTime: (file, modifiedMicros) => {
        disk.setModifiedTime(file, modifiedMicros)
        this.#attributes(file)
      },
      sync: (file) => {
        disk.sync(file)
        const opened = this.#opened(file)
        const failed = this.#failsSync(opened.path)
        this.#push({ kind: 'sync', ...opened, failed })
        if (failed) throw new FileSystemError('EIO', 'sync', opened.path)
      },
      close: (file) => {
        disk.close(file)
        this.#open.delete(file)
      },
      status: (path) => this.#told(disk.status(path)),
      statusOf: (file) => this.#told(disk.statusOf(file)) as FileStatus,
      makeDirectory: (path, mode) => {
        disk.makeDirectory(path, mode)
        this.#created(path, this.#statusAt(path))
      },
      rename: (from, to) => {
        const moved = disk.status(from)?.inode
        const replaced = disk.status(to)?.inode
        disk.rename(from, to)
        if (moved === undefined || moved === replaced) return
        const change = this.#entry(from, undefined)
        this.#entry(to, this.#nodeOf(moved), change)
      },
      link: (existing, created) => {
        disk.link(existing, created)
        this.#entry(created, this.#nodeAt(created))
      },
      unlink: (path) => {
        disk.unlink(path)
        this.#entry(path, undefined)
      },
      removeDirectory: (path) => {
        disk.removeDirectory(path)
        this.#entry(path, undefined)
      },
    }
  }

  #created(path: string, { kind, inode, mode, modifiedMicros }: FileStatus): void {
    const node = this.#nodeOf(inode)
    this.#push({ kind: 'node', node, type: kind, mode, modifiedMicros })
    this.#entry(path, node)
  }

  #attributes(file: FileDescriptor): void {
    const { kind, mode, modifiedMicros } = this.#disk.statusOf(file)
    if (kind !== 'file') return
    this.#push({ kind: 'attributes', ...this.#opened(file), mode, modifiedMicros })
  }

  #entry(path: string, node: string | undefined, known?: number): number {
    this.#lastChange += 1
    const change = known ?? this.#lastChange
    const whole = posix.resolve(path)
    const name = posix.basename(whole)
    const directory = this.#nodeAt(posix.dirname(whole))
    this.#push({ kind: 'entry', directory, name, path: whole, node, change })
    return change
  }

  #push(change: DiskChange): void {
    this.changes.push(change)
  }

  #opened(file: FileDescriptor): OpenFile {
    return this.#open.get(file) ?? { node: '', path: '' }
  }

  #nodeAt(path: string): string {
    return this.#nodeOf(this.#statusAt(path).inode)
  }

  #statusAt(path: string): FileStatus {
    const status = this.#disk.status(path)
    if (status === undefined) throw new FileSystemError('ENOENT', 'status', path)
    return status
  }

  #told(status: FileStatus | undefined): FileStatus | undefined {
    return status && { ...status, inode: this.#nodeOf(status.inode) }
  }
}
