/**
 * The storage port: what every storage offers, and nothing else. Everything above it (collections,
 * transactions, locks) is written against this page, so nothing above it may assume files.
 *
 * How each operation maps to SQLite, PostgreSQL, Redis and S3: docs/adr/0003-storage-port.md.
 * What an implementation must do is defined by the conformance suite in `holdfast/testing`.
 */
import type { Serializer } from '../serializer/index.js'
import type { AppendOutcome, LogAppend, LogDamage, LogQuery, LogRecord, LogStatus } from './log.js'
import type { Revision } from './revision.js'

/**
 * `power`: acknowledged means it survives kill -9 and power loss. `process`: it survives kill -9
 * only. There is no third kind.
 */
export type Durability = 'power' | 'process'

export interface DocumentAddress {
  readonly collection: string
  readonly key: string
}

/** A document as it stands. The value is the caller's: fresh, shared with nobody. */
export interface StoredDocument {
  readonly value: unknown
  readonly revision: Revision
  /** Milliseconds since the epoch. */
  readonly savedAt: number
  /** The session that wrote it; absent for a file made by hand. */
  readonly writer?: string | undefined
  readonly schemaVersion?: number | undefined
  /** `external`: made or changed by somebody else than holdfast since it was last saved. */
  readonly origin: 'store' | 'external'
}

export type Change =
  | { readonly kind: 'put'; readonly value: unknown; readonly schemaVersion?: number | undefined }
  | { readonly kind: 'delete' }
  /** Leave it as it is. */
  | { readonly kind: 'keep' }

/**
 * What a document becomes: a change, or a function of the present document. The function runs
 * inside the storage's serialisation, so its result cannot be overtaken; it must be blocking, quick
 * and free of side effects (it may be called again), and an error it throws fails this commit alone.
 */
export type ChangeSource = Change | ((current: StoredDocument | undefined) => Change)

/** What a document must be at commit: a revision, or `null` for absent. */
export type Expectation = Revision | null

export interface DocumentWrite {
  readonly address: DocumentAddress
  readonly change: ChangeSource
  readonly expected?: Expectation | undefined
}

export interface DocumentCheck {
  readonly address: DocumentAddress
  readonly expected: Expectation
}

/** A lease under which a commit is made: refused if it is no longer the newest for its name. */
export interface LeaseClaim {
  readonly name: string
  readonly token: number
}

export interface Commit {
  /** At most one write a document. All become visible and durable, or none. */
  readonly writes: readonly DocumentWrite[]
  /** Several to one log stand in this order. */
  readonly appends?: readonly LogAppend[] | undefined
  /** Documents that must not have changed, for serialisable transactions. */
  readonly checks?: readonly DocumentCheck[] | undefined
  readonly leases?: readonly LeaseClaim[] | undefined
  /** Default: the storage's own setting. */
  readonly durability?: Durability | undefined
  /** Ends the wait in the queue; a commit that has begun is not interrupted. */
  readonly signal?: AbortSignal | undefined
}

export interface WriteOutcome {
  readonly address: DocumentAddress
  readonly kind: Change['kind']
  /** The document as this write left it; undefined after a delete or when it stays absent. */
  readonly document: StoredDocument | undefined
}

export interface CommitResult {
  /** Of the whole commit. */
  readonly revision: Revision
  readonly savedAt: number
  /** A later write to the same documents waited with this one and was stored in its place. */
  readonly superseded: boolean
  /** In the order of `Commit.writes`. */
  readonly outcomes: readonly WriteOutcome[]
  /** In the order of `Commit.appends`. */
  readonly appended: readonly AppendOutcome[]
}

export interface ListQuery {
  readonly collection: string
  /** A glob over decoded keys, `/` separating their parts: `2026/*`, `task_{1,2}*`, `**`. */
  readonly pattern?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface LeaseRequest {
  readonly name: string
  /** How long the holder may be silent before it counts as gone. Default 30,000; 50 to 86,400,000. */
  readonly ttlMs?: number | undefined
  /** How long to wait for it; 0 tries once. Default 30,000. */
  readonly waitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Shown to those who inspect the lease. */
  readonly purpose?: string | undefined
}

/** The exclusive right to a name. */
export interface Lease extends LeaseClaim {
  /** Strictly increasing for a name, also across restarts and power cuts. */
  readonly token: number
  /** Aborted when the lease is lost, also by closing the store, with a `STATE_LEASE_LOST` error as reason. */
  readonly signal: AbortSignal
  /**
   * Gives the name back. Idempotent, and harmless after the lease was lost. Waits for commits made
   * under the lease through the same storage.
   */
  release(): Promise<void>
}

export interface LeaseStatus {
  readonly name: string
  readonly token: number
  readonly state: 'held' | 'free'
  readonly pid?: number | undefined
  readonly host?: string | undefined
  readonly purpose?: string | undefined
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined
  /** When it may be taken over if its holder stays silent from now on; an estimate. */
  readonly expiresAt?: number | undefined
}

export interface BackupStatus {
  /** Names the backup within its document. Rises with time. */
  readonly id: string
  /** When it was replaced; milliseconds since the epoch. */
  readonly replacedAt: number
}

export interface VerifyFinding {
  readonly kind: 'corrupt' | 'edited' | 'unreadable' | 'escape' | 'internal'
  readonly address?: DocumentAddress | undefined
  readonly path?: string | undefined
  readonly reason: string
  /** What was done about it, when repairing. */
  readonly repaired?: string | undefined
}

export interface VerifyReport {
  readonly documents: number
  readonly intact: number
  /** Log records that are whole. */
  readonly records: number
  readonly findings: readonly VerifyFinding[]
}

export interface OpenReport {
  /** Commits of a dead writer that were completed. */
  readonly rolledForward: number
  /** Staging directories of dead writers that were removed. */
  readonly sweptWriters: number
  /** The store was copied or restored from elsewhere and has a new identity. */
  readonly newIdentity: boolean
}

/** How a storage is, and how much there is in it. */
export interface StorageStatus {
  /** As {@link Storage.location}. */
  readonly location?: string | undefined
  /** False when what was opened has been removed since. */
  readonly exists: boolean
  /** Proved by writing, durably, something that no reader sees; false when opened read-only. */
  readonly writable: boolean
  /** Why it cannot be written to, in words. */
  readonly reason?: string | undefined
  /** What the try to write failed with; absent when there was none. */
  readonly error?: unknown
  /** Space left on the disk for this process, in bytes; absent where that is not told. */
  readonly freeBytes?: number | undefined
  readonly totalBytes?: number | undefined
  /** Those that listings show. */
  readonly documents: number
  /** Earlier versions, of all documents, also of those that were deleted. */
  readonly backups: number
  /** Damaged pieces that were set aside. */
  readonly quarantined: number
  readonly logs: number
  readonly logBytes: number
}

/** What a storage tells about documents and leases while it works. */
export interface StorageEvents {
  'state:corrupt': {
    readonly address?: DocumentAddress | undefined
    readonly path: string
    readonly reason: string
    readonly quarantinedAs?: string | undefined
    /** The backup that was put in its place; absent when there was no good one. */
    readonly restoredFrom?: string | undefined
  }
  'state:external-change': {
    readonly address: DocumentAddress
    readonly path: string
    readonly revision: Revision
  }
  /** Told once for each place. */
  'log:damaged': LogDamage
  'state:recovered': OpenReport
  /** This writer was superseded and has registered again; nothing was lost. */
  'writer:revoked': { readonly generation: number }
  /** A writer that was silent in its turn, or dead, was superseded by this one. */
  'writer:taken-over': {
    readonly pid?: number | undefined
    readonly host?: string | undefined
    readonly reason: string
  }
  /** A delete went ahead on a full disk although the document could not be backed up. */
  'backup:skipped': { readonly address: DocumentAddress; readonly reason: string }
  /** Old backups could not be dropped; tried again later. */
  'maintenance:failed': { readonly operation: string; readonly error: unknown }
  'lease:taken-over': { readonly name: string; readonly token: number; readonly reason: string }
  'lease:lost': { readonly name: string; readonly token: number }
}

export type StorageListener = <K extends keyof StorageEvents>(
  event: K,
  detail: StorageEvents[K],
) => void

export interface StorageSupports {
  /** A writer that lost its turn, or a lease, cannot write. */
  readonly fencing: boolean
  /** The strongest promise it can keep. */
  readonly durability: Durability | 'none'
  /** Several processes may use one store. */
  readonly processes: boolean
  readonly blockingCommit: boolean
  /** Documents may be changed from outside, and that is noticed. */
  readonly externalEdits: boolean
  readonly serializers: boolean
  readonly backups: boolean
}

export interface Storage {
  /** Names the implementation in error messages. */
  readonly name: string
  readonly supports: StorageSupports
  /** Where it is, for people to read: the absolute path of a directory. Absent where it is nowhere. */
  readonly location?: string | undefined

  /** Must be called once, before anything else. Completes what a dead writer left half done. */
  open(listener: StorageListener): Promise<OpenReport>

  /** Undefined when absent. Throws `STATE_CORRUPT` when there is a document but no good version of it. */
  read(address: DocumentAddress): Promise<StoredDocument | undefined>

  /** Keys in no particular order. A key written while listing may or may not be seen. */
  list(query: ListQuery): AsyncIterable<string>

  /** Names of collections that hold a document, in no particular order. */
  collections(): Promise<string[]>

  /** The one way in. Commits that wait together may be made together; each is all or none. */
  commit(commit: Commit): Promise<CommitResult>

  /** The same, blocking the thread: for exit handlers. Waits at most `waitMs` for other writers. */
  commitBlocking(commit: Commit, waitMs: number): CommitResult

  /** Completes, blocking the thread, every commit that was asked for. For exit handlers. */
  flushBlocking(waitMs: number): void

  /**
   * The records of a log that fit, in the order of their ids, in groups as they come. Nothing for a log
   * that does not exist. Records appended after the call may or may not be seen. Damaged places are left
   * out, and told as `log:damaged`.
   */
  readLog(query: LogQuery): AsyncIterable<readonly LogRecord[]>

  /** Logs that have records, in no particular order. */
  logs(): Promise<LogStatus[]>

  acquireLease(request: LeaseRequest): Promise<Lease>
  leases(): Promise<LeaseStatus[]>

  /** Which serializer a collection uses. Must precede its first use; ignored where not supported. */
  useSerializer(collection: string, serializer: Serializer): void

  /** Earlier versions that were kept, oldest first. */
  backups(address: DocumentAddress): Promise<BackupStatus[]>
  readBackup(address: DocumentAddress, id: string): Promise<StoredDocument>

  verify(options: { readonly repair: boolean }): Promise<VerifyReport>

  /**
   * Counts without reading documents: costs a listing of everything and one small durable write. What
   * keeps it from being written to is told, not thrown. Throws `STATE_IO` when it cannot be listed.
   */
  status(): Promise<StorageStatus>

  /** Completes what was asked for, then lets go of everything. Idempotent. */
  close(): Promise<void>
}
