import type { Clock } from '../../src/clock/index.js'

interface Sleeper {
  readonly dueMs: number
  resolve(): void
}

interface Ticker {
  readonly periodMs: number
  dueMs: number
  action(): void
}

/** Turns of the event loop without a file-system call after which everybody counts as waiting. */
const quietTurns = 4

// One row for all clocks: a store that is opened again must not get the ids of the one before.
let issued = 0

/** Time that stands still while there is work, and jumps to the next timer when all are waiting. */
export class SimulatedClock implements Clock {
  /** What periodic actions threw: with a real timer these would have ended the process. */
  readonly uncaught: unknown[] = []
  #elapsedMs = 0
  #startMs: number
  #activity = 0
  #pumping = false
  readonly #sleepers = new Set<Sleeper>()
  readonly #tickers = new Set<Ticker>()

  constructor(startMs = Date.UTC(2026, 10, 21, 9)) {
    this.#startMs = startMs
  }

  /** To be called on each file-system call: while there are any, time stands still. */
  touch = (): void => {
    this.#activity += 1
  }

  now(): number {
    return this.#startMs + Math.floor(this.#elapsedMs)
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  sleep(durationMs: number): Promise<void> {
    if (durationMs <= 0) return new Promise((resolve) => setImmediate(resolve))
    return new Promise((resolve) => {
      this.#sleepers.add({ dueMs: this.#elapsedMs + durationMs, resolve })
      this.#pump()
    })
  }

  sleepSync(durationMs: number): void {
    this.advance(durationMs)
  }

  every(periodMs: number, action: () => void): () => void {
    const ticker = { periodMs, dueMs: this.#elapsedMs + periodMs, action }
    this.#tickers.add(ticker)
    return () => {
      this.#tickers.delete(ticker)
    }
  }

  randomId(bytes: number): string {
    issued += 1
    return issued.toString(16).padStart(bytes * 2, '0')
  }

  /** Lets time pass; periodic actions that fall due are run. */
  advance(durationMs: number): void {
    const endMs = this.#elapsedMs + durationMs
    for (;;) {
      const next = [...this.#tickers].sort((a, b) => a.dueMs - b.dueMs)[0]
      if (next === undefined || next.dueMs > endMs) break
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs)
      next.dueMs += next.periodMs
      this.#run(next)
    }
    this.#elapsedMs = endMs
  }

  /** Sets the wall clock, which may jump either way. */
  setWallClock(ms: number): void {
    this.#startMs = ms - Math.floor(this.#elapsedMs)
  }

  #run({ action }: Ticker): void {
    try {
      action()
    } catch (error) {
      this.uncaught.push(error)
    }
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    let seen = this.#activity
    let quiet = 0
    const turn = (): void => {
      quiet = seen === this.#activity ? quiet + 1 : 0
      seen = this.#activity
      if (quiet >= quietTurns) {
        quiet = 0
        this.#wakeNext()
      }
      if (this.#sleepers.size === 0) this.#pumping = false
      else setImmediate(turn)
    }
    setImmediate(turn)
  }

  #wakeNext(): void {
    const next = [...this.#sleepers].sort((a, b) => a.dueMs - b.dueMs)[0]
    if (next === undefined) return
    this.#sleepers.delete(next)
    if (next.dueMs > this.#elapsedMs) this.advance(next.dueMs - this.#elapsedMs)
    next.resolve()
  }
}
