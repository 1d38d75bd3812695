/** A queue in this process: its members have their turns in the order they came. */
import type { Clock } from '../clock/index.js'

const awakeMs = 50

export class Line {
  #tail: Promise<void> = Promise.resolve()
  #length = 0
  /** Those who will give up when their time is over. */
  #waiting = 0
  #isAwake = false

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** Resolves, when it is the caller's turn, to the function that ends it. */
  async enter(): Promise<() => void> {
    const before = this.#tail
    let leave = (): void => {}
    this.#tail = new Promise((resolve) => {
      leave = resolve
    })
    this.#length += 1
    await before
    return () => {
      this.#length -= 1
      leave()
    }
  }

  /** The same; undefined, with the place given up, once the signal aborts or the time is over. */
  async enterWithin(
    clock: Pick<Clock, 'sleep'>,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<(() => void) | undefined> {
    if (this.isEmpty) return this.enter()
    const entered = this.enter()
    const stop = new AbortController()
    const givenUp = new Promise<undefined>((resolve) => {
      const giveUp = (): void => resolve(undefined)
      signal?.addEventListener('abort', giveUp, { signal: stop.signal })
      // Timers take 31 bits of milliseconds.
      void clock.sleep(Math.min(Math.max(waitMs, 0), 2 ** 31 - 1)).then(giveUp)
    })
    this.#waiting += 1
    void this.#stayAwake(clock)
    const leave = await Promise.race([entered, givenUp])
    this.#waiting -= 1
    stop.abort()
    if (leave === undefined) void entered.then((end) => end())
    return leave
  }

  /**
   * Keeps the process alive while somebody waits: else it would end without telling them that their
   * time is over. The timers of that do not, for they go on when the wait has ended.
   */
  async #stayAwake(clock: Pick<Clock, 'sleep'>): Promise<void> {
    if (this.#isAwake) return
    this.#isAwake = true
    while (this.#waiting > 0) await clock.sleep(awakeMs, { keepAlive: true })
    this.#isAwake = false
  }
}
