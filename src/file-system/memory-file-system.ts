import { type Clock, systemClock } from '../clock/index.js'
import { FileSystemError, isFileSystemError } from '../errors/index.js'
import { BothForms } from './both-forms.js'
import type {
  FileDescriptor,
  FileOperations,
  FileStatus,
  FileSystem,
  OpenPurpose,
} from './file-system.js'
import {
  type DirectoryInode,
  type Failure,
  type FileInode,
  type Inode,
  MemoryInodes,
  maximumPathBytes,
  type Place,
  sizeOf,
} from './memory-inodes.js'

export interface MemoryFileSystemOptions {
  /** Gives the modification times. Default: the system's clock. */
  readonly clock?: Pick<Clock, 'now'>
  /** What fits: the content of files, and 256 bytes for each inode and each directory entry. */
  readonly capacityBytes?: number
  /** Looks names up regardless of case and Unicode normalisation, as APFS does. Default: false. */
  readonly caseInsensitive?: boolean
}

interface OpenFile {
  readonly inode: Inode
  readonly path: string
  readonly writable: boolean
}

interface OpenRegularFile extends OpenFile {
  readonly inode: FileInode
}

const failing =
  (operation: string, path: string | undefined): Failure =>
  (errno) =>
    new FileSystemError(errno, operation, path)

const isIndex = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

function toStatus(inode: Inode): FileStatus {
  return {
    kind: inode.kind,
    size: sizeOf(inode),
    mode: inode.mode,
    modifiedMicros: inode.modifiedMicros,
    inode: String(inode.number),
    links: inode.links,
  }
}

/** Refuses the root, `.` and `..`: what moves or goes must be named in its parent. */
function requireNamed(place: Place, path: string, failed: Failure): void {
  if (place.name === '.') throw failed(/^\/+$/.test(path) ? 'EBUSY' : 'EINVAL')
}

function requireReplaceable(moved: Inode, replaced: Inode, failed: Failure): void {
  if (moved.kind === 'directory') {
    if (replaced.kind !== 'directory') throw failed('ENOTDIR')
    if (replaced.entries.size > 0) throw failed('ENOTEMPTY')
  } else if (replaced.kind === 'directory') throw failed('EISDIR')
}

const holds = (place: Place, directory: DirectoryInode): boolean =>
  place.trail.some((entry) => entry.inode === directory)

function blockingOver(inodes: MemoryInodes): FileOperations {
  const openFiles = new Map<FileDescriptor, OpenFile>()
  // Never used twice, so that a use after close fails instead of hitting another file.
  let lastDescriptor = 2

  const opened = (file: FileDescriptor, operation: string): OpenFile => {
    const found = openFiles.get(file)
    if (found === undefined) throw failing(operation, undefined)('EBADF')
    return found
  }

  const regular = (file: FileDescriptor, operation: string, unfit: string): OpenRegularFile => {
    const found = opened(file, operation)
    const { inode } = found
    if (inode.kind !== 'file') throw failing(operation, found.path)(unfit)
    return { ...found, inode }
  }

  const hold = (inode: Inode, path: string, writable: boolean): FileDescriptor => {
    lastDescriptor += 1
    inode.descriptors += 1
    openFiles.set(lastDescriptor, { inode, path, writable })
    return lastDescriptor
  }

  const openExisting = (path: string, purpose: OpenPurpose, failed: Failure): FileDescriptor => {
    const { inode } = inodes.find(path, purpose === 'directory', failed)
    if (inode.kind === 'symlink') throw failed('ELOOP')
    if (purpose === 'directory' && inode.kind !== 'directory') throw failed('ENOTDIR')
    if (purpose === 'update' && inode.kind === 'directory') throw failed('EISDIR')
    return hold(inode, path, purpose === 'update')
  }

  return {
    open: (path, purpose, mode = 0o600) => {
      const failed = failing('open', path)
      if (purpose !== 'create') return openExisting(path, purpose, failed)
      const place = inodes.locate(path, failed)
      if (path.endsWith('/')) throw failed('EISDIR')
      if (place.inode !== undefined) throw failed('EEXIST')
      return hold(inodes.createFile(place, mode, failed), path, true)
    },
    read: (file, buffer, offset, length, position) => {
      const { inode, path } = regular(file, 'read', 'EISDIR')
      const source = inode.bytes.subarray(0, inode.size)
      const part = source.subarray(position, position + length)
      spanOf(buffer, offset, length, position, failing('read', path)).set(part)
      return part.byteLength
    },
    write: (file, buffer, offset, length, position) => {
      const { inode, path, writable } = regular(file, 'write', 'EBADF')
      const failed = failing('write', path)
      if (!writable) throw failed('EBADF')
      return inodes.write(inode, spanOf(buffer, offset, length, position, failed), position, failed)
    },
    truncate: (file, size) => {
      const { inode, path, writable } = regular(file, 'truncate', 'EINVAL')
      const failed = failing('truncate', path)
      if (!writable || !isIndex(size)) throw failed('EINVAL')
      inodes.resize(inode, size, failed)
    },
    setModifiedTime: (file, modifiedMicros) => {
      const { inode, path } = opened(file, 'setModifiedTime')
      if (!Number.isSafeInteger(modifiedMicros)) throw failing('setModifiedTime', path)('EINVAL')
      inode.modifiedMicros = modifiedMicros
    },
    setMode: (file, mode) => {
      opened(file, 'setMode').inode.mode = mode & 0o7777
    },
    sync: (file) => {
      opened(file, 'sync')
    },
    close: (file) => {
      const { inode } = opened(file, 'close')
      openFiles.delete(file)
      inode.descriptors -= 1
      inodes.release(inode)
    },
    statusOf: (file) => toStatus(opened(file, 'statusOf').inode),
    status: (path) => {
      try {
        return toStatus(inodes.find(path, false, failing('status', path)).inode)
      } catch (error) {
        if (isFileSystemError(error, 'NotFound')) return undefined
        throw error
      }
    },
    readFile: (path) => {
      const failed = failing('readFile', path)
      const { inode } = inodes.find(path, false, failed)
      if (inode.kind === 'symlink') throw failed('ELOOP')
      if (inode.kind === 'directory') throw failed('EISDIR')
      return inode.bytes.slice(0, inode.size)
    },
    rename: (from, to) => {
      const failed = failing('rename', to)
      const source = inodes.locate(from, failed)
      const target = inodes.locate(to, failed)
      requireNamed(source, from, failed)
      requireNamed(target, to, failed)
      const { inode } = source
      if (inode === undefined) throw failed('ENOENT')
      const needsDirectory = from.endsWith('/') || to.endsWith('/')
      if (inode.kind !== 'directory' && needsDirectory) throw failed('ENOTDIR')
      if (inode.kind === 'directory' && holds(target, inode)) throw failed('EINVAL')
      if (target.inode === inode) {
        if (inodes.respells(source, target)) inodes.move(source, inode, target)
        return
      }
      if (target.inode !== undefined) requireReplaceable(inode, target.inode, failed)
      inodes.move(source, inode, target)
    },
    link: (existing, created) => {
      const failed = failing('link', created)
      const { inode } = inodes.find(existing, false, failed)
      const place = inodes.locate(created, failed)
      if (place.inode !== undefined) throw failed('EEXIST')
      if (created.endsWith('/')) throw failed('ENOENT')
      if (inode.kind === 'directory') throw failed('EPERM')
      inodes.link(place, inode, failed)
    },
    unlink: (path) => {
      const failed = failing('unlink', path)
      const place = inodes.locate(path, failed)
      if (place.inode === undefined) throw failed('ENOENT')
      if (place.inode.kind === 'directory') throw failed('EISDIR')
      if (path.endsWith('/')) throw failed('ENOTDIR')
      inodes.remove(place, place.inode)
    },
    makeDirectory: (path, mode) => {
      const failed = failing('makeDirectory', path)
      const place = inodes.locate(path, failed)
      if (place.inode !== undefined) throw failed('EEXIST')
      inodes.createDirectory(place, mode, failed)
    },
    removeDirectory: (path) => {
      const failed = failing('removeDirectory', path)
      const place = inodes.locate(path, failed)
      requireNamed(place, path, failed)
      if (place.inode === undefined) throw failed('ENOENT')
      if (place.inode.kind !== 'directory') throw failed('ENOTDIR')
      if (place.inode.entries.size > 0) throw failed('ENOTEMPTY')
      inodes.remove(place, place.inode)
    },
    readDirectory: (path) => {
      const failed = failing('readDirectory', path)
      const { inode } = inodes.find(path, true, failed)
      if (inode.kind !== 'directory') throw failed('ENOTDIR')
      return [...inode.entries.values()].map(({ name, inode }) => ({ name, kind: inode.kind }))
    },
    readLink: (path) => {
      const failed = failing('readLink', path)
      const { inode } = inodes.find(path, false, failed)
      if (inode.kind !== 'symlink') throw failed('EINVAL')
      return inode.target
    },
    realPath: (path) => inodes.spell(inodes.find(path, true, failing('realPath', path))),
    spaceOf: (path) => {
      inodes.find(path, true, failing('spaceOf', path))
      const { capacityBytes, usedBytes } = inodes
      if (capacityBytes === undefined) return undefined
      return { freeBytes: Math.max(capacityBytes - usedBytes, 0), totalBytes: capacityBytes }
    },
  }
}

function spanOf(
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
  failed: Failure,
): Uint8Array {
  const within = [offset, length, position].every(isIndex) && offset + length <= buffer.byteLength
  if (!within) throw failed('EINVAL')
  return buffer.subarray(offset, offset + length)
}

/**
 * A POSIX file system held in memory, for tests. Paths are absolute; permission bits are stored and
 * not enforced, and no umask applies.
 */
export class MemoryFileSystem extends BothForms implements FileSystem {
  readonly #inodes: MemoryInodes

  constructor(options: MemoryFileSystemOptions = {}) {
    const { clock = systemClock, capacityBytes, caseInsensitive = false } = options
    const inodes = new MemoryInodes(() => clock.now(), capacityBytes, caseInsensitive)
    super(blockingOver(inodes))
    this.#inodes = inodes
  }

  get usedBytes(): number {
    return this.#inodes.usedBytes
  }

  /** Changes the capacity; undefined lifts it. What is stored already stays, even beyond it. */
  setCapacity(bytes: number | undefined): void {
    this.#inodes.capacityBytes = bytes
  }

  symlink(target: string, path: string): void {
    const failed = failing('symlink', path)
    if (target === '') throw failed('ENOENT')
    if (target.includes('\0')) throw failed('EINVAL')
    if (Buffer.byteLength(target) >= maximumPathBytes) throw failed('ENAMETOOLONG')
    const place = this.#inodes.locate(path, failed)
    if (place.inode !== undefined) throw failed('EEXIST')
    if (path.endsWith('/')) throw failed('ENOENT')
    this.#inodes.createSymlink(place, target, failed)
  }
}
