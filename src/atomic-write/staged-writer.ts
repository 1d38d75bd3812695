import { FileSystemError, isFileSystemError } from '../errors/index.js'
import { type FileDescriptor, io, pause, type Steps } from '../file-system/index.js'
import type { AtomicWriter, Replacement, StagedFile, StagingArea } from './atomic-writer.js'

/** Writes all of `bytes` from the start of the file: write(2) may take fewer than it is given. */
export function* writeFully(file: FileDescriptor, bytes: Uint8Array, path: string): Steps<void> {
  let written = 0
  while (written < bytes.byteLength) {
    const count = yield* io.write(file, bytes, written, bytes.byteLength - written, written)
    // A disk that takes nothing and reports nothing would have us loop for ever.
    if (count <= 0) throw new FileSystemError('ENOSPC', 'write', path)
    written += count
  }
}

const renameTries = 10
const firstPauseMs = 1

/**
 * rename(2), tried again for about half a second while another program (a virus scanner, an indexer,
 * a backup) holds the target open: Windows answers EPERM, EACCES or EBUSY then (nodejs/node#29481).
 */
export function* renameWithRetry(from: string, to: string): Steps<void> {
  for (let tries = 1; ; tries++) {
    try {
      return yield* io.rename(from, to)
    } catch (error) {
      if (tries >= renameTries || !isFileSystemError(error, 'PermissionDenied', 'Busy')) throw error
      yield* pause(firstPauseMs * 2 ** (tries - 1))
    }
  }
}

/** Removes a file that nobody can see any more; what cannot be removed is swept at the next open. */
export function* removeStaged(path: string): Steps<void> {
  try {
    yield* io.unlink(path)
  } catch (error) {
    if (!isFileSystemError(error)) throw error
  }
}

/**
 * The default: a temporary file in the staging directory, all bytes written, fsync, close, rename.
 *
 * After a failed fsync the descriptor is not synced again (the kernel reports the error once and
 * drops the pages): the temporary file is dropped and the old file stands.
 */
export const stagedWriter: AtomicWriter = {
  name: 'staged',
  supports: { fencing: true },

  *stage(replacement: Replacement, area: StagingArea): Steps<StagedFile> {
    const path = area.nextPath()
    const file = yield* io.open(path, 'create', replacement.mode)
    let open = true
    try {
      yield* writeFully(file, replacement.bytes, path)
      yield* io.setModifiedTime(file, replacement.modifiedMicros)
      if ((replacement.mode & 0o077) !== 0) {
        // Creation was subject to the umask; a mode that somebody chose is kept exactly.
        yield* io.setMode(file, replacement.mode)
      }
      if (replacement.durable) yield* io.sync(file)
      open = false
      yield* io.close(file)
      return { replacement, path }
    } catch (error) {
      if (open) yield* closeQuietly(file)
      yield* removeStaged(path)
      throw error
    }
  },

  *publish(staged: StagedFile): Steps<void> {
    if (staged.path !== undefined) yield* renameWithRetry(staged.path, staged.replacement.target)
  },

  *discard(staged: StagedFile): Steps<void> {
    if (staged.path !== undefined) yield* removeStaged(staged.path)
  },
}

/** Closes a file whose content no longer matters; the error that led here is the one to report. */
function* closeQuietly(file: FileDescriptor): Steps<void> {
  try {
    yield* io.close(file)
  } catch (error) {
    if (!isFileSystemError(error)) throw error
  }
}
