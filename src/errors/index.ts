/** Errors: one class, stable codes, and the table from errno to reason. */
export {
  FileSystemError,
  type FileSystemReason,
  isFileSystemError,
  toFileSystemError,
  withCommitState,
} from './file-system-error.js'
export {
  type CommitState,
  isStateStoreError,
  StateStoreError,
  type StateStoreErrorCode,
  type StateStoreErrorDetails,
} from './state-store-error.js'
