import { isStateStoreError, StateStoreError } from '../errors/index.js'
import { type Schema, validate, validateBlocking } from '../schema/index.js'
import { type Serializer, toStorable } from '../serializer/index.js'
import type {
  BackupStatus,
  Change,
  Commit,
  CommitResult,
  DocumentAddress,
  Durability,
  Expectation,
  LeaseClaim,
  Revision,
  Storage,
  StoredDocument,
} from '../storage/index.js'
import { retryConflicts } from './conflicts.js'
import type { EventHub } from './events.js'
import { readAhead } from './read-ahead.js'

export interface CollectionOptions<S extends Schema> {
  /** zod or anything that speaks Standard Schema. Checked on every write and every load. */
  readonly schema?: S
  /** The format of the collection's files. Default: the store's. */
  readonly serializer?: Serializer
  /** Written into each document as its schema version. A positive whole number. */
  readonly version?: number
}

export interface WriteOptions {
  /** The revision the document must be at; `null`: it must not exist. Else `STATE_REVISION_CONFLICT`. */
  readonly ifRevision?: Expectation
  /** A lock this write is made under: refused with `STATE_LEASE_LOST` once that was lost. */
  readonly lease?: LeaseClaim
  /** Default: the store's. */
  readonly durability?: Durability
  /** Ends the wait for a turn with `STATE_ABORTED`; a write that has begun is not interrupted. */
  readonly signal?: AbortSignal
}

export interface UpdateOptions<T> extends Omit<WriteOptions, 'ifRevision'> {
  /** What to start from when there is no document. Without it that is `STATE_NOT_FOUND`. */
  readonly initial?: T
}

export interface WriteReceipt {
  readonly revision: Revision
  /** Milliseconds since the epoch. */
  readonly savedAt: number
  /** A later write to the same key waited with this one and was stored in its place. */
  readonly superseded: boolean
}

export interface Document<T> {
  readonly key: string
  readonly value: T
  readonly revision: Revision
  /** Milliseconds since the epoch. */
  readonly savedAt: number
  /** The session that wrote it; undefined for a file made by hand. */
  readonly writer: string | undefined
  readonly schemaVersion: number | undefined
  /** `external`: made or changed outside the store since it was last saved. */
  readonly origin: StoredDocument['origin']
}

export interface ListOptions {
  /** A glob over keys, `/` separating their parts: `2026/*`, `task_*`. */
  readonly pattern?: string
  readonly signal?: AbortSignal
}

export interface CollectionContext {
  readonly storage: Storage
  readonly events: EventHub
  readonly monotonicMs: () => number
}

/** How many documents a listing reads at once. */
const listingWidth = 16

/** How long a blocking write waits for other writers. */
const blockingWaitMs = 10_000

/** Thrown inside a turn when a change cannot be decided at once; never leaves this file. */
class NotBlocking extends Error {}

/**
 * Documents of one kind, by key. Every method may be called concurrently, from any number of
 * processes. Values that are read are fresh copies; values that are given are copied before the call
 * returns its promise.
 */
export class Collection<T, Input = T> {
  readonly name: string
  readonly #context: CollectionContext
  readonly #schema: Schema<unknown, T> | undefined
  readonly #version: number | undefined

  /** Use `store.collection(name)`. */
  constructor(context: CollectionContext, name: string, options: CollectionOptions<Schema>) {
    this.name = name
    this.#context = context
    this.#schema = options.schema as Schema<unknown, T> | undefined
    this.#version = options.version
  }

  /** The value, or undefined when there is none. Errors as {@link read}. */
  async get(key: string): Promise<T | undefined> {
    return (await this.read(key))?.value
  }

  /**
   * The document, or undefined when there is none. A damaged one is restored from its newest good
   * backup first. Throws `STATE_CORRUPT` when there is none, `STATE_VALIDATION_FAILED` when it does
   * not fit the schema, `STATE_INVALID_KEY`, `STATE_PATH_ESCAPE`, `STATE_IO`.
   */
  async read(key: string): Promise<Document<T> | undefined> {
    const { events, monotonicMs, storage } = this.#context
    const startedMs = monotonicMs()
    let stored: StoredDocument | undefined
    try {
      stored = await storage.read(this.addressOf(key))
    } catch (error) {
      events.reportLoadFailed(error)
      throw error
    }
    const loaded = { collection: this.name, key, revision: stored?.revision }
    events.reportLoaded(loaded, monotonicMs() - startedMs)
    return stored === undefined ? undefined : await this.accept(key, stored)
  }

  /** Whether there is a document, of whatever content. Throws `STATE_CORRUPT` as {@link read}. */
  async has(key: string): Promise<boolean> {
    return (await this.#context.storage.read(this.addressOf(key))) !== undefined
  }

  /**
   * Writes the document. When the promise resolves, it is as durable as the store promises. Sets of one
   * key that wait together become one revision; the earlier ones are told `superseded`.
   *
   * Throws, with nothing written: `STATE_VALIDATION_FAILED`, `STATE_INVALID_VALUE`,
   * `STATE_REVISION_CONFLICT`, `STATE_LEASE_LOST`, `STATE_DOCUMENT_TOO_LARGE`, `STATE_QUEUE_FULL`,
   * `STATE_ABORTED`; and `STATE_IO`, whose `commitState` tells what happened.
   */
  async set(key: string, value: Input, options: WriteOptions = {}): Promise<WriteReceipt> {
    const address = this.addressOf(key)
    const checking = this.#checkGiven(key, value)
    // Awaited only if need be: until the storage has its copy, the caller must not get to run.
    const checked = checking instanceof Promise ? await checking : checking
    return this.#commit(key, this.#write(address, this.put(checked), options))
  }

  /**
   * The same, blocking the thread: for exit handlers, where nothing asynchronous runs any more. Writes
   * that were under way are completed first. Waits at most 10 seconds for other processes.
   */
  setSync(key: string, value: Input, options: Omit<WriteOptions, 'signal'> = {}): WriteReceipt {
    const address = this.addressOf(key)
    const checked = this.checkBlocking(key, value, 'set')
    const commit = this.#write(address, this.put(checked), options)
    const { events, monotonicMs, storage } = this.#context
    const startedMs = monotonicMs()
    const result = storage.commitBlocking(commit, blockingWaitMs)
    events.reportSaved(result, monotonicMs() - startedMs)
    const { revision, savedAt, superseded } = result
    return { revision, savedAt, superseded }
  }

  /**
   * Reads, changes and writes as one step: with any number of callers and processes no update is
   * lost. `change` gets a value of its own, and returns the new one. It may be called several times, so
   * it must be free of side effects. One that returns a promise is awaited outside the lock, and
   * called again if the document changed meanwhile. What it throws is thrown here.
   *
   * Resolves to the new value. Errors as {@link set} and {@link read}, and `STATE_NOT_FOUND`.
   */
  async update(
    key: string,
    change: (current: T) => T | Promise<T>,
    options: UpdateOptions<T> = {},
  ): Promise<T> {
    const { initial } = options
    const own = initial === undefined ? options : { ...options, initial: toStorable(initial) as T }
    try {
      return await this.#updateInTurn(key, change, own)
    } catch (error) {
      if (!(error instanceof NotBlocking)) throw error
      return await this.#updateOptimistically(key, change, own)
    }
  }

  /**
   * Changes some properties of the document and leaves the others, as one step. A property given as
   * undefined is removed. Without a document, the patch becomes one. Errors as {@link update}.
   */
  async merge(key: string, patch: Partial<T>, options: UpdateOptions<T> = {}): Promise<T> {
    const initial = options.initial ?? ({} as T)
    // A storable copy is without the undefined ones, which are those to remove.
    const own: Partial<T> = { ...patch, ...(toStorable(patch) as Partial<T>) }
    return this.update(key, (current) => ({ ...current, ...own }), { ...options, initial })
  }

  /** Removes the document, durably. Resolves to whether there was one. Errors as {@link set}. */
  async delete(key: string, options: WriteOptions = {}): Promise<boolean> {
    const commit = this.#write(this.addressOf(key), { kind: 'delete' }, options)
    const { outcomes } = await this.commitObserved(key, commit)
    return outcomes[0]?.kind === 'delete'
  }

  /** The keys, in no particular order. Reads no document. */
  keys(options: ListOptions = {}): AsyncIterable<string> {
    return this.#context.storage.list({ collection: this.name, ...options })
  }

  /** All keys at once, sorted. */
  async list(options: ListOptions = {}): Promise<string[]> {
    const keys: string[] = []
    for await (const key of this.keys(options)) keys.push(key)
    return keys.sort()
  }

  /**
   * The documents, in no particular order, a few read ahead of the consumer. One that is corrupt or does
   * not fit the schema is left out, and reported as `state:corrupt` or `state:invalid`.
   */
  async *entries(options: ListOptions = {}): AsyncIterable<Document<T>> {
    const documents = readAhead(this.keys(options), listingWidth, (key) => this.#readOrReport(key))
    for await (const document of documents) {
      if (document !== undefined) yield document
    }
  }

  /** Earlier versions that were kept, oldest first. */
  backups(key: string): Promise<BackupStatus[]> {
    return this.#context.storage.backups(this.addressOf(key))
  }

  /** One earlier version. Throws `STATE_CORRUPT` when it is gone or damaged. */
  async readBackup(key: string, id: string): Promise<Document<T>> {
    return this.accept(key, await this.#context.storage.readBackup(this.addressOf(key), id))
  }

  /** Makes an earlier version the present one, as a new revision. */
  async restore(key: string, id: string, options: WriteOptions = {}): Promise<WriteReceipt> {
    const { value } = await this.readBackup(key, id)
    return this.#commit(key, this.#write(this.addressOf(key), this.put(value), options))
  }

  /** @internal */
  addressOf(key: string): DocumentAddress {
    return { collection: this.name, key }
  }

  /** @internal The document as users see it: validated. */
  async accept(key: string, stored: StoredDocument): Promise<Document<T>> {
    const { revision, savedAt, writer, schemaVersion, origin } = stored
    const value = await this.check(key, stored.value, 'load')
    return { key, value, revision, savedAt, writer, schemaVersion, origin }
  }

  /** @internal */
  async check(key: string, value: unknown, operation: 'set' | 'load'): Promise<T> {
    if (this.#schema === undefined) return value as T
    return validate(this.#schema, value, this.addressOf(key), operation)
  }

  /** @internal */
  checkBlocking(key: string, value: unknown, operation: 'set' | 'load'): T {
    if (this.#schema === undefined) return value as T
    return validateBlocking(this.#schema, value, this.addressOf(key), operation)
  }

  /** @internal */
  put(value: unknown): Change {
    return { kind: 'put', value, schemaVersion: this.#version }
  }

  /** @internal Commits and tells listeners. */
  async commitObserved(key: string, commit: Commit, isRetried = false): Promise<CommitResult> {
    const { events, monotonicMs, storage } = this.#context
    const startedMs = monotonicMs()
    try {
      const result = await storage.commit(commit)
      events.reportSaved(result, monotonicMs() - startedMs)
      return result
    } catch (error) {
      // What is tried again has not failed yet.
      const goesOn = isRetried && isStateStoreError(error, 'STATE_REVISION_CONFLICT')
      if (!goesOn && !(error instanceof NotBlocking)) {
        events.emit('state:save-error', { collection: this.name, key, error })
      }
      throw error
    }
  }

  async #commit(key: string, commit: Commit): Promise<WriteReceipt> {
    const { revision, savedAt, superseded } = await this.commitObserved(key, commit)
    return { revision, savedAt, superseded }
  }

  #write(
    address: DocumentAddress,
    change: Commit['writes'][number]['change'],
    { ifRevision, lease, durability, signal }: WriteOptions,
  ): Commit {
    const write = { address, change, expected: ifRevision }
    return { writes: [write], leases: lease === undefined ? [] : [lease], durability, signal }
  }

  /** The usual way: decided inside the storage's serialisation, so nothing can come between. */
  async #updateInTurn(
    key: string,
    change: (current: T) => T | Promise<T>,
    options: UpdateOptions<T>,
  ): Promise<T> {
    const decide = (stored: StoredDocument | undefined): Change => {
      const current = this.#startingPoint(key, stored, options)
      const next = change(stored === undefined ? current : this.#blockingly(key, current, 'load'))
      if (next instanceof Promise) {
        next.catch(() => undefined)
        throw new NotBlocking()
      }
      return this.put(this.#blockingly(key, next, 'set'))
    }
    const commit = this.#write(this.addressOf(key), decide, options)
    const { outcomes } = await this.commitObserved(key, commit)
    return outcomes[0]?.document?.value as T
  }

  /** For changes or schemas that must be awaited: tried on what was read, again if that has changed. */
  #updateOptimistically(
    key: string,
    change: (current: T) => T | Promise<T>,
    options: UpdateOptions<T>,
  ): Promise<T> {
    const { storage } = this.#context
    const attempt = async (): Promise<T> => {
      const stored = await storage.read(this.addressOf(key))
      const current = this.#startingPoint(key, stored, options)
      const given = stored === undefined ? current : await this.check(key, current, 'load')
      const next = await this.check(key, await change(given), 'set')
      const ifRevision = stored?.revision ?? null
      const write = this.#write(this.addressOf(key), this.put(next), { ...options, ifRevision })
      const { outcomes } = await this.commitObserved(key, write, true)
      return outcomes[0]?.document?.value as T
    }
    return retryConflicts(storage, `update ${this.name}/${key}`, options.signal, attempt)
  }

  #startingPoint(
    key: string,
    stored: StoredDocument | undefined,
    { initial }: UpdateOptions<T>,
  ): T {
    if (stored !== undefined) return stored.value as T
    if (initial !== undefined) return structuredClone(initial)
    throw new StateStoreError({
      code: 'STATE_NOT_FOUND',
      message: `There is no document ${this.name}/${key} to update`,
      operation: 'update',
      hint: 'Pass { initial } to start from, or use set().',
      details: { collection: this.name, key },
    })
  }

  /** Checks at once where the schema can, else a copy: the caller may change the value afterwards. */
  #checkGiven(key: string, value: unknown): T | Promise<T> {
    try {
      return this.checkBlocking(key, value, 'set')
    } catch (error) {
      if (!isStateStoreError(error, 'STATE_UNSUPPORTED')) throw error
      return this.check(key, structuredClone(value), 'set')
    }
  }

  #blockingly(key: string, value: unknown, operation: 'set' | 'load'): T {
    try {
      return this.checkBlocking(key, value, operation)
    } catch (error) {
      if (isStateStoreError(error, 'STATE_UNSUPPORTED')) throw new NotBlocking()
      throw error
    }
  }

  async #readOrReport(key: string): Promise<Document<T> | undefined> {
    try {
      return await this.read(key)
    } catch (error) {
      // The storage has reported damage already.
      if (isStateStoreError(error, 'STATE_CORRUPT')) return undefined
      const reportable =
        isStateStoreError(error, 'STATE_VALIDATION_FAILED') ||
        isStateStoreError(error, 'STATE_PATH_ESCAPE')
      if (!reportable) throw error
      this.#context.events.emit('state:invalid', { collection: this.name, key, error })
      return undefined
    }
  }
}
