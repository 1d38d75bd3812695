import { type Clock, systemClock } from '../../clock/index.js'
import { StateStoreError } from '../../errors/index.js'
import { toStorable } from '../../serializer/index.js'
import { matchKeys } from '../key-pattern.js'
import type { LogQuery, LogRecord, LogStatus } from '../log.js'
import { toStorableAppends } from '../log-appends.js'
import { refuseAborted, refuseUnusable, revisionConflict, tooLarge } from '../refusals.js'
import { formatRevision } from '../revision.js'
import type {
  BackupStatus,
  Change,
  Commit,
  CommitResult,
  DocumentAddress,
  Expectation,
  Lease,
  LeaseRequest,
  LeaseStatus,
  ListQuery,
  OpenReport,
  Storage,
  StorageListener,
  StorageStatus,
  StorageSupports,
  StoredDocument,
  VerifyReport,
  WriteOutcome,
} from '../storage.js'
import { MemoryLeases } from './memory-leases.js'
import { MemoryLogs } from './memory-logs.js'

export interface MemoryStorageOptions {
  readonly clock?: Clock | undefined
  /** Earlier versions kept of each document. Default: 10. */
  readonly backups?: number | undefined
  /** Of a log record as well. Default: 16 MiB. */
  readonly maxDocumentBytes?: number | undefined
}

interface Backup extends BackupStatus {
  readonly document: StoredDocument
}

const identify = ({ collection, key }: DocumentAddress): string => JSON.stringify([collection, key])

function refuseUnusableAddress({ collection, key }: DocumentAddress): void {
  refuseUnusable('collection', collection)
  refuseUnusable('key', key)
}

/** Everything in this process's memory, gone with it. Synchronous inside, so every commit is alone. */
export class MemoryStorage implements Storage {
  readonly name = 'memory'
  readonly location = undefined
  readonly supports: StorageSupports = {
    fencing: true,
    durability: 'none',
    processes: false,
    blockingCommit: true,
    externalEdits: false,
    serializers: false,
    backups: true,
  }
  readonly #clock: Clock
  readonly #keep: number
  readonly #maxDocumentBytes: number
  /** By collection, then key. Values are never handed out, only copies. */
  readonly #documents = new Map<string, Map<string, StoredDocument>>()
  readonly #backups = new Map<string, Backup[]>()
  readonly #logs = new MemoryLogs()
  readonly #leases: MemoryLeases
  #counter = 0
  #state: 'new' | 'open' | 'closed' = 'new'

  constructor(options: MemoryStorageOptions = {}) {
    this.#clock = options.clock ?? systemClock
    this.#keep = options.backups ?? 10
    this.#maxDocumentBytes = options.maxDocumentBytes ?? 16 * 1024 * 1024
    this.#leases = new MemoryLeases(this.#clock)
  }

  async open(_listener: StorageListener): Promise<OpenReport> {
    this.#state = 'open'
    return { rolledForward: 0, sweptWriters: 0, newIdentity: false }
  }

  useSerializer(): void {
    this.#refuseClosed('useSerializer')
  }

  async read(address: DocumentAddress): Promise<StoredDocument | undefined> {
    this.#refuseClosed('read')
    return this.#copy(this.#find(address))
  }

  async *list({ collection, pattern, signal }: ListQuery): AsyncIterable<string> {
    this.#refuseClosed('list')
    refuseUnusable('collection', collection)
    const keys = [...(this.#documents.get(collection)?.keys() ?? [])]
    for (const key of pattern === undefined ? keys : await matchKeys(keys, pattern)) {
      refuseAborted(signal, 'list')
      yield key
    }
  }

  async collections(): Promise<string[]> {
    this.#refuseClosed('collections')
    return [...this.#documents].flatMap(([name, documents]) => (documents.size > 0 ? name : []))
  }

  async commit(commit: Commit): Promise<CommitResult> {
    return this.commitBlocking(commit)
  }

  commitBlocking(commit: Commit): CommitResult {
    this.#refuseClosed('commit')
    refuseAborted(commit.signal, 'commit')
    for (const claim of commit.leases ?? []) this.#leases.check(claim)
    for (const { address, expected } of commit.checks ?? []) this.#expect(address, expected)
    const appends = toStorableAppends(commit.appends ?? [], this.#maxDocumentBytes)
    const savedAt = this.#clock.now()
    const first = this.#counter + 1
    const records = appends.reduce((sum, append) => sum + append.records.length, 0)
    // Each record takes a number; the commit has that of its last.
    const last = this.#counter + Math.max(records, 1)
    const revision = formatRevision(1, last)
    const outcomes: WriteOutcome[] = []
    for (const { address, change, expected } of commit.writes) {
      if (expected !== undefined) this.#expect(address, expected)
      const current = this.#find(address)
      const decided = typeof change === 'function' ? change(this.#copy(current)) : change
      outcomes.push(this.#outcome(address, decided, current, revision, savedAt))
    }
    // Nothing can refuse the commit any more.
    this.#counter = last
    const appended = this.#logs.append(appends, first, savedAt)
    for (const outcome of outcomes) this.#apply(outcome, revision, savedAt)
    return {
      revision,
      savedAt,
      superseded: false,
      appended,
      outcomes: outcomes.map((outcome) => ({ ...outcome, document: this.#copy(outcome.document) })),
    }
  }

  flushBlocking(): void {
    this.#refuseClosed('flushBlocking')
  }

  async *readLog(query: LogQuery): AsyncIterable<readonly LogRecord[]> {
    this.#refuseClosed('readLog')
    refuseUnusable('log', query.log)
    yield* this.#logs.read(query)
  }

  async logs(): Promise<LogStatus[]> {
    this.#refuseClosed('logs')
    return this.#logs.list()
  }

  async acquireLease(request: LeaseRequest): Promise<Lease> {
    this.#refuseClosed('acquireLease')
    refuseUnusable('lease', request.name)
    return this.#leases.acquire(request)
  }

  async leases(): Promise<LeaseStatus[]> {
    this.#refuseClosed('leases')
    return this.#leases.list()
  }

  async backups(address: DocumentAddress): Promise<BackupStatus[]> {
    this.#refuseClosed('backups')
    return this.#backupsOf(address).map(({ id, replacedAt }) => ({
      id,
      replacedAt,
    }))
  }

  async readBackup(address: DocumentAddress, id: string): Promise<StoredDocument> {
    this.#refuseClosed('readBackup')
    const backup = this.#backupsOf(address).find((each) => each.id === id)
    if (backup !== undefined) return structuredClone(backup.document)
    throw new StateStoreError({
      code: 'STATE_CORRUPT',
      message: `There is no backup ${id} of ${address.collection}/${address.key}`,
      operation: 'readBackup',
    })
  }

  async verify(): Promise<VerifyReport> {
    this.#refuseClosed('verify')
    const documents = this.#countDocuments()
    return { documents, intact: documents, records: this.#logs.records, findings: [] }
  }

  async status(): Promise<StorageStatus> {
    this.#refuseClosed('status')
    const logs = await this.logs()
    let backups = 0
    for (const kept of this.#backups.values()) backups += kept.length
    return {
      exists: true,
      writable: true,
      documents: this.#countDocuments(),
      backups,
      quarantined: 0,
      logs: logs.length,
      logBytes: logs.reduce((sum, { bytes }) => sum + bytes, 0),
    }
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    this.#leases.close()
  }

  #countDocuments(): number {
    let documents = 0
    for (const collection of this.#documents.values()) documents += collection.size
    return documents
  }

  #backupsOf(address: DocumentAddress): readonly Backup[] {
    refuseUnusableAddress(address)
    return this.#backups.get(identify(address)) ?? []
  }

  #find(address: DocumentAddress): StoredDocument | undefined {
    refuseUnusableAddress(address)
    const { collection, key } = address
    return this.#documents.get(collection)?.get(key)
  }

  #copy(document: StoredDocument | undefined): StoredDocument | undefined {
    return document === undefined ? undefined : structuredClone(document)
  }

  #expect(address: DocumentAddress, expected: Expectation): void {
    const actual = this.#find(address)?.revision ?? null
    if (actual === expected) return
    throw revisionConflict(address, expected, actual)
  }

  #outcome(
    address: DocumentAddress,
    change: Change,
    current: StoredDocument | undefined,
    revision: string,
    savedAt: number,
  ): WriteOutcome {
    if (change.kind === 'keep' || (change.kind === 'delete' && current === undefined)) {
      return { address, kind: 'keep', document: current }
    }
    if (change.kind === 'delete') return { address, kind: 'delete', document: undefined }
    const value = toStorable(change.value)
    this.#refuseTooLarge(address, value)
    const { schemaVersion } = change
    return {
      address,
      kind: 'put',
      document: { value, revision, savedAt, writer: 'memory', schemaVersion, origin: 'store' },
    }
  }

  #refuseTooLarge(address: DocumentAddress, value: unknown): void {
    const bytes = Buffer.byteLength(JSON.stringify(value))
    if (bytes > this.#maxDocumentBytes) throw tooLarge(address, bytes, this.#maxDocumentBytes)
  }

  #apply({ address, kind, document }: WriteOutcome, revision: string, replacedAt: number): void {
    if (kind === 'keep') return
    const { collection, key } = address
    const documents = this.#documents.get(collection) ?? new Map<string, StoredDocument>()
    this.#documents.set(collection, documents)
    const previous = documents.get(key)
    if (previous !== undefined && this.#keep > 0) {
      const id = identify(address)
      const kept = [
        ...(this.#backups.get(id) ?? []),
        { id: revision, replacedAt, document: previous },
      ]
      this.#backups.set(id, kept.slice(-this.#keep))
    }
    if (document === undefined) documents.delete(key)
    else documents.set(key, document)
  }

  #refuseClosed(operation: string): void {
    if (this.#state === 'open') return
    throw new StateStoreError({
      code: 'STATE_CLOSED',
      message: `The store is ${this.#state === 'new' ? 'not open' : 'closed'}`,
      operation,
    })
  }
}
