import { type LogRecord, refuseAborted } from '../storage/index.js'
import type { LogEvent } from './events.js'

/** What becomes of a record: an event, or undefined for one that is left out. */
export type Reading<T> = LogEvent<T> | undefined

export interface EventReaderOptions<T> {
  /** Called when the first event is asked for. */
  open(): AsyncIterator<readonly LogRecord[]>
  read(record: LogRecord): Reading<T> | Promise<Reading<T>>
  readonly where?: ((event: LogEvent<T>) => boolean) | undefined
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** What an aborted signal does to the reading. */
  readonly abort: 'fails' | 'ends'
}

type Step<T> = IteratorResult<LogEvent<T>, undefined>

/**
 * The events in the groups that a storage hands out, of which it holds one at a time. Written by hand,
 * for most events are at hand when they are asked for, and an async generator would still take several
 * rounds of promises for each.
 */
export class EventReader<T> implements AsyncIterableIterator<LogEvent<T>> {
  readonly #options: EventReaderOptions<T>
  #source: AsyncIterator<readonly LogRecord[]> | undefined
  #group: readonly LogRecord[] = []
  #place = 0
  /** A record that an asynchronous schema is looking at. */
  #checking: Promise<Reading<T>> | undefined
  #left: number
  #isOver: boolean
  /** Those who asked while the next event was not at hand. They are served in their order. */
  #waiting = 0
  #line: Promise<unknown> = Promise.resolve()

  constructor(options: EventReaderOptions<T>) {
    this.#options = options
    this.#left = options.limit ?? Number.POSITIVE_INFINITY
    this.#isOver = this.#left === 0
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Step<T>> {
    if (this.#waiting > 0) return this.#inTurn(() => this.#advance())
    try {
      const event = this.#atHand()
      if (event !== undefined) return Promise.resolve({ done: false, value: event })
    } catch (error) {
      return this.#inTurn(() => this.#fail(error))
    }
    return this.#inTurn(() => this.#advance())
  }

  async return(): Promise<Step<T>> {
    await this.#close()
    return { done: true, value: undefined }
  }

  /** Visits every event that is left. */
  async visit(visit: (event: LogEvent<T>) => void): Promise<void> {
    for (;;) {
      const step = await this.next()
      if (step.done === true) return
      visit(step.value)
      try {
        for (let event = this.#atHand(); event !== undefined; event = this.#atHand()) visit(event)
      } catch (error) {
        await this.#fail(error)
      }
    }
  }

  /** The next event if there is no need to wait. The last of a limit needs: reading ends with it. */
  #atHand(): Reading<T> {
    if (this.#left <= 1 || this.#options.signal?.aborted === true) return undefined
    const event = this.#fromGroup()
    if (event !== undefined) this.#left -= 1
    return event
  }

  #fromGroup(): Reading<T> {
    while (this.#checking === undefined) {
      const record = this.#group[this.#place]
      if (record === undefined) return undefined
      this.#place += 1
      const reading = this.#options.read(record)
      if (reading instanceof Promise) this.#checking = reading
      else if (this.#fits(reading)) return reading
    }
    return undefined
  }

  #fits(reading: Reading<T>): boolean {
    return reading !== undefined && (this.#options.where?.(reading) ?? true)
  }

  async #advance(): Promise<Step<T>> {
    try {
      for (;;) {
        await this.#lookAtSignal()
        if (this.#isOver) return { done: true, value: undefined }
        const event = this.#checking === undefined ? this.#fromGroup() : await this.#checked()
        if (event !== undefined && !this.#isOver) {
          this.#left -= 1
          if (this.#left === 0) await this.#close()
          return { done: false, value: event }
        }
        if (this.#checking === undefined) await this.#fetch()
      }
    } catch (error) {
      return this.#fail(error)
    }
  }

  async #lookAtSignal(): Promise<void> {
    const { abort, signal } = this.#options
    if (this.#isOver || signal?.aborted !== true) return
    if (abort === 'fails') refuseAborted(signal, 'query')
    await this.#close()
  }

  async #checked(): Promise<Reading<T>> {
    const reading = await this.#checking
    this.#checking = undefined
    return this.#fits(reading) ? reading : undefined
  }

  /** Gets the next group once the one at hand is used up. */
  async #fetch(): Promise<void> {
    if (this.#isOver || this.#place < this.#group.length) return
    this.#source ??= this.#options.open()
    const { done, value } = await this.#source.next()
    // Somebody may have ended the reading meanwhile.
    if (this.#isOver) return
    if (done === true) this.#isOver = true
    this.#group = done === true ? [] : value
    this.#place = 0
  }

  async #fail(error: unknown): Promise<never> {
    // What went wrong first is what is to be told.
    await this.#close().catch(() => undefined)
    throw error
  }

  async #close(): Promise<void> {
    const source = this.#source
    this.#isOver = true
    this.#group = []
    this.#source = undefined
    await source?.return?.()
  }

  #inTurn(step: () => Promise<Step<T>>): Promise<Step<T>> {
    this.#waiting += 1
    const turn = this.#line.then(step)
    const leave = (): void => {
      this.#waiting -= 1
    }
    this.#line = turn.then(leave, leave)
    return turn
  }
}
