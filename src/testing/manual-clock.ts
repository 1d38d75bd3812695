import { createHash } from 'node:crypto'
import type { Clock } from '../clock/index.js'

export interface ManualClockOptions {
  /** What {@link ManualClock.now} tells at first. Default: 2026-01-01T00:00:00Z. */
  readonly startAt?: number
  /** Decides the ids of {@link ManualClock.randomId}. Default: 1. */
  readonly seed?: number
}

interface Timer {
  dueMs: number
  readonly order: number
  readonly periodMs: number | undefined
  readonly action: () => void
}

const digestBytes = 32

/**
 * A {@link Clock} whose time passes only when told to. Sleepers and `every` timers fire inside
 * {@link advance}, in the order they are due, those due together in the order they were started.
 */
export class ManualClock implements Clock {
  readonly #seed: number
  #wallMs: number
  #elapsedMs = 0
  #timers: Timer[] = []
  #started = 0
  #ids = 0

  constructor(options: ManualClockOptions = {}) {
    this.#wallMs = options.startAt ?? Date.UTC(2026, 0, 1)
    this.#seed = options.seed ?? 1
  }

  now(): number {
    return this.#wallMs + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  /** How many sleepers and `every` timers wait for their time. */
  get waiting(): number {
    return this.#timers.length
  }

  /** A duration of 0 is over in the next turn of the event loop, without an {@link advance}. */
  sleep(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (durationMs > 0) this.#start(durationMs, undefined, resolve)
      else setImmediate(resolve)
    })
  }

  /** Time passes, but nothing fires before the next {@link advance}: the thread is blocked. */
  sleepSync(durationMs: number): void {
    this.#elapsedMs += Math.max(durationMs, 0)
  }

  every(periodMs: number, action: () => void): () => void {
    const timer = this.#start(Math.max(periodMs, 1), Math.max(periodMs, 1), action)
    return () => this.#stop(timer)
  }

  randomId(bytes: number): string {
    this.#ids += 1
    let digits = ''
    for (let block = 0; block * digestBytes < bytes; block++) {
      digits += createHash('sha256').update(`${this.#seed} ${this.#ids} ${block}`).digest('hex')
    }
    return digits.slice(0, bytes * 2)
  }

  /**
   * Lets `durationMs` pass. Each timer fires at its own time, also one that was started by another
   * that fired just now. What awaits a sleeper goes on after this call has returned.
   */
  advance(durationMs: number): void {
    if (!(durationMs >= 0)) throw new RangeError(`Time cannot pass by ${durationMs} ms`)
    const endMs = this.#elapsedMs + durationMs
    for (;;) {
      const next = this.#nextDue(endMs)
      if (next === undefined) break
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs)
      if (next.periodMs === undefined) this.#stop(next)
      else next.dueMs += next.periodMs
      next.action()
    }
    this.#elapsedMs = endMs
  }

  /** Sets the wall clock forward or back, as an administrator or NTP does; timers do not notice. */
  jump(durationMs: number): void {
    this.#wallMs += durationMs
  }

  #start(delayMs: number, periodMs: number | undefined, action: () => void): Timer {
    this.#started += 1
    const timer = { dueMs: this.#elapsedMs + delayMs, order: this.#started, periodMs, action }
    this.#timers.push(timer)
    return timer
  }

  #stop(timer: Timer): void {
    this.#timers = this.#timers.filter((each) => each !== timer)
  }

  #nextDue(endMs: number): Timer | undefined {
    const due = this.#timers.filter(({ dueMs }) => dueMs <= endMs)
    return due.sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0]
  }
}
