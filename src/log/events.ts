import type { CommitResult, Revision } from '../storage/index.js'

/** An event as it was appended. */
export interface LogEvent<T> {
  /** Rises through a log, and is used once in a store. `0.0` for a line that somebody made by hand. */
  readonly id: Revision
  /**
   * When it was committed; milliseconds since the epoch. Follows the clock, also when that is set back. Of a
   * line made by hand: what its `at`, `time` or `timestamp` says, else 0.
   */
  readonly at: number
  readonly type?: string
  readonly agent?: string
  /** A copy of the reader's own; undefined where nothing was given. */
  readonly data: T
}

/** What a store tells of its logs. */
export interface LogNotices {
  'log:appended': {
    readonly log: string
    readonly ids: readonly Revision[]
    readonly durationMs: number
  }
  /** Nothing was appended, unless the error's `commitState` says otherwise. */
  'log:append-error': { readonly log: string; readonly error: unknown }
  /** An event does not fit the schema; it was left out. */
  'log:invalid': { readonly log: string; readonly id: Revision; readonly error: unknown }
}

/** Those who listen to a store. */
export interface LogAudience {
  has(event: keyof LogNotices): boolean
  emit<K extends keyof LogNotices>(event: K, detail: LogNotices[K]): void
  /** Tells of everything that a commit has written and appended. */
  reportSaved(result: CommitResult, durationMs: number): void
}

/** Tells of everything that a commit has appended. */
export function reportAppended(
  audience: Omit<LogAudience, 'reportSaved'>,
  { appended }: CommitResult,
  durationMs: number,
): void {
  if (!audience.has('log:appended')) return
  for (const { log, ids } of appended) audience.emit('log:appended', { log, ids, durationMs })
}
