import { type Clock, systemClock } from '../clock/index.js'
import { Counters } from '../counter/index.js'
import { StateStoreError } from '../errors/index.js'
import { Health, healthName, Vitals } from '../health/index.js'
import {
  acquireLock,
  acquireLocks,
  type Lock,
  type LockOptions,
  listLocks,
  refuseLost,
  releaseAll,
} from '../lock/index.js'
import { Log, type LogOptions } from '../log/index.js'
import type { InferInput, InferOutput, Schema } from '../schema/index.js'
import { FileStorage, type FileStorageOptions } from '../storage/file/index.js'
import {
  type LeaseStatus,
  type LogStatus,
  type OpenReport,
  refuseUnusable,
  type Storage,
  type VerifyReport,
} from '../storage/index.js'
import { Collection, type CollectionOptions } from './collection.js'
import { EventHub, type StateStoreEvent, type StateStoreListener } from './events.js'
import { runTransaction, type Transaction, type TransactionOptions } from './transaction.js'

export interface StateStoreOptions {
  readonly storage: Storage
  /** Default: the system's. */
  readonly clock?: Clock
  /** To be set for a storage that was made read-only: transactions then only read. Default: false. */
  readonly readOnly?: boolean
}

export interface OpenOptions extends Omit<FileStorageOptions, 'directory' | 'backups'> {
  /** Earlier versions kept of each document. Default: `{ keep: 10 }`; false for none. */
  readonly backups?: { readonly keep: number } | false | undefined
  /**
   * When damage and outside edits are looked for: when a document is read, or in all documents when the
   * store is opened as well (reads every one). Default: `on-read`.
   */
  readonly verify?: 'on-read' | 'on-open' | undefined
}

/** How long a blocking flush waits for other writers. */
const blockingWaitMs = 10_000

const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for('nodejs.asyncDispose') as never)

/**
 * A store of documents, logs, counters, health and locks. Made by {@link openStateStore}, or composed by hand:
 * `await new StateStore({ storage }).open()`.
 */
export class StateStore {
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #readOnly: boolean
  readonly #vitals: Vitals
  readonly #events: EventHub
  #report: OpenReport | undefined
  #counters: Counters | undefined
  #health: Health | undefined

  constructor(options: StateStoreOptions) {
    this.#storage = options.storage
    this.#clock = options.clock ?? systemClock
    this.#readOnly = options.readOnly ?? false
    this.#vitals = new Vitals(this.#clock)
    this.#events = new EventHub(this.#vitals)
    Object.defineProperty(this, asyncDispose, { value: () => this.close() })
  }

  declare [Symbol.asyncDispose]: () => Promise<void>

  /** What opening found and completed. */
  get recovery(): OpenReport {
    if (this.#report !== undefined) return this.#report
    throw new StateStoreError({
      code: 'STATE_CLOSED',
      message: 'The store is not open yet',
      operation: 'recovery',
      hint: 'await store.open() first.',
    })
  }

  /** What the storage promises. */
  get supports(): Storage['supports'] {
    return this.#storage.supports
  }

  /** Opens the storage. To be called once, before anything else; {@link openStateStore} does. */
  async open(): Promise<this> {
    this.#report = await this.#storage.open(this.#events.relay)
    const { newIdentity, rolledForward } = this.#report
    if (newIdentity || rolledForward > 0) this.#events.emit('state:recovered', this.#report)
    return this
  }

  /**
   * The documents of one kind. Costs nothing: open it wherever it is needed. With a `schema`, values
   * are typed by it and checked on every write and load. Throws `STATE_INVALID_KEY` for a name that is
   * none, `STATE_INVALID_OPTION` when the collection is open with another format.
   */
  collection<S extends Schema>(
    name: string,
    options: CollectionOptions<S> & { readonly schema: S },
  ): Collection<InferOutput<S>, InferInput<S>>
  collection<T = unknown>(name: string, options?: CollectionOptions<Schema>): Collection<T>
  collection(name: string, options: CollectionOptions<Schema> = {}): Collection<unknown> {
    refuseUnusable('collection', name)
    if (options.serializer !== undefined) this.#storage.useSerializer(name, options.serializer)
    const context = {
      storage: this.#storage,
      events: this.#events,
      monotonicMs: () => this.#clock.monotonicMs(),
    }
    return new Collection(context, name, options)
  }

  /** Counters by name. Costs nothing until it is used. */
  get counters(): Counters {
    const context = { storage: this.#storage, clock: this.#clock, events: this.#events }
    this.#counters ??= new Counters(context)
    return this.#counters
  }

  /** Names of the collections that have documents, sorted. */
  async collections(): Promise<string[]> {
    return (await this.#storage.collections()).sort()
  }

  /**
   * The log of a name, which need not exist yet. Costs nothing: open it wherever it is needed. With a
   * `schema`, the data of its events are typed by it and checked whenever they are written or read. Throws
   * `STATE_INVALID_KEY` for a name that is none.
   */
  log<S extends Schema>(
    name: string,
    options: LogOptions<S> & { readonly schema: S },
  ): Log<InferOutput<S>, InferInput<S>>
  log<T = unknown>(name: string, options?: LogOptions<Schema>): Log<T>
  log(name: string, options: LogOptions<Schema> = {}): Log<unknown> {
    refuseUnusable('log', name)
    const context = { storage: this.#storage, events: this.#events, clock: this.#clock }
    return new Log(context, name, options)
  }

  /** The logs that have events, with what they take, sorted by name. Reads no events. Throws `STATE_IO`. */
  async logs(): Promise<LogStatus[]> {
    const logs = await this.#storage.logs()
    return logs.sort((a, b) => (a.log < b.log ? -1 : 1))
  }

  /**
   * Reads and writes several documents, appends to logs and counts, all or none, serialisable across
   * processes. `work` is called again when something it read has changed meanwhile, so it must be free of
   * side effects. Resolves to what it returned. Throws what it threw, with nothing written;
   * `STATE_REVISION_CONFLICT` after 100 tries; and what `collection.set` throws.
   */
  transaction<R>(
    work: (transaction: Transaction) => Promise<R> | R,
    options: TransactionOptions = {},
  ): Promise<R> {
    const startedMs = this.#clock.monotonicMs()
    return runTransaction(this.#storage, this.#clock, work, options, this.#readOnly, (result) => {
      this.#events.reportSaved(result, this.#clock.monotonicMs() - startedMs)
    })
  }

  /**
   * Takes a named lock, across processes. Resolves to it; give it back with `release()` or
   * `await using`. Its `signal` aborts when it is lost. Pass it as `lease` to writes: they are refused
   * once another has it. Throws `STATE_LEASE_TIMEOUT` after `waitMs`, naming the holder.
   */
  lock(name: string, options: LockOptions = {}): Promise<Lock> {
    return acquireLock(this.#storage, name, options)
  }

  /**
   * Runs `work` while holding a lock, or several, which are always taken in the same order. Throws
   * what `work` throws; and `STATE_LEASE_LOST` when the lock was lost meanwhile, even if it succeeded.
   */
  async withLock<R>(
    name: string | readonly string[],
    options: LockOptions,
    work: (lock: Lock, locks: readonly Lock[]) => Promise<R> | R,
  ): Promise<R> {
    const locks = await acquireLocks(
      this.#storage,
      typeof name === 'string' ? [name] : name,
      options,
    )
    try {
      const [first] = locks
      if (first === undefined) {
        throw new StateStoreError({
          code: 'STATE_INVALID_OPTION',
          message: 'withLock needs at least one name',
          operation: 'withLock',
        })
      }
      const result = await work(first, locks)
      refuseLost(locks)
      return result
    } finally {
      await releaseAll(locks)
    }
  }

  /** Every lock that was ever taken here: who holds it, since when, until when. */
  locks(): Promise<LeaseStatus[]> {
    return listLocks(this.#storage)
  }

  /** How the components of a system are, and how the store itself is. */
  get health(): Health {
    this.#health ??= new Health({
      storage: this.#storage,
      clock: this.#clock,
      vitals: this.#vitals,
      documents: this.collection(healthName),
      emit: (event, detail) => this.#events.emit(event, detail as never),
    })
    return this.#health
  }

  /** Calls `listener` on each event. Returns a function that removes it. */
  on<K extends StateStoreEvent>(event: K, listener: StateStoreListener<K>): () => void {
    return this.#events.on(event, listener)
  }

  /**
   * Looks at every document. With `repair`, damaged ones are restored from their newest good backup.
   * Reads the whole store.
   */
  verify(options: { readonly repair?: boolean } = {}): Promise<VerifyReport> {
    return this.#storage.verify({ repair: options.repair ?? false })
  }

  /** Completes, blocking the thread, every write that was asked for: for exit handlers. */
  flushSync(): void {
    this.#storage.flushBlocking(blockingWaitMs)
  }

  /** Completes what was asked for and lets go of everything. Idempotent. */
  close(): Promise<void> {
    return this.#storage.close()
  }
}

/**
 * Opens the store in a directory, creating it if needed; its documents are not read. Without
 * `directory` that is the environment's `STATE_PATH`, or `.state`.
 *
 * Throws `STATE_FORMAT_MISMATCH` for a store of a newer version or another mode (unless `readOnly`),
 * `STATE_CORRUPT` when both copies of its stamp are damaged, `STATE_INVALID_OPTION`, `STATE_IO`.
 *
 * @example
 * const store = await openStateStore('.state')
 * const tasks = store.collection('tasks')
 * await tasks.set('task_123', { status: 'pending' })
 * await store.close()
 */
export async function openStateStore(
  directory: string = process.env.STATE_PATH || '.state',
  options: OpenOptions = {},
): Promise<StateStore> {
  const { backups, verify, ...storageOptions } = options
  const storage = new FileStorage({
    ...storageOptions,
    directory,
    backups: backups === false ? 0 : backups?.keep,
  })
  const { clock = systemClock, readOnly = false } = options
  const store = await new StateStore({ storage, clock, readOnly }).open()
  if (verify !== 'on-open') return store
  try {
    await store.verify({ repair: !readOnly })
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}
