/** The log part of the storage port: append-only sequences of records. */
import type { Revision } from './revision.js'

/** A record to be appended. Its id and time are given to it when it is committed. */
export interface NewRecord {
  readonly type?: string | undefined
  readonly agent?: string | undefined
  /** Anything JSON can hold; undefined for none. */
  readonly data?: unknown
}

export interface LogAppend {
  readonly log: string
  /** At least one. They stand together and in this order; nothing comes between them. */
  readonly records: readonly NewRecord[]
}

export interface AppendOutcome {
  readonly log: string
  /** In the order of `LogAppend.records`. */
  readonly ids: readonly Revision[]
}

export interface LogRecord {
  /**
   * Rises strictly through a log, and is used once in a store. A line made by hand has none: it is `0.0`.
   */
  readonly id: Revision
  /**
   * When it was committed by the clock of who did; milliseconds since the epoch. Follows that clock, also
   * when it is set back. Of a line made by hand: what its `at`, `time` or `timestamp` says, else 0.
   */
  readonly at: number
  readonly type?: string | undefined
  readonly agent?: string | undefined
  /** The caller's: fresh, shared with nobody. Of a line made by hand: all of it. */
  readonly data: unknown
  /** `external`: made by somebody else than holdfast. */
  readonly origin: 'store' | 'external'
}

/** All conditions must hold. Costs in the size of the answer, not of the log, where they are of time and id. */
export interface LogQuery {
  readonly log: string
  /** Milliseconds since the epoch, inclusive. */
  readonly since?: number | undefined
  /** Milliseconds since the epoch, exclusive. */
  readonly until?: number | undefined
  /** Only records with a greater id; so none that was made by hand. */
  readonly after?: Revision | undefined
  readonly types?: readonly string[] | undefined
  readonly agent?: string | undefined
  /** Newest first. */
  readonly reverse?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** A place in a log that cannot be read. What stands around it can. */
export interface LogDamage {
  readonly log: string
  readonly path: string
  /** Where it begins in the file, in bytes. */
  readonly offset: number
  /** How long it is. */
  readonly bytes: number
  readonly reason: string
}

export interface LogStatus {
  readonly log: string
  readonly bytes: number
  /** Files it is spread over; 1 where a storage has none. */
  readonly segments: number
}
