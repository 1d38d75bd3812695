/**
 * The file-system port: the few operations holdfast needs, each in a blocking and a promised form.
 *
 * Contract of every implementation:
 * - a failure throws (rejects with) a `FileSystemError`; nothing else is thrown;
 * - `write` may write less than it was given, as write(2) may: callers loop;
 * - `rename` replaces an existing file atomically; `link` and `mkdir` fail with AlreadyExists;
 * - `sync` returns once the file's data, or the directory's entries, are on stable storage. After it
 *   failed, the descriptor must not be synced again: the kernel reports the error once and drops the
 *   dirty pages, so the second call would succeed with the data gone (Can Applications Recover from
 *   fsync Failures?, USENIX ATC 2020).
 */

/** An open file or directory. */
export type FileDescriptor = number

export type FileKind = 'file' | 'directory' | 'symlink' | 'other'

export interface FileStatus {
  readonly kind: FileKind
  /** Bytes. */
  readonly size: number
  /** Permission bits only, for example 0o600. */
  readonly mode: number
  /** Modification time in whole microseconds since the epoch. */
  readonly modifiedMicros: number
  /** Identifies the file within its file system; decimal digits. */
  readonly inode: string
  /** Hard links to the file. */
  readonly links: number
}

export interface DirectoryEntry {
  readonly name: string
  readonly kind: FileKind
}

/** The space of the disk that a path is on, in bytes. */
export interface Space {
  /** What this process may still fill. */
  readonly freeBytes: number
  readonly totalBytes: number
}

/**
 * - `create`: a new file for reading and writing; fails with AlreadyExists.
 * - `read`: an existing file; a symlink as last component fails with TooManySymlinks.
 * - `update`: an existing file for reading and writing, symlinks refused likewise.
 * - `directory`: a directory, to sync it. Where the platform cannot sync directories (Windows),
 *   opening succeeds and `sync` does nothing.
 */
export type OpenPurpose = 'create' | 'read' | 'update' | 'directory'

/** The operations, in their blocking form. */
export interface FileOperations {
  /** `mode` (permission bits, umask applies) is used by `create` only. Default 0o600. */
  open(path: string, purpose: OpenPurpose, mode?: number): FileDescriptor
  /** Reads up to `length` bytes from `position` into `buffer` at `offset`; 0 at the end of the file. */
  read(
    file: FileDescriptor,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number
  /** Writes up to `length` bytes of `buffer` from `offset` at `position`; returns how many it wrote. */
  write(
    file: FileDescriptor,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number
  truncate(file: FileDescriptor, size: number): void
  setModifiedTime(file: FileDescriptor, modifiedMicros: number): void
  setMode(file: FileDescriptor, mode: number): void
  sync(file: FileDescriptor): void
  close(file: FileDescriptor): void
  /** The status of an open file; `links` is 0 once it has been unlinked. */
  statusOf(file: FileDescriptor): FileStatus
  /** The status of `path` itself, symlinks not followed; undefined when there is nothing. */
  status(path: string): FileStatus | undefined
  /** The whole content of a regular file; a symlink as last component fails with TooManySymlinks. */
  readFile(path: string): Uint8Array
  rename(from: string, to: string): void
  link(existing: string, created: string): void
  unlink(path: string): void
  /** Creates one directory; the parent must exist. */
  makeDirectory(path: string, mode: number): void
  removeDirectory(path: string): void
  readDirectory(path: string): DirectoryEntry[]
  /** The text of a symlink. */
  readLink(path: string): string
  /** The real path, all symlinks resolved, in the spelling that is on disk. */
  realPath(path: string): string
  /** Of the disk that `path`, symlinks followed, is on; undefined where that is not told. */
  spaceOf(path: string): Space | undefined
}

type Promised<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<R> : never
}

/** The promised form of {@link FileOperations}, and its blocking twin. */
export interface FileSystem extends Promised<FileOperations> {
  /** The same operations, blocking the thread. */
  readonly blocking: FileOperations
}
