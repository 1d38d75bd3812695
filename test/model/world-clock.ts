import { type Clock, systemClock } from '../../src/clock/index.js'

/** Sleeps as long as the system does, but tells a time that passes only when told to. */
export class WorldClock implements Clock {
  readonly #timers = new Set<() => void>()
  #shiftMs = 0
  #wallMs = Date.UTC(2026, 10, 21, 9)

  now(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#shiftMs
  }

  sleep: Clock['sleep'] = systemClock.sleep
  sleepSync: Clock['sleepSync'] = systemClock.sleepSync
  randomId: Clock['randomId'] = systemClock.randomId

  every(periodMs: number, action: () => void): () => void {
    const stop = systemClock.every(periodMs, action)
    this.#timers.add(stop)
    return () => {
      this.#timers.delete(stop)
      stop()
    }
  }

  advance(durationMs: number): void {
    this.#wallMs += durationMs
    this.#shiftMs += durationMs
  }

  /** Sets the wall clock forward or back. */
  jump(durationMs: number): void {
    this.#wallMs += durationMs
  }

  /** Stops the timers that the dead have left behind. */
  stop(): void {
    for (const stop of this.#timers) stop()
    this.#timers.clear()
  }
}
