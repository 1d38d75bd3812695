import type { Clock } from '../../src/clock/index.js'
import { systemClock } from '../../src/clock/index.js'

/**
 * Whoever sleeps has slept already: only this clock's time passes, and heartbeats come when
 * `beat` is called.
 */
export class HastyClock implements Clock {
  readonly #actions = new Set<() => void>()
  #elapsedMs = 0
  /** Is told before each sleep ends; what it returns is awaited. */
  onSleep: (elapsedMs: number) => Promise<void> | void = () => {}

  now(): number {
    return Date.UTC(2026, 0, 1) + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  async sleep(durationMs: number): Promise<void> {
    this.#elapsedMs += durationMs
    await new Promise((resolve) => setImmediate(resolve))
    await this.onSleep(this.#elapsedMs)
  }

  sleepSync(durationMs: number): void {
    this.#elapsedMs += durationMs
  }

  every(_periodMs: number, action: () => void): () => void {
    this.#actions.add(action)
    return () => {
      this.#actions.delete(action)
    }
  }

  randomId(bytes: number): string {
    return systemClock.randomId(bytes)
  }

  beat(): void {
    for (const action of [...this.#actions]) action()
  }
}
