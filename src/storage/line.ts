/** A queue in this process: its members have their turns in the order they came. */
import type { Clock } from '../clock/index.js'

export class Line {
  #tail: Promise<void> = Promise.resolve()
  #length = 0

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
    const leave = await Promise.race([entered, givenUp])
    stop.abort()
    if (leave === undefined) void entered.then((end) => end())
    return leave
  }
}
