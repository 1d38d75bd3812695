import type { Clock } from '../clock/index.js'
import { isStateStoreError } from '../errors/index.js'
import { type Schema, validate, validateBlocking, validateSoon } from '../schema/index.js'
import { toStorable } from '../serializer/index.js'
import type {
  Commit,
  CommitResult,
  LogRecord,
  NewRecord,
  Revision,
  Storage,
} from '../storage/index.js'
import { EventReader, type Reading } from './event-reader.js'
import type { LogAudience, LogEvent } from './events.js'
import { type LogFilter, queryOf } from './filter.js'
import { type FollowOptions, FollowSource, followPlan, presentId } from './follow.js'
import {
  type AppendOptions,
  type BlockingAppendOptions,
  eventOf,
  type NewEvent,
  type WithType,
} from './new-event.js'
import { refuseNoDuration } from './time.js'

export interface LogOptions<S extends Schema> {
  /** zod or anything that speaks Standard Schema. Checks the data of every event, written or read. */
  readonly schema?: S
}

export interface AppendReceipt {
  readonly id: Revision
  /** When it was committed; milliseconds since the epoch. */
  readonly at: number
}

/** The events that a query asks for. Each iteration reads anew; nothing is read before. */
export interface LogEvents<T> extends AsyncIterable<LogEvent<T>> {
  [Symbol.asyncIterator](): AsyncIterableIterator<LogEvent<T>>
  /** All of them at once. */
  toArray(): Promise<LogEvent<T>[]>
}

export interface LogContext {
  readonly storage: Storage
  readonly events: LogAudience
  readonly clock: Clock
}

/** How long a blocking append waits for other writers. */
const blockingWaitMs = 10_000

/**
 * An append-only sequence of events. Every method may be called concurrently, from any number of
 * processes: no event is lost, and those of one caller stand in the order they were appended. Data that
 * are given are copied before the call returns its promise; data that are read are fresh copies.
 *
 * @example
 * const log = store.log('discord_response')
 * await log.append('posted', { channel: 'general' }, { agent: 'scout' })
 * await log.append({ channel: 'general' })
 * for await (const { at, data } of log.query({ since: '1h', type: 'posted' })) console.log(at, data)
 */
export class Log<T, Input = T> {
  readonly name: string
  readonly #context: LogContext
  readonly #schema: Schema<unknown, T> | undefined

  /** Use `store.log(name)`. */
  constructor(context: LogContext, name: string, options: LogOptions<Schema>) {
    this.name = name
    this.#context = context
    this.#schema = options.schema as Schema<unknown, T> | undefined
  }

  /**
   * Appends an event: `append(type, data?, options?)`, or `append(data, { type? })` where the data are no
   * string. When the promise resolves, it is as durable as the store promises. Appends that wait together
   * are made together, as one write and one fsync. With type and agent the data may take
   * `maxDocumentBytes` as JSON.
   *
   * Throws, with nothing written: `STATE_VALIDATION_FAILED`, `STATE_INVALID_VALUE`, `STATE_INVALID_OPTION`
   * for a type or agent that is no string, `STATE_DOCUMENT_TOO_LARGE`, `STATE_LEASE_LOST`,
   * `STATE_LEASE_TIMEOUT` when the turn to write does not come, `STATE_QUEUE_FULL`, `STATE_ABORTED`,
   * `STATE_READ_ONLY`, `STATE_CLOSED`; and `STATE_IO`, whose `commitState` tells what happened: after
   * `unknown`, appending again may append twice.
   */
  append(type: string, data?: Input, options?: AppendOptions): Promise<AppendReceipt>
  append(data: Exclude<Input, string>, options?: WithType<AppendOptions>): Promise<AppendReceipt>
  async append(first: unknown, second?: unknown, third?: AppendOptions): Promise<AppendReceipt> {
    const { event, options } = eventOf(first, second, third)
    return only(await this.#append([event], options))
  }

  /**
   * Appends several events, all or none, in this order and with nothing between them. Resolves to a
   * receipt for each. `agent` in the options is that of events without their own. Errors as {@link append}.
   */
  async appendAll(
    events: readonly NewEvent<Input>[],
    options: AppendOptions = {},
  ): Promise<AppendReceipt[]> {
    if (events.length === 0) return []
    const { agent } = options
    return this.#append(
      events.map((event) => ({ ...event, agent: event.agent ?? agent })),
      options,
    )
  }

  /**
   * As {@link append}, blocking the thread: for exit handlers, where nothing asynchronous runs any more.
   * Writes that were under way are completed first. Waits at most 10 seconds for other processes.
   *
   * Throws as {@link append}; and `STATE_UNSUPPORTED`, with nothing written, where the schema must be
   * awaited or the storage cannot block.
   */
  appendSync(type: string, data?: Input, options?: BlockingAppendOptions): AppendReceipt
  appendSync(data: Exclude<Input, string>, options?: WithType<BlockingAppendOptions>): AppendReceipt
  appendSync(first: unknown, second?: unknown, third?: BlockingAppendOptions): AppendReceipt {
    const { clock, events, storage } = this.#context
    const { event, options } = eventOf(first, second, third)
    const startedMs = clock.monotonicMs()
    try {
      const commit = this.#commitOf([this.#checkedBlocking(event)], options)
      const result = storage.commitBlocking(commit, blockingWaitMs)
      events.reportSaved(result, clock.monotonicMs() - startedMs)
      return only(receiptsOf(result))
    } catch (error) {
      throw this.#told(error)
    }
  }

  /**
   * The events that meet all conditions, oldest first. Read as they are consumed: at most one group of
   * records is held, and nothing more is read once the consumer stops. Events that are appended meanwhile may
   * or may not be seen. One that does not fit the schema is left out, and reported as `log:invalid`; a
   * damaged place is too, as `log:damaged`. Reads what lies in the time that is asked for and after the id;
   * type, agent and `where` are looked at there.
   *
   * Throws `STATE_INVALID_OPTION` at once; `STATE_ABORTED` and `STATE_IO` while reading.
   */
  query(filter: LogFilter<T> = {}): LogEvents<T> {
    const read = this.#reading(filter)
    return {
      [Symbol.asyncIterator]: read,
      toArray: async () => {
        const events: LogEvent<T>[] = []
        await read().visit((event) => events.push(event))
        return events
      },
    }
  }

  /**
   * The events of the last while: `recent('1h')` is `query({ since: '1h' })`. A number and a unit: `90s`,
   * `30m`, `1h`, `7d`, `2w`. Errors as {@link query}.
   */
  recent(duration: string, filter: Omit<LogFilter<T>, 'since'> = {}): LogEvents<T> {
    refuseNoDuration(duration)
    return this.query({ ...filter, since: duration })
  }

  /** The newest `count` events, newest first, read from the end. Errors as {@link query}. */
  async last(
    count = 1,
    filter: Omit<LogFilter<T>, 'reverse' | 'limit'> = {},
  ): Promise<LogEvent<T>[]> {
    return this.query({ ...filter, reverse: true, limit: count }).toArray()
  }

  /** How many events meet all conditions. Reads them as {@link query} does, and holds none. Errors alike. */
  async count(filter: LogFilter<T> = {}): Promise<number> {
    let count = 0
    await this.#reading(filter)().visit(() => {
      count += 1
    })
    return count
  }

  /**
   * The events that any process commits, as they come, in their order and none twice: those after `after`, by
   * default those committed after this call. Ends when the signal aborts or the consumer stops, not before.
   * Looks for new ones every `pollMs`, which does not keep the process alive. Lines that somebody adds by
   * hand have no id of their own and are never seen here; `query` shows them.
   *
   * Throws `STATE_INVALID_OPTION` at once; `STATE_IO` and `STATE_CLOSED` while reading.
   */
  follow(options: FollowOptions = {}): AsyncIterable<LogEvent<T>> {
    const { clock, storage } = this.#context
    const { signal } = options
    const { after, fits, pollMs } = followPlan(options)
    const start = after === undefined ? presentId(storage, this.name) : Promise.resolve(after)
    // Met by whoever reads; until then it must not count as unhandled.
    start.catch(() => undefined)
    const followed = { storage, clock, log: this.name, start, pollMs, signal }
    return {
      [Symbol.asyncIterator]: () =>
        new EventReader<T>({
          open: () => new FollowSource(followed),
          read: (record) => (fits(record) ? this.#read(record) : undefined),
          signal,
          abort: 'ends',
        }),
    }
  }

  /** @internal A record to be appended in a transaction, checked and copied. */
  recordOf(first: unknown, second: unknown, third: unknown): NewRecord {
    const { event } = eventOf(first, second, third as AppendOptions | undefined)
    const record = this.#checkedBlocking(event)
    return record.data === undefined ? record : { ...record, data: toStorable(record.data) }
  }

  async #append(
    given: readonly NewEvent<unknown>[],
    options: AppendOptions,
  ): Promise<AppendReceipt[]> {
    const { clock, events, storage } = this.#context
    const startedMs = clock.monotonicMs()
    try {
      const checking = this.#checked(given)
      // Awaited only if need be: until the storage has its copy, the caller must not get to run.
      const records = checking instanceof Promise ? await checking : checking
      const result = await storage.commit(this.#commitOf(records, options))
      events.reportSaved(result, clock.monotonicMs() - startedMs)
      return receiptsOf(result)
    } catch (error) {
      throw this.#told(error)
    }
  }

  #told(error: unknown): unknown {
    this.#context.events.emit('log:append-error', { log: this.name, error })
    return error
  }

  #commitOf(records: readonly NewRecord[], { durability, lease, signal }: AppendOptions): Commit {
    const leases = lease === undefined ? [] : [lease]
    return { writes: [], appends: [{ log: this.name, records }], leases, durability, signal }
  }

  /** Checks at once where the schema can, else copies: the caller may change the data afterwards. */
  #checked(given: readonly NewEvent<unknown>[]): NewRecord[] | Promise<NewRecord[]> {
    try {
      return given.map((event) => this.#checkedBlocking(event))
    } catch (error) {
      const schema = this.#schema
      if (schema === undefined || !isStateStoreError(error, 'STATE_UNSUPPORTED')) throw error
      const copies = given.map((event) => ({ ...event, data: structuredClone(event.data) }))
      return Promise.all(
        copies.map(async (event) => {
          const data = await validate(schema, event.data, { log: this.name }, 'append')
          return { ...event, data }
        }),
      )
    }
  }

  #checkedBlocking(event: NewEvent<unknown>): NewRecord {
    if (this.#schema === undefined) return event
    const data = validateBlocking(this.#schema, event.data, { log: this.name }, 'append')
    return { ...event, data }
  }

  /** A function that reads anew each time it is called; the filter is looked at once. */
  #reading(filter: LogFilter<T>): () => EventReader<T> {
    const { clock, storage } = this.#context
    const query = queryOf(this.name, filter, clock.now())
    const { limit, signal, where } = filter
    return () =>
      new EventReader<T>({
        open: () => storage.readLog(query)[Symbol.asyncIterator](),
        read: (record) => this.#read(record),
        where,
        limit,
        signal,
        abort: 'fails',
      })
  }

  #read(record: LogRecord): Reading<T> | Promise<Reading<T>> {
    if (this.#schema === undefined) return toEvent(record, record.data as T)
    const { id } = record
    const leaveOut = (error: unknown): undefined => {
      if (!isStateStoreError(error, 'STATE_VALIDATION_FAILED')) throw error
      this.#context.events.emit('log:invalid', { log: this.name, id, error })
    }
    try {
      const data = validateSoon(this.#schema, record.data, { log: this.name, id }, 'load')
      if (!(data instanceof Promise)) return toEvent(record, data)
      return data.then((awaited) => toEvent(record, awaited), leaveOut)
    } catch (error) {
      return leaveOut(error)
    }
  }
}

/** Without the properties that nothing was given for. */
function toEvent<T>({ id, at, type, agent }: LogRecord, data: T): LogEvent<T> {
  if (type === undefined) return agent === undefined ? { id, at, data } : { id, at, agent, data }
  return agent === undefined ? { id, at, type, data } : { id, at, type, agent, data }
}

function receiptsOf({ appended, savedAt }: CommitResult): AppendReceipt[] {
  const receipts: AppendReceipt[] = []
  for (const { ids } of appended) for (const id of ids) receipts.push({ id, at: savedAt })
  return receipts
}

/** A storage gives one id for one record. */
const only = ([receipt]: readonly AppendReceipt[]): AppendReceipt => receipt as AppendReceipt
