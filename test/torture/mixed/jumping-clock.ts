import { type Clock, systemClock } from '../../../src/clock/index.js'

const hourMs = 3_600_000

/** A clock whose wall time jumps by up to two days, forwards and back, while all else goes on. */
export class JumpingClock {
  #offsetMs = 0
  readonly clock: Clock = { ...systemClock, now: () => systemClock.now() + this.#offsetMs }

  jump(random: () => number): void {
    this.#offsetMs = Math.round((random() * 2 - 1) * 48 * hourMs)
  }
}
