import type { Clock } from '../clock/index.js'
import {
  addressOf,
  type Counts,
  counting,
  type Increment,
  optionsOf,
  toIncrements,
  type WindowOptions,
} from '../counter/index.js'
import { isStateStoreError, StateStoreError } from '../errors/index.js'
import type { EventOptions, Log } from '../log/index.js'
import { toStorable } from '../serializer/index.js'
import type {
  Change,
  ChangeSource,
  Commit,
  CommitResult,
  DocumentAddress,
  DocumentCheck,
  DocumentWrite,
  Durability,
  LeaseClaim,
  LogAppend,
  NewRecord,
  Storage,
  StoredDocument,
} from '../storage/index.js'
import type { Collection } from './collection.js'
import { retryConflicts, retryReads } from './conflicts.js'

export interface TransactionOptions {
  /** A lock the transaction is made under: refused with `STATE_LEASE_LOST` once that was lost. */
  readonly lease?: LeaseClaim
  /** Default: the store's. */
  readonly durability?: Durability
  readonly signal?: AbortSignal
}

interface Touched {
  readonly address: DocumentAddress
  /** Read once, also when it is asked for twice at once: all is decided on one version. */
  reading?: Promise<StoredDocument | undefined>
  /** As read; undefined when it was not read. */
  read?: { readonly stored: StoredDocument | undefined }
  change?: Extract<Change, { kind: 'put' | 'delete' }>
  /** Of a counter: counted at commit, on whatever it is by then or on `change`. */
  increments?: Increment[] | undefined
}

/** What a document becomes; undefined when it was only read. */
function changeOf({ change, increments }: Touched): ChangeSource | undefined {
  if (increments === undefined) return change
  if (change === undefined) return counting(increments)
  return counting(increments)(change.kind === 'delete' ? undefined : change)
}

/**
 * Several documents and events, all or none, as if alone in the store. Reads see what the transaction
 * has written. It is committed when the function given to `store.transaction` resolves, and only if
 * nothing it read has changed; otherwise the function is called again.
 *
 * @example
 * await store.transaction(async (tx) => {
 *   const task = await tx.get(tasks, 'task_123')
 *   tx.set(tasks, 'task_123', { ...task, status: 'done' })
 *   tx.append(log, 'finished', { task: 'task_123' })
 * })
 */
export class Transaction {
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #touched = new Map<string, Touched>()
  /** By log, in the order of the first event of each. */
  readonly #appended = new Map<string, NewRecord[]>()
  #open = true

  /** Use `store.transaction`. */
  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage
    this.#clock = clock
  }

  /** The value, or undefined when there is none; the caller's own copy. Errors as `collection.get`. */
  async get<T, Input>(collection: Collection<T, Input>, key: string): Promise<T | undefined> {
    const touched = this.#touch(collection.addressOf(key))
    const change = changeOf(touched)
    if (typeof change === 'object') {
      return change.kind === 'put' ? (structuredClone(change.value) as T) : undefined
    }
    const read = await this.#read(touched)
    const { increments } = touched
    const stored = increments === undefined ? read : counting(increments)(read)
    if (stored === undefined) return undefined
    return collection.check(key, structuredClone(stored.value), 'load')
  }

  /** Whether there is a document, of whatever content. */
  async has<T, Input>(collection: Collection<T, Input>, key: string): Promise<boolean> {
    const touched = this.#touch(collection.addressOf(key))
    const change = changeOf(touched)
    if (change !== undefined) return typeof change === 'function' || change.kind === 'put'
    return (await this.#read(touched)) !== undefined
  }

  /** Writes at commit. Throws `STATE_VALIDATION_FAILED` and `STATE_INVALID_VALUE` at once. */
  set<T, Input>(collection: Collection<T, Input>, key: string, value: Input): void {
    const checked = toStorable(collection.checkBlocking(key, value, 'set'))
    const touched = this.#touch(collection.addressOf(key))
    touched.change = collection.put(checked) as Extract<Change, { kind: 'put' }>
    touched.increments = undefined
  }

  /** Deletes at commit. */
  delete<T, Input>(collection: Collection<T, Input>, key: string): void {
    const touched = this.#touch(collection.addressOf(key))
    touched.change = { kind: 'delete' }
    touched.increments = undefined
  }

  /**
   * Counts at commit, as `store.counters.increment` does. Reads nothing, so others that count the same
   * never make the transaction run again. Several increments of one counter add up. Throws
   * `STATE_INVALID_VALUE` and `STATE_INVALID_OPTION` for its arguments at once; what the counter itself
   * refuses fails the commit.
   */
  increment(name: string, by?: number, options?: WindowOptions): void
  increment(counts: Counts, options?: WindowOptions): void
  increment(what: string | Counts, second?: number | WindowOptions, third?: WindowOptions): void {
    const options = optionsOf(what, second, third)
    for (const increment of toIncrements(this.#clock, what, second, options)) {
      const touched = this.#touch(addressOf(increment.name))
      touched.increments ??= []
      touched.increments.push(increment)
    }
  }

  /**
   * Appends an event at commit, after those that were appended to the log before it; the forms are those of
   * `log.append`. Throws at once `STATE_VALIDATION_FAILED`, `STATE_INVALID_VALUE` and, where the schema
   * must be awaited, `STATE_UNSUPPORTED`. Two transactions that append to one log do not conflict.
   */
  append<T, Input>(log: Log<T, Input>, type: string, data?: Input, options?: EventOptions): void
  append<T, Input>(
    log: Log<T, Input>,
    data: Exclude<Input, string>,
    options?: EventOptions & { readonly type?: string | undefined },
  ): void
  append(log: Log<unknown>, first: unknown, second?: unknown, third?: unknown): void {
    this.#refuseEnded()
    const record = log.recordOf(first, second, third)
    const records = this.#appended.get(log.name) ?? []
    this.#appended.set(log.name, records)
    records.push(record)
  }

  /** @internal */
  commit(options: TransactionOptions): Promise<CommitResult> {
    this.#open = false
    const { lease, durability, signal } = options
    const touched = [...this.#touched.values()]
    const writes = touched.flatMap((each): DocumentWrite[] => {
      const { address, read } = each
      const change = changeOf(each)
      if (change === undefined) return []
      return [{ address, change, expected: read && (read.stored?.revision ?? null) }]
    })
    const appends = [...this.#appended].map(([log, records]): LogAppend => ({ log, records }))
    const commit: Commit = {
      writes,
      appends,
      checks: this.#checks(),
      leases: lease === undefined ? [] : [lease],
      durability,
      signal,
    }
    return this.#storage.commit(commit)
  }

  /** @internal A write that would merely be dropped must not look like one that was made. */
  refuseWrites(): void {
    for (const touched of this.#touched.values()) {
      const { address } = touched
      if (changeOf(touched) === undefined) continue
      throw readOnly(`writes ${address.collection}/${address.key}`, { ...address })
    }
    for (const log of this.#appended.keys()) throw readOnly(`appends to log ${log}`, { log })
  }

  /** @internal Throws `STATE_REVISION_CONFLICT` if something read has changed since. */
  async verifyReads(): Promise<void> {
    this.#open = false
    for (const { address, read } of this.#touched.values()) {
      if (read === undefined) continue
      const expected = read.stored?.revision ?? null
      const actual = (await this.#storage.read(address))?.revision ?? null
      if (actual === expected) continue
      throw new StateStoreError({
        code: 'STATE_REVISION_CONFLICT',
        message: `${address.collection}/${address.key} changed while a transaction used it`,
        operation: 'transaction',
        retryable: true,
        details: { ...address, expected, actual },
      })
    }
  }

  #read(touched: Touched): Promise<StoredDocument | undefined> {
    touched.reading ??= this.#storage.read(touched.address).then((stored) => {
      touched.read = { stored }
      return stored
    })
    return touched.reading
  }

  #checks(): DocumentCheck[] {
    return [...this.#touched.values()].flatMap((touched) => {
      const { address, read } = touched
      if (read === undefined || changeOf(touched) !== undefined) return []
      return [{ address, expected: read.stored?.revision ?? null }]
    })
  }

  #refuseEnded(): void {
    if (this.#open) return
    throw new StateStoreError({
      code: 'STATE_CLOSED',
      message: 'The transaction has ended',
      operation: 'transaction',
      hint: 'Await everything the function starts before it returns.',
    })
  }

  #touch(address: DocumentAddress): Touched {
    this.#refuseEnded()
    const id = JSON.stringify([address.collection, address.key])
    const touched = this.#touched.get(id) ?? { address }
    this.#touched.set(id, touched)
    return touched
  }
}

const readOnly = (what: string, details: Readonly<Record<string, unknown>>): StateStoreError =>
  new StateStoreError({
    code: 'STATE_READ_ONLY',
    message: `A transaction ${what}, but the store is read-only`,
    operation: 'transaction',
    details,
  })

/** Runs `work` in a transaction, and again when it met a conflict. */
export function runTransaction<R>(
  storage: Storage,
  clock: Clock,
  work: (transaction: Transaction) => Promise<R> | R,
  options: TransactionOptions,
  isReadOnly: boolean,
  onCommitted: (result: CommitResult) => void,
): Promise<R> {
  const attempt = async (): Promise<R> => {
    const transaction = new Transaction(storage, clock)
    let result: R
    try {
      result = await work(transaction)
    } catch (error) {
      // It may have failed because it saw documents that do not belong together.
      if (!isStateStoreError(error, 'STATE_REVISION_CONFLICT')) await transaction.verifyReads()
      throw error
    }
    if (isReadOnly) {
      transaction.refuseWrites()
      await transaction.verifyReads()
    } else {
      onCommitted(await transaction.commit(options))
    }
    return result
  }
  if (isReadOnly) return retryReads(attempt)
  return retryConflicts(storage, 'transaction', options.signal, attempt)
}
