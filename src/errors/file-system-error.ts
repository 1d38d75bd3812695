import { type CommitState, isStateStoreError, StateStoreError } from './state-store-error.js'

/** Why a file-system call failed, independent of platform and errno spelling. */
export type FileSystemReason =
  | 'AlreadyExists'
  | 'Busy'
  | 'CrossDevice'
  | 'DiskFull'
  | 'InputOutput'
  | 'Invalid'
  | 'IsDirectory'
  | 'NameTooLong'
  | 'NotADirectory'
  | 'NotEmpty'
  | 'NotFound'
  | 'NotSupported'
  | 'PermissionDenied'
  | 'QuotaExceeded'
  | 'ReadOnlyFileSystem'
  | 'TooManyLinks'
  | 'TooManyOpenFiles'
  | 'TooManySymlinks'
  | 'Unknown'

interface ReasonFacts {
  readonly reason: FileSystemReason
  readonly retryable: boolean
  readonly hint?: string
}

const space = 'Free some space. The old state is intact, deleting still works.'
const permission =
  'Check the owner and the mode of the directory, and whether it is mounted read-only.'
const descriptors = 'Raise the limit of open files (ulimit -n) or lower the concurrency.'

/** The one table from errno to reason: every error of a file-system call passes through it. */
const reasons: Readonly<Record<string, ReasonFacts>> = {
  EACCES: { reason: 'PermissionDenied', retryable: false, hint: permission },
  EAGAIN: { reason: 'Busy', retryable: true },
  EBADF: { reason: 'Invalid', retryable: false },
  EBUSY: { reason: 'Busy', retryable: true, hint: 'Another program holds the file open.' },
  EDQUOT: { reason: 'QuotaExceeded', retryable: true, hint: space },
  EEXIST: { reason: 'AlreadyExists', retryable: false },
  EFBIG: { reason: 'DiskFull', retryable: false, hint: 'The file-size limit (ulimit -f) was hit.' },
  EINVAL: { reason: 'Invalid', retryable: false },
  EIO: {
    reason: 'InputOutput',
    retryable: false,
    hint: 'The device reported an error. Check the system log and the disk.',
  },
  EISDIR: { reason: 'IsDirectory', retryable: false },
  ELOOP: { reason: 'TooManySymlinks', retryable: false },
  EMFILE: { reason: 'TooManyOpenFiles', retryable: true, hint: descriptors },
  EMLINK: { reason: 'TooManyLinks', retryable: false },
  ENAMETOOLONG: { reason: 'NameTooLong', retryable: false },
  ENFILE: { reason: 'TooManyOpenFiles', retryable: true, hint: descriptors },
  ENOENT: { reason: 'NotFound', retryable: false },
  ENOSPC: { reason: 'DiskFull', retryable: true, hint: space },
  ENOTDIR: { reason: 'NotADirectory', retryable: false },
  ENOTEMPTY: { reason: 'NotEmpty', retryable: false },
  ENOTSUP: { reason: 'NotSupported', retryable: false },
  EOPNOTSUPP: { reason: 'NotSupported', retryable: false },
  EPERM: { reason: 'PermissionDenied', retryable: false, hint: permission },
  EROFS: { reason: 'ReadOnlyFileSystem', retryable: false, hint: permission },
  ESTALE: { reason: 'InputOutput', retryable: false },
  ETIMEDOUT: { reason: 'InputOutput', retryable: true },
  EXDEV: {
    reason: 'CrossDevice',
    retryable: false,
    hint: 'The store and its .holdfast directory must be on one file system.',
  },
}

/** A failed file-system call: code `STATE_IO`, with the errno and its platform-independent reason. */
export class FileSystemError extends StateStoreError {
  readonly reason: FileSystemReason
  readonly errno: string

  constructor(
    errno: string,
    operation: string,
    path: string | undefined,
    more: { cause?: unknown; commitState?: CommitState } = {},
  ) {
    const facts = reasons[errno] ?? { reason: 'Unknown' as const, retryable: false }
    super({
      code: 'STATE_IO',
      message: `${operation} failed: ${facts.reason} (${errno})${path === undefined ? '' : `: ${path}`}`,
      operation,
      path,
      retryable: facts.retryable,
      hint: facts.hint,
      details: { errno, reason: facts.reason },
      ...more,
    })
    this.reason = facts.reason
    this.errno = errno
  }
}

/** Whether `error` is a failed file-system call, for one of `wanted` reasons if any are given. */
export function isFileSystemError(
  error: unknown,
  ...wanted: readonly FileSystemReason[]
): error is FileSystemError {
  if (!isStateStoreError(error, 'STATE_IO')) return false
  return wanted.length === 0 || wanted.includes(error.details.reason as FileSystemReason)
}

/** Turns whatever a file-system call threw into a {@link FileSystemError}. */
export function toFileSystemError(
  cause: unknown,
  operation: string,
  path: string | undefined,
): StateStoreError {
  if (isStateStoreError(cause)) return cause
  const code = (cause as { code?: unknown } | null)?.code
  const known = typeof code === 'string' ? code : 'UNKNOWN'
  // ERR_… is how Node refuses arguments before it asks the system.
  const errno = known.startsWith('ERR_') ? 'EINVAL' : known
  return new FileSystemError(errno, operation, path, { cause })
}

/** The same failure, with what is known to have happened to the write. */
export function withCommitState(error: unknown, commitState: CommitState): StateStoreError {
  const known = toFileSystemError(error, 'commit', undefined)
  if (known.commitState === commitState) return known
  const errno = known.details.errno
  if (typeof errno === 'string') {
    return new FileSystemError(errno, known.operation, known.path, { cause: known, commitState })
  }
  return new StateStoreError({
    code: known.code,
    message: known.message,
    operation: known.operation,
    path: known.path,
    retryable: known.retryable,
    hint: known.hint,
    details: known.details,
    cause: known,
    commitState,
  })
}
