/**
 * Time and randomness, the only place that asks the machine for them. Everything else is given a
 * {@link Clock}, so that tests can simulate time and reboots.
 */
import { randomBytes } from 'node:crypto'

export interface Clock {
  /** Wall-clock time, milliseconds since the epoch. May jump; never used to judge staleness. */
  now(): number
  /** Monotonic milliseconds of this process, with an arbitrary start. Never goes backwards. */
  monotonicMs(): number
  /**
   * Resolves after `durationMs`. The timer does not keep the process alive unless `keepAlive`: an
   * operation that somebody awaits must not be cut off by an early exit. With 0: in the next turn of the
   * event loop.
   */
  sleep(durationMs: number, options?: { keepAlive?: boolean }): Promise<void>
  /** Blocks the thread for `durationMs`. For exit handlers only. */
  sleepSync(durationMs: number): void
  /** Calls `action` every `periodMs` until the returned function is called. Never keeps the process alive. */
  every(periodMs: number, action: () => void): () => void
  /** `bytes` random bytes as lower-case hexadecimal. */
  randomId(bytes: number): string
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (durationMs, options) =>
    new Promise((resolve) => {
      if (durationMs <= 0) {
        setImmediate(resolve)
        return
      }
      const timer = setTimeout(resolve, durationMs)
      if (options?.keepAlive !== true) timer.unref()
    }),
  sleepSync: (durationMs) => {
    Atomics.wait(sleeper, 0, 0, durationMs)
  },
  every: (periodMs, action) => {
    const timer = setInterval(action, periodMs)
    timer.unref()
    return () => clearInterval(timer)
  },
  randomId: (bytes) => randomBytes(bytes).toString('hex'),
}

const breathEveryMs = 5

/**
 * For work that is done without ever waiting: a caller that awaits it in a loop would keep timers and
 * sockets from their turn. Whoever takes a breath where one is due lets them in.
 */
export class Breath {
  readonly #clock: Clock
  #lastMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#lastMs = clock.monotonicMs()
  }

  get isDue(): boolean {
    return this.#clock.monotonicMs() - this.#lastMs >= breathEveryMs
  }

  async take(): Promise<void> {
    this.#lastMs = this.#clock.monotonicMs()
    await this.#clock.sleep(0)
  }
}
