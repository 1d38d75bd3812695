/**
 * What happened to the write an error speaks of.
 *
 * - `not-committed`: the old state stands; nothing of the write will ever show.
 * - `committed`: the write is in force although the operation reports an error.
 * - `unknown`: it could not be determined, for example when a directory could not be synced.
 */
export type CommitState = 'not-committed' | 'committed' | 'unknown'

/** The stable error codes. Codes follow semantic versioning, messages do not. See docs/errors.md. */
export type StateStoreErrorCode =
  | 'STATE_ABORTED'
  | 'STATE_CLOSED'
  | 'STATE_CORRUPT'
  | 'STATE_DOCUMENT_TOO_LARGE'
  | 'STATE_FORMAT_MISMATCH'
  | 'STATE_INVALID_KEY'
  | 'STATE_INVALID_OPTION'
  | 'STATE_INVALID_VALUE'
  | 'STATE_IO'
  | 'STATE_LEASE_LOST'
  | 'STATE_LEASE_TIMEOUT'
  | 'STATE_NOT_FOUND'
  | 'STATE_PATH_ESCAPE'
  | 'STATE_QUEUE_FULL'
  | 'STATE_READ_ONLY'
  | 'STATE_REVISION_CONFLICT'
  | 'STATE_TAKEOVER_FAILED'
  | 'STATE_UNSUPPORTED'
  | 'STATE_VALIDATION_FAILED'

export interface StateStoreErrorDetails {
  readonly code: StateStoreErrorCode
  readonly message: string
  /** The public operation or file-system call that failed, for example `commit` or `rename`. */
  readonly operation: string
  readonly path?: string | undefined
  /** Whether the same call can succeed later without a change by the caller. Default: false. */
  readonly retryable?: boolean
  /** Default: `not-committed`. */
  readonly commitState?: CommitState
  /** What the caller can do about it. */
  readonly hint?: string | undefined
  readonly cause?: unknown
  /** Facts of this error, for example `expected` and `actual` of a revision conflict. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

// A registered symbol, so that errors are recognised across copies of the package
// (ESM beside CJS, two versions in one tree, worker threads).
const brand = Symbol.for('holdfast.StateStoreError')

/**
 * The one error class of holdfast. Every failure carries a stable {@link code}, the operation, what
 * happened to the write ({@link commitState}) and, where there is one, a path, a hint and a cause.
 *
 * Test with {@link isStateStoreError}, not with `instanceof`: a process may hold several copies of
 * the package.
 */
export class StateStoreError extends Error {
  readonly code: StateStoreErrorCode
  readonly operation: string
  readonly path: string | undefined
  readonly retryable: boolean
  readonly commitState: CommitState
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(details: StateStoreErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'StateStoreError'
    this.code = details.code
    this.operation = details.operation
    this.path = details.path
    this.retryable = details.retryable ?? false
    this.commitState = details.commitState ?? 'not-committed'
    this.hint = details.hint
    this.details = details.details ?? {}
    Object.defineProperty(this, brand, { value: true })
  }
}

/**
 * Whether `error` comes from holdfast, from any copy of the package in this process; with `code`,
 * whether it has that code as well. Never throws.
 */
export function isStateStoreError(
  error: unknown,
  code?: StateStoreErrorCode,
): error is StateStoreError {
  if (typeof error !== 'object' || error === null || !(brand in error)) return false
  return code === undefined || (error as { code?: unknown }).code === code
}
