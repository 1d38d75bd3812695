import * as fs from 'node:fs'
import { FileSystemError, toFileSystemError } from '../errors/index.js'
import type {
  DirectoryEntry,
  FileDescriptor,
  FileKind,
  FileOperations,
  FileStatus,
  FileSystem,
  OpenPurpose,
  Space,
} from './file-system.js'

const { constants } = fs
const isWindows = process.platform === 'win32'
// Absent on Windows, where creating a symlink needs a privilege.
const noFollow = constants.O_NOFOLLOW ?? 0
// Opening a named pipe would otherwise wait for its other end.
const noBlock = constants.O_NONBLOCK ?? 0
const onlyDirectory = constants.O_DIRECTORY ?? 0

const openFlags: Readonly<Record<OpenPurpose, number>> = {
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  read: constants.O_RDONLY | noFollow | noBlock,
  update: constants.O_RDWR | noFollow | noBlock,
  directory: constants.O_RDONLY | onlyDirectory,
}

/** Windows has no directory fsync; opening one for it yields this stand-in. */
const unsyncableDirectory: FileDescriptor = -1

function kindOf(entry: fs.Dirent | fs.BigIntStats): FileKind {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'directory'
  if (entry.isSymbolicLink()) return 'symlink'
  return 'other'
}

function toStatus(stats: fs.BigIntStats): FileStatus {
  return {
    kind: kindOf(stats),
    size: Number(stats.size),
    mode: Number(stats.mode) & 0o7777,
    modifiedMicros: Number(stats.mtimeNs / 1000n),
    inode: stats.ino.toString(),
    links: Number(stats.nlink),
  }
}

/** What only an administrator may fill is not free. */
function toSpace({ bavail, blocks, bsize }: fs.BigIntStatsFs): Space | undefined {
  // File systems that do not keep count (some over networks or in user space) tell zeros.
  if (blocks <= 0n) return undefined
  return { freeBytes: Number(bavail * bsize), totalBytes: Number(blocks * bsize) }
}

// libuv takes seconds as a double; half a microsecond keeps the wanted digit from being cut off.
const toSeconds = (micros: number): number => (micros + 0.5) / 1e6

const toEntries = (entries: fs.Dirent[]): DirectoryEntry[] =>
  entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }))

function guard<T>(operation: string, path: string | undefined, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw toFileSystemError(error, operation, path)
  }
}

/** The blocking operations over `node:fs`. */
const blocking: FileOperations = {
  open: (path, purpose, mode = 0o600) => {
    if (isWindows && purpose === 'directory') return unsyncableDirectory
    return guard('open', path, () => fs.openSync(path, openFlags[purpose], mode))
  },
  read: (file, buffer, offset, length, position) =>
    guard('read', undefined, () => fs.readSync(file, buffer, offset, length, position)),
  write: (file, buffer, offset, length, position) =>
    guard('write', undefined, () => fs.writeSync(file, buffer, offset, length, position)),
  truncate: (file, size) => guard('truncate', undefined, () => fs.ftruncateSync(file, size)),
  setModifiedTime: (file, micros) =>
    guard('setModifiedTime', undefined, () =>
      fs.futimesSync(file, toSeconds(micros), toSeconds(micros)),
    ),
  setMode: (file, mode) => guard('setMode', undefined, () => fs.fchmodSync(file, mode)),
  sync: (file) => {
    if (file === unsyncableDirectory) return
    guard('sync', undefined, () => fs.fsyncSync(file))
  },
  close: (file) => {
    if (file === unsyncableDirectory) return
    guard('close', undefined, () => fs.closeSync(file))
  },
  statusOf: (file) =>
    guard('statusOf', undefined, () => toStatus(fs.fstatSync(file, { bigint: true }))),
  status: (path) =>
    guard('status', path, () => {
      const stats = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
      return stats === undefined ? undefined : toStatus(stats)
    }),
  readFile: (path) =>
    guard('readFile', path, () => fs.readFileSync(path, { flag: openFlags.read as never })),
  rename: (from, to) => guard('rename', to, () => fs.renameSync(from, to)),
  link: (existing, created) => guard('link', created, () => fs.linkSync(existing, created)),
  unlink: (path) => guard('unlink', path, () => fs.unlinkSync(path)),
  makeDirectory: (path, mode) =>
    guard('makeDirectory', path, () => void fs.mkdirSync(path, { mode })),
  removeDirectory: (path) => guard('removeDirectory', path, () => fs.rmdirSync(path)),
  readDirectory: (path) =>
    guard('readDirectory', path, () => toEntries(fs.readdirSync(path, { withFileTypes: true }))),
  readLink: (path) => guard('readLink', path, () => fs.readlinkSync(path)),
  realPath: (path) => guard('realPath', path, () => fs.realpathSync.native(path)),
  spaceOf: (path) => guard('spaceOf', path, () => toSpace(fs.statfsSync(path, { bigint: true }))),
}

type Callback<T> = (error: NodeJS.ErrnoException | null, result: T) => void

/** Callbacks of `node:fs` on bare descriptors: a fifth cheaper a call than its FileHandle objects. */
function promised<T>(
  operation: string,
  path: string | undefined,
  call: (done: Callback<T>) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(toFileSystemError(error, operation, path))
    try {
      call((error, result) => {
        if (error === null || error === undefined) resolve(result)
        else fail(error)
      })
    } catch (error) {
      // Arguments that node:fs refuses outright, such as a NUL in a path.
      fail(error)
    }
  })
}

/**
 * The real file system. Stateless: one instance may serve any number of stores.
 */
export class NodeFileSystem implements FileSystem {
  readonly blocking = blocking

  open(path: string, purpose: OpenPurpose, mode = 0o600): Promise<FileDescriptor> {
    if (isWindows && purpose === 'directory') return Promise.resolve(unsyncableDirectory)
    return promised('open', path, (done) => fs.open(path, openFlags[purpose], mode, done))
  }

  read(
    file: FileDescriptor,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<number> {
    return promised('read', undefined, (done) =>
      fs.read(file, buffer, offset, length, position, done),
    )
  }

  write(
    file: FileDescriptor,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<number> {
    return promised('write', undefined, (done) =>
      fs.write(file, buffer, offset, length, position, done),
    )
  }

  truncate(file: FileDescriptor, size: number): Promise<void> {
    return promised('truncate', undefined, (done: Callback<void>) =>
      fs.ftruncate(file, size, done as fs.NoParamCallback),
    )
  }

  setModifiedTime(file: FileDescriptor, micros: number): Promise<void> {
    return promised('setModifiedTime', undefined, (done: Callback<void>) =>
      fs.futimes(file, toSeconds(micros), toSeconds(micros), done as fs.NoParamCallback),
    )
  }

  setMode(file: FileDescriptor, mode: number): Promise<void> {
    return promised('setMode', undefined, (done: Callback<void>) =>
      fs.fchmod(file, mode, done as fs.NoParamCallback),
    )
  }

  sync(file: FileDescriptor): Promise<void> {
    if (file === unsyncableDirectory) return Promise.resolve()
    return promised('sync', undefined, (done: Callback<void>) =>
      fs.fsync(file, done as fs.NoParamCallback),
    )
  }

  close(file: FileDescriptor): Promise<void> {
    if (file === unsyncableDirectory) return Promise.resolve()
    return promised('close', undefined, (done: Callback<void>) =>
      fs.close(file, done as fs.NoParamCallback),
    )
  }

  async statusOf(file: FileDescriptor): Promise<FileStatus> {
    const stats = await promised<fs.BigIntStats>('statusOf', undefined, (done) =>
      fs.fstat(file, { bigint: true }, done),
    )
    return toStatus(stats)
  }

  async status(path: string): Promise<FileStatus | undefined> {
    try {
      const stats = await promised<fs.BigIntStats>('status', path, (done) =>
        fs.lstat(path, { bigint: true }, done),
      )
      return toStatus(stats)
    } catch (error) {
      if (error instanceof FileSystemError && error.reason === 'NotFound') return undefined
      throw error
    }
  }

  readFile(path: string): Promise<Uint8Array> {
    return promised<Buffer>('readFile', path, (done) =>
      fs.readFile(path, { flag: openFlags.read as never }, done),
    )
  }

  rename(from: string, to: string): Promise<void> {
    return promised('rename', to, (done: Callback<void>) =>
      fs.rename(from, to, done as fs.NoParamCallback),
    )
  }

  link(existing: string, created: string): Promise<void> {
    return promised('link', created, (done: Callback<void>) =>
      fs.link(existing, created, done as fs.NoParamCallback),
    )
  }

  unlink(path: string): Promise<void> {
    return promised('unlink', path, (done: Callback<void>) =>
      fs.unlink(path, done as fs.NoParamCallback),
    )
  }

  makeDirectory(path: string, mode: number): Promise<void> {
    return promised('makeDirectory', path, (done: Callback<void>) =>
      fs.mkdir(path, { mode }, done as fs.NoParamCallback),
    )
  }

  removeDirectory(path: string): Promise<void> {
    return promised('removeDirectory', path, (done: Callback<void>) =>
      fs.rmdir(path, done as fs.NoParamCallback),
    )
  }

  async readDirectory(path: string): Promise<DirectoryEntry[]> {
    const entries = await promised<fs.Dirent[]>('readDirectory', path, (done) =>
      fs.readdir(path, { withFileTypes: true }, done),
    )
    return toEntries(entries)
  }

  readLink(path: string): Promise<string> {
    return promised('readLink', path, (done) => fs.readlink(path, done))
  }

  realPath(path: string): Promise<string> {
    return promised('realPath', path, (done) => fs.realpath.native(path, done))
  }

  async spaceOf(path: string): Promise<Space | undefined> {
    const stats = await promised<fs.BigIntStatsFs>('spaceOf', path, (done) =>
      fs.statfs(path, { bigint: true }, done),
    )
    return toSpace(stats)
  }
}
