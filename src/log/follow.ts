import type { Clock } from '../clock/index.js'
import { isStateStoreError } from '../errors/index.js'
import type { LogRecord, Revision, Storage } from '../storage/index.js'
import { idIn, invalid, type LogFilter, stringIn, typesOf } from './filter.js'

export interface FollowOptions extends Pick<LogFilter<unknown>, 'type' | 'agent'> {
  /** Only events with a greater id. Default: what is committed after the call. */
  readonly after?: Revision | undefined
  /** Ends the following, without an error. */
  readonly signal?: AbortSignal | undefined
  /** How often to look for new events. Default: 100; at least 1. */
  readonly pollMs?: number | undefined
}

const defaultPollMs = 100
const maxPollMs = 2 ** 31 - 1

/** Throws `STATE_INVALID_OPTION`. */
export function followPlan(options: FollowOptions): {
  readonly after: Revision | undefined
  readonly pollMs: number
  /** Asked here and not of the storage, so that what does not fit is not read again and again. */
  fits(record: LogRecord): boolean
} {
  const { pollMs = defaultPollMs } = options
  if (!(pollMs >= 1 && pollMs <= maxPollMs)) {
    throw invalid('pollMs', `a number from 1 to ${maxPollMs}`, pollMs)
  }
  const types = typesOf(options.type)
  const agent = stringIn('agent', options.agent)
  return {
    after: idIn(options.after),
    pollMs,
    fits: (record) =>
      (types === undefined || (record.type !== undefined && types.includes(record.type))) &&
      (agent === undefined || record.agent === agent),
  }
}

/** An id that everything committed from now on exceeds, and nothing that was committed before. */
export async function presentId(storage: Storage, log: string): Promise<Revision> {
  try {
    // An empty commit writes nothing, but has its place among all others.
    return (await storage.commit({ writes: [] })).revision
  } catch (error) {
    if (!isStateStoreError(error, 'STATE_READ_ONLY')) throw error
  }
  for await (const [newest] of storage.readLog({ log, reverse: true })) {
    if (newest !== undefined) return newest.id
  }
  return '0.0'
}

export interface FollowedLog {
  readonly storage: Storage
  readonly clock: Pick<Clock, 'sleep'>
  readonly log: string
  readonly start: Promise<Revision>
  readonly pollMs: number
  readonly signal: AbortSignal | undefined
}

/** The records of a log as they come, in the groups they are found in. Never ends by itself. */
export class FollowSource implements AsyncIterator<readonly LogRecord[]> {
  readonly #followed: FollowedLog
  #position: Revision | undefined
  #reading: AsyncIterator<readonly LogRecord[]> | undefined
  #isOver = false
  #wake: () => void = () => {}

  constructor(followed: FollowedLog) {
    this.#followed = followed
    const { signal } = followed
    if (signal?.aborted === true) this.#stop()
    signal?.addEventListener('abort', this.#stop, { once: true })
  }

  async next(): Promise<IteratorResult<readonly LogRecord[], undefined>> {
    try {
      this.#position ??= await this.#followed.start
      while (!this.#isOver) {
        const { done, value } = await this.#read(this.#position).next()
        const last = done === true ? undefined : value.at(-1)
        if (last !== undefined) {
          this.#position = last.id
          return { done: false, value }
        }
        if (done !== true) continue
        this.#reading = undefined
        await this.#pause()
      }
    } catch (error) {
      // A reading that was stopped may fail for that very reason.
      if (!this.#isOver) throw error
    }
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<readonly LogRecord[], undefined>> {
    this.#followed.signal?.removeEventListener('abort', this.#stop)
    this.#stop()
    const reading = this.#reading
    this.#reading = undefined
    await reading?.return?.()
    return { done: true, value: undefined }
  }

  #read(after: Revision): AsyncIterator<readonly LogRecord[]> {
    const { log, signal, storage } = this.#followed
    this.#reading ??= storage.readLog({ log, after, signal })[Symbol.asyncIterator]()
    return this.#reading
  }

  /** Until it is time to look again or to stop. */
  #pause(): Promise<void> {
    if (this.#isOver) return Promise.resolve()
    const { clock, pollMs } = this.#followed
    return new Promise((resolve) => {
      this.#wake = resolve
      void clock.sleep(pollMs).then(resolve)
    })
  }

  readonly #stop = (): void => {
    this.#isOver = true
    this.#wake()
  }
}
