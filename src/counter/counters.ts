import type { Clock } from '../clock/index.js'
import { isStateStoreError } from '../errors/index.js'
import type {
  Change,
  Commit,
  CommitResult,
  DocumentWrite,
  Durability,
  LeaseClaim,
  Revision,
  Storage,
  StoredDocument,
} from '../storage/index.js'
import { type CounterDocument, refuseOtherZone, toCounter, zeroed } from './counter-document.js'
import {
  addressOf,
  type Counts,
  counterCollection,
  counting,
  type Increment,
  optionsOf,
  refuseUnknownKind,
  toIncrements,
} from './increment.js'
import { IncrementGroups } from './increment-group.js'
import { toTimeZone } from './time-zone.js'
import {
  type CounterWindow,
  inOrder,
  type WindowKind,
  type WindowOptions,
  type WindowQuery,
  windowOf,
} from './windows.js'

export interface CounterWriteOptions {
  /** A lock this write is made under: refused with `STATE_LEASE_LOST` once that was lost. */
  readonly lease?: LeaseClaim
  /** Default: the store's. */
  readonly durability?: Durability
  /** Ends the wait for a turn with `STATE_ABORTED`; a write that has begun is not interrupted. */
  readonly signal?: AbortSignal
}

export interface IncrementOptions extends WindowOptions, CounterWriteOptions {}

interface Failure {
  readonly collection: string
  readonly key: string
  readonly error: unknown
}

interface Loading {
  readonly collection: string
  readonly key: string
  readonly revision: Revision | undefined
  readonly durationMs: number
}

/** The events of the store that counters tell of. */
export interface CounterEvents {
  reportSaved(result: CommitResult, durationMs: number): void
  emit(event: 'state:save-error' | 'state:invalid', detail: Failure): void
  emit(event: 'state:loaded', detail: Loading): void
}

export interface CounterContext {
  readonly storage: Storage
  readonly clock: Clock
  readonly events: CounterEvents
}

/** How many counters a listing reads at once. */
const listingWidth = 16

/** How long a blocking write waits for other writers. */
const blockingWaitMs = 10_000

/**
 * Whole numbers by name, exact over any number of callers, processes and restarts: an increment that
 * was acknowledged is counted once, one that was refused not at all. One document each, in the
 * collection `counters`: `{ "value": 12 }`, and its windows. Any number of increments in flight are
 * written together.
 *
 * A document that is just a whole number, made by hand, is a counter too. One that is anything else
 * is refused with `STATE_VALIDATION_FAILED`, by every method, and never overwritten.
 */
export class Counters {
  readonly #context: CounterContext
  readonly #groups: IncrementGroups

  /** Use `store.counters`. */
  constructor(context: CounterContext) {
    this.#context = context
    this.#groups = new IncrementGroups(
      (write) => this.#commit({ writes: [write] }),
      (name, error) => context.events.emit('state:save-error', { ...addressOf(name), error }),
    )
  }

  /**
   * Adds `by`, which may be negative, and resolves to the value after just this increment. With several
   * names, `{ sent: 1, failed: 2 }`, all are counted in one commit or none is; resolves to the values by
   * name. When the promise resolves, it is as durable as the store promises.
   *
   * Increments of one name that are in flight together are one write, and `state:saved` is told once for
   * it; each has its own value or refusal. With options other than windows, and with several names, an
   * increment is a write of its own.
   *
   * With `per`, it is counted in the window of the present time too, by the store's clock at the moment
   * of the call. All windows of a kind have one time zone: that of the first increment. Another is
   * refused with `STATE_INVALID_OPTION`. All windows are kept, in the counter's document, unless `keep`
   * says how many; then older ones are dropped (the total stays). Each increment writes them anew:
   * give `keep` to what counts for years per hour.
   *
   * Only whole numbers within ±Number.MAX_SAFE_INTEGER are counted, for numbers beyond that are not
   * exact in floating point. A `by` that is none, or a total or window that would leave that range, is
   * refused with `STATE_INVALID_VALUE`.
   *
   * Throws, with nothing written: the above, `STATE_INVALID_KEY`, `STATE_INVALID_OPTION` (no such time
   * zone, for example), `STATE_VALIDATION_FAILED`, `STATE_LEASE_LOST`, `STATE_DOCUMENT_TOO_LARGE`,
   * `STATE_LEASE_TIMEOUT`, `STATE_QUEUE_FULL`, `STATE_ABORTED`, `STATE_READ_ONLY`, `STATE_CLOSED`,
   * `STATE_CORRUPT`; and `STATE_IO`, whose `commitState` tells what happened: unless that is
   * `not-committed`, trying again may count twice.
   */
  increment(name: string, by?: number, options?: IncrementOptions): Promise<number>
  increment(counts: Counts, options?: IncrementOptions): Promise<Record<string, number>>
  async increment(
    what: string | Counts,
    second?: number | IncrementOptions,
    third?: IncrementOptions,
  ): Promise<number | Record<string, number>> {
    const options = optionsOf(what, second, third)
    const increments = toIncrements(this.#context.clock, what, second, options)
    const [first] = increments
    if (typeof what === 'string' && first !== undefined && isPlain(options)) {
      return await this.#groups.add(first)
    }
    this.#groups.close(increments.map(({ name }) => name))
    const result = await this.#commit(commitOf(writesOf(increments), options))
    return valuesAfter(what, increments, result)
  }

  /**
   * The same, blocking the thread: for exit handlers, where nothing asynchronous runs any more. Writes
   * that were under way are completed first. Waits at most 10 seconds for other processes. Throws as
   * {@link increment}, and `STATE_UNSUPPORTED` where the storage cannot block.
   */
  incrementSync(name: string, by?: number, options?: Omit<IncrementOptions, 'signal'>): number
  incrementSync(counts: Counts, options?: Omit<IncrementOptions, 'signal'>): Record<string, number>
  incrementSync(
    what: string | Counts,
    second?: number | IncrementOptions,
    third?: IncrementOptions,
  ): number | Record<string, number> {
    const { clock, events, storage } = this.#context
    const options = optionsOf(what, second, third)
    const increments = toIncrements(clock, what, second, options)
    const startedMs = clock.monotonicMs()
    const commit = commitOf(writesOf(increments), options)
    const result = storage.commitBlocking(commit, blockingWaitMs)
    events.reportSaved(result, clock.monotonicMs() - startedMs)
    return valuesAfter(what, increments, result)
  }

  /**
   * The total, or with `per` the value of one window: the present one, or that of the moment `at`. 0
   * when there is none. Reads one document. Throws `STATE_VALIDATION_FAILED`, `STATE_CORRUPT`, `STATE_INVALID_KEY`,
   * `STATE_IO`; and `STATE_INVALID_OPTION` for a time zone that is not that of the counter's windows.
   */
  async get(name: string, query?: WindowQuery): Promise<number> {
    if (query === undefined) return (await this.#read(name))?.value ?? 0
    const { per, at = this.#context.clock.now(), timeZone } = query
    refuseUnknownKind(per)
    const given = timeZone === undefined ? undefined : toTimeZone(timeZone)
    // Whatever there is: a moment that is none must not depend on it.
    windowOf(per, at, given ?? 'UTC')
    const windows = (await this.#read(name))?.windows?.[per]
    if (windows === undefined) return 0
    if (given !== undefined) refuseOtherZone(addressOf(name), per, windows, given)
    const label = windowOf(per, at, windows.timeZone)
    return Object.hasOwn(windows.values, label) ? (windows.values[label] ?? 0) : 0
  }

  /** The windows that were counted in, from the oldest to the newest. Errors as {@link get}. */
  async windows(name: string, { per }: { readonly per: WindowKind }): Promise<CounterWindow[]> {
    refuseUnknownKind(per)
    const values = (await this.#read(name))?.windows?.[per]?.values ?? {}
    return inOrder(Object.keys(values)).map((window) => ({ window, value: values[window] ?? 0 }))
  }

  /**
   * The totals of all counters, by name, sorted (but for names that are whole numbers, which an object
   * has first). One that is damaged or no counter is left out, and reported as `state:corrupt` or
   * `state:invalid`. Reads every counter, not at one moment. Throws `STATE_IO`, `STATE_CLOSED`.
   */
  async all(): Promise<Record<string, number>> {
    const names: string[] = []
    for await (const name of this.#context.storage.list({ collection: counterCollection })) {
      names.push(name)
    }
    names.sort()
    const totals: [string, number][] = []
    for (let first = 0; first < names.length; first += listingWidth) {
      const some = names.slice(first, first + listingWidth)
      const read = await Promise.all(some.map((name) => this.#readOrReport(name)))
      for (const [index, counter] of read.entries()) {
        if (counter !== undefined) totals.push([some[index] ?? '', counter.value])
      }
    }
    return Object.fromEntries(totals)
  }

  /**
   * Sets the counter to 0 and removes its windows, and with them their time zone. Resolves to the value
   * it had, 0 if there was none: as one step, so that no increment is lost in between. With several
   * names, in one commit. Errors as {@link increment}.
   */
  reset(name: string, options?: CounterWriteOptions): Promise<number>
  reset(names: readonly string[], options?: CounterWriteOptions): Promise<Record<string, number>>
  async reset(
    what: string | readonly string[],
    options: CounterWriteOptions = {},
  ): Promise<number | Record<string, number>> {
    const names = typeof what === 'string' ? [what] : [...new Set(what)]
    this.#groups.close(names)
    const had = new Map<string, number>()
    const writes = names.map((name): DocumentWrite => {
      const address = addressOf(name)
      const change = (current: StoredDocument | undefined): Change => {
        const counter = current && toCounter(address, current.value)
        // It may be called several times. What the last call saw is what was replaced.
        had.set(name, counter?.value ?? 0)
        return counter === undefined ? { kind: 'keep' } : { kind: 'put', value: zeroed(counter) }
      }
      return { address, change }
    })
    await this.#commit(commitOf(writes, options))
    return typeof what === 'string' ? (had.get(what) ?? 0) : Object.fromEntries(had)
  }

  /** Commits and tells listeners. */
  async #commit(commit: Commit): Promise<CommitResult> {
    const { clock, events, storage } = this.#context
    const startedMs = clock.monotonicMs()
    try {
      const result = await storage.commit(commit)
      events.reportSaved(result, clock.monotonicMs() - startedMs)
      return result
    } catch (error) {
      for (const { address } of commit.writes)
        events.emit('state:save-error', { ...address, error })
      throw error
    }
  }

  async #read(name: string): Promise<CounterDocument | undefined> {
    const { clock, events, storage } = this.#context
    const address = addressOf(name)
    const startedMs = clock.monotonicMs()
    const stored = await storage.read(address)
    const durationMs = clock.monotonicMs() - startedMs
    events.emit('state:loaded', { ...address, revision: stored?.revision, durationMs })
    return stored && toCounter(address, stored.value)
  }

  async #readOrReport(name: string): Promise<CounterDocument | undefined> {
    try {
      return await this.#read(name)
    } catch (error) {
      // The storage has reported damage already.
      if (isStateStoreError(error, 'STATE_CORRUPT')) return undefined
      const reportable =
        isStateStoreError(error, 'STATE_VALIDATION_FAILED') ||
        isStateStoreError(error, 'STATE_PATH_ESCAPE')
      if (!reportable) throw error
      this.#context.events.emit('state:invalid', { ...addressOf(name), error })
      return undefined
    }
  }
}

const writesOf = (increments: readonly Increment[]): DocumentWrite[] =>
  increments.map((increment) => ({
    address: addressOf(increment.name),
    change: counting([increment]),
  }))

/** Whether it may be written with others: nothing is asked for that holds for this one alone. */
const isPlain = ({ durability, lease, signal }: CounterWriteOptions): boolean =>
  durability === undefined && lease === undefined && signal === undefined

const commitOf = (
  writes: readonly DocumentWrite[],
  { lease, durability, signal }: CounterWriteOptions,
): Commit => ({ writes, leases: lease === undefined ? [] : [lease], durability, signal })

/** As each increment left its counter; others of the same batch may have counted on. */
function valuesAfter(
  what: string | Counts,
  increments: readonly Increment[],
  { outcomes }: CommitResult,
): number | Record<string, number> {
  const values = outcomes.map(
    ({ document }) => (document?.value as CounterDocument | undefined)?.value,
  )
  if (typeof what === 'string') return values[0] ?? 0
  return Object.fromEntries(increments.map(({ name }, index) => [name, values[index] ?? 0]))
}
