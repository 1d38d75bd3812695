import { describe, expect, it } from 'vitest'
import {
  FileSystemError,
  type FileSystemReason,
  isFileSystemError,
  toFileSystemError,
} from '../../src/errors/index.js'

describe('the table from errno to reason', () => {
  const expected: readonly [string, FileSystemReason, boolean][] = [
    ['ENOSPC', 'DiskFull', true],
    ['EDQUOT', 'QuotaExceeded', true],
    ['EROFS', 'ReadOnlyFileSystem', false],
    ['EACCES', 'PermissionDenied', false],
    ['EPERM', 'PermissionDenied', false],
    ['EBUSY', 'Busy', true],
    ['EMFILE', 'TooManyOpenFiles', true],
    ['ENFILE', 'TooManyOpenFiles', true],
    ['EXDEV', 'CrossDevice', false],
    ['EIO', 'InputOutput', false],
    ['ENAMETOOLONG', 'NameTooLong', false],
    ['ELOOP', 'TooManySymlinks', false],
    ['ENOTDIR', 'NotADirectory', false],
    ['ENOTEMPTY', 'NotEmpty', false],
    ['EISDIR', 'IsDirectory', false],
    ['EINVAL', 'Invalid', false],
    ['ENOENT', 'NotFound', false],
    ['EEXIST', 'AlreadyExists', false],
    ['EUNHEARDOF', 'Unknown', false],
  ]

  it.each(expected)('%s is %s', (errno, reason, retryable) => {
    const cause = Object.assign(new Error('from the system'), { code: errno })
    const error = toFileSystemError(cause, 'rename', '/path')
    expect(error).toBeInstanceOf(FileSystemError)
    expect(error).toMatchObject({ code: 'STATE_IO', errno, reason, retryable, cause })
    expect(error).toMatchObject({ operation: 'rename', path: '/path' })
    expect(isFileSystemError(error, reason)).toBe(true)
    expect(isFileSystemError(error, 'TooManyLinks')).toBe(false)
  })

  it('knows an errno where there is none', () => {
    expect(toFileSystemError(new Error('odd'), 'read', undefined)).toMatchObject({
      errno: 'UNKNOWN',
      reason: 'Unknown',
    })
  })
})
