import { isStateStoreError, StateStoreError } from '../../errors/index.js'
import { runSteps, type Steps } from '../../file-system/index.js'
import { type Serializer, toStorable } from '../../serializer/index.js'
import type { LogQuery, LogRecord, LogStatus } from '../log.js'
import { refuseAborted } from '../refusals.js'
import type {
  BackupStatus,
  Commit,
  CommitResult,
  DocumentAddress,
  Lease,
  LeaseClaim,
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
} from '../storage.js'
import { CommitJob } from './commit-job.js'
import {
  type CompleteOptions,
  complete,
  type Engine,
  openEngine,
  rejectOnAbort,
  type Writing,
} from './file-engine.js'
import { type FileStorageOptions, inlinePolicy } from './file-storage-options.js'
import { type EncodedAppend, encodeAppends } from './planned-logs.js'
import { statusOf } from './storage-status.js'

/** The default storage: readable files in one directory. See docs/ARCHITECTURE.md and docs/FORMAT.md. */
export class FileStorage implements Storage {
  readonly name = 'file'
  readonly supports: StorageSupports
  readonly #options: CompleteOptions
  readonly #commits = new Map<string, Set<Promise<unknown>>>()
  readonly #maintenance = new Set<Promise<void>>()
  #listener: StorageListener = () => {}
  #engine: Engine | undefined
  #closing: Promise<void> | undefined

  /** Throws `STATE_INVALID_OPTION`. Touches nothing before {@link open}. */
  constructor(options: FileStorageOptions) {
    this.#options = complete(options)
    const { durability, lock, writer } = this.#options
    this.supports = {
      fencing: writer.supports.fencing && lock.supports.fencing,
      durability,
      processes: true,
      blockingCommit: true,
      externalEdits: true,
      serializers: true,
      backups: true,
    }
  }

  /** Absolute. */
  get directory(): string {
    return this.#options.directory
  }

  get location(): string {
    return this.directory
  }

  async open(listener: StorageListener): Promise<OpenReport> {
    this.#listener = listener
    this.#engine = await openEngine(this.#options, {
      listener,
      commitsUnder: (claim) => this.#commitsUnder(claim),
    })
    return this.#engine.report
  }

  useSerializer(collection: string, serializer: Serializer): void {
    this.#open('useSerializer').files.useSerializer(collection, serializer)
  }

  async read(address: DocumentAddress): Promise<StoredDocument | undefined> {
    return this.#open('read').health.read(address)
  }

  async *list({ collection, pattern, signal }: ListQuery): AsyncIterable<string> {
    const { keys, unreadable } = await this.#open('list').listing.keys(collection, pattern)
    for (const path of unreadable) {
      this.#listener('state:corrupt', { path, reason: 'its key cannot be read' })
    }
    for (const key of keys) {
      refuseAborted(signal, 'list')
      yield key
    }
  }

  async collections(): Promise<string[]> {
    return this.#open('collections').listing.collections()
  }

  async commit(commit: Commit): Promise<CommitResult> {
    const writing = this.#writing('commit')
    refuseAborted(commit.signal, 'commit')
    const own = ownCopy(commit)
    const appends = encodeAppends(commit.appends, this.#options.maxDocumentBytes)
    try {
      return await this.#submit(writing, own, appends)
    } catch (error) {
      // A document the commit depends on is damaged: restore it, then decide anew.
      if (!isStateStoreError(error, 'STATE_CORRUPT')) throw error
      const { collection, key } = error.details as { collection?: string; key?: string }
      if (collection === undefined || key === undefined) throw error
      const restored = await this.#open('commit').health.repair({ collection, key })
      if (restored === undefined) throw error
      return await this.#submit(writing, own, appends)
    }
  }

  #submit(
    writing: Writing,
    commit: Commit,
    appends: readonly EncodedAppend[],
  ): Promise<CommitResult> {
    const result = new Promise<CommitResult>((resolve, reject) => {
      let forget = nothing
      const job = new CommitJob(
        commit,
        appends,
        (done) => {
          forget()
          this.#pruneAfter(done)
          resolve(done)
        },
        (error) => {
          forget()
          reject(error)
        },
      )
      writing.loop.submit(job)
      forget = rejectOnAbort(job, commit.signal, 'commit')
    })
    for (const claim of commit.leases ?? []) this.#track(claim, result)
    return result
  }

  commitBlocking(commit: Commit, waitMs: number): CommitResult {
    const { loop } = this.#writing('commitBlocking')
    refuseAborted(commit.signal, 'commitBlocking')
    let result: CommitResult | undefined
    let failure: unknown
    const job = new CommitJob(
      ownCopy(commit),
      encodeAppends(commit.appends, this.#options.maxDocumentBytes),
      (done) => {
        result = done
      },
      (error) => {
        failure = error
      },
    )
    loop.submit(job)
    try {
      loop.flushBlocking(waitMs)
    } catch (error) {
      // It must not be made later, when the caller has been told that it failed.
      job.reject(error)
    }
    if (result === undefined) throw failure
    this.#pruneAfter(result)
    return result
  }

  flushBlocking(waitMs: number): void {
    this.#writing('flushBlocking').loop.flushBlocking(waitMs)
  }

  async *readLog(query: LogQuery): AsyncGenerator<readonly LogRecord[], void, undefined> {
    const { logReader, news } = this.#open('readLog')
    refuseAborted(query.signal, 'readLog')
    for await (const { records, damage } of logReader.read(query)) {
      for (const place of damage) {
        if (news.isNew(`${place.path} ${place.offset}`)) this.#listener('log:damaged', place)
      }
      if (records.length > 0) yield records
    }
  }

  async logs(): Promise<LogStatus[]> {
    return this.#open('logs').logReader.list()
  }

  async acquireLease(request: LeaseRequest): Promise<Lease> {
    return this.#writing('acquireLease').leases.acquire(request)
  }

  async leases(): Promise<LeaseStatus[]> {
    return this.#writing('leases').leases.list()
  }

  async backups(address: DocumentAddress): Promise<BackupStatus[]> {
    return this.#run(this.#open('backups').keepsakes.list(address))
  }

  async readBackup(address: DocumentAddress, id: string): Promise<StoredDocument> {
    return this.#run(this.#open('readBackup').keepsakes.read(address, id))
  }

  async verify({ repair }: { readonly repair: boolean }): Promise<VerifyReport> {
    if (repair) this.#writing('verify')
    return this.#open('verify').health.verify(repair)
  }

  async status(): Promise<StorageStatus> {
    const { files, layout, writing } = this.#open('status')
    const { clock, fileSystem } = this.#options
    const draftPath = writing && (() => writing.loop.incarnation.nextPath())
    const logs = await this.logs()
    return statusOf({ fileSystem, timer: clock, layout, files, draftPath }, logs)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const writing = this.#engine?.writing
    if (writing === undefined) return
    writing.leases.stopWaiting()
    await writing.loop.idle()
    await Promise.all(this.#maintenance)
    writing.close()
  }

  /** Drops backups beyond the number kept, behind the caller's back. */
  #pruneAfter({ outcomes }: CommitResult): void {
    const keepsakes = this.#engine?.keepsakes
    if (keepsakes === undefined) return
    for (const { address, kind } of outcomes) {
      if (kind === 'keep' || !keepsakes.isPruningDue(address)) continue
      const pruning = this.#run(keepsakes.prune(address))
        .catch((error: unknown) => {
          this.#listener('maintenance:failed', { operation: 'prune', error })
        })
        .finally(() => this.#maintenance.delete(pruning))
      this.#maintenance.add(pruning)
    }
  }

  #track(claim: LeaseClaim, commit: Promise<unknown>): void {
    const id = `${claim.token} ${claim.name}`
    const commits = this.#commits.get(id) ?? new Set()
    this.#commits.set(id, commits)
    const settled = commit.then(nothing, nothing).finally(() => {
      commits.delete(settled)
      if (commits.size === 0) this.#commits.delete(id)
    })
    commits.add(settled)
  }

  async #commitsUnder(claim: LeaseClaim): Promise<void> {
    await Promise.all(this.#commits.get(`${claim.token} ${claim.name}`) ?? [])
  }

  #run<T>(steps: Steps<T>): Promise<T> {
    const { clock, fileSystem } = this.#options
    return runSteps(fileSystem, clock, steps, inlinePolicy)
  }

  #open(operation: string): Engine {
    if (this.#engine !== undefined && this.#closing === undefined) return this.#engine
    throw new StateStoreError({
      code: 'STATE_CLOSED',
      message: `The store at ${this.directory} is ${this.#closing === undefined ? 'not open' : 'closed'}`,
      operation,
      path: this.directory,
    })
  }

  #writing(operation: string): Writing {
    const { writing } = this.#open(operation)
    if (writing !== undefined) return writing
    throw new StateStoreError({
      code: 'STATE_READ_ONLY',
      message: `The store at ${this.directory} was opened read-only`,
      operation,
      path: this.directory,
    })
  }
}

const nothing = (): void => {}

/** The caller may change its values once the call has returned; ours are as they were. */
function ownCopy(commit: Commit): Commit {
  const writes = commit.writes.map((write) => {
    const { change } = write
    if (typeof change === 'function' || change.kind !== 'put') return write
    return { ...write, change: { ...change, value: toStorable(change.value) } }
  })
  return { ...commit, writes }
}
