/** What is noted while a store works: so little that it costs next to nothing when nobody asks. */
import type { Clock } from '../clock/index.js'
import type { CommitResult } from '../storage/index.js'
import { type Alert, alertOf, isFaultOfStore, isWatched } from './alerts.js'

/** Of operations since the store was opened here; times of the last 1,024 of them. */
export interface OperationMetrics {
  /** Those that were made and those that failed. */
  readonly count: number
  /** Through no fault of the caller's: conflicts and invalid values do not count at all. */
  readonly failed: number
  /** `failed` of `count`; 0 when there was none. */
  readonly failureRate: number
  /** Undefined when none was made. */
  readonly meanMs: number | undefined
  /** 99 of 100 took no longer. */
  readonly p99Ms: number | undefined
}

const ringSize = 1024
const maxAlerts = 100

class Operations {
  #made = 0
  failed = 0
  #durationsMs: Float64Array | undefined

  made(durationMs: number): void {
    this.#durationsMs ??= new Float64Array(ringSize)
    this.#durationsMs[this.#made % ringSize] = durationMs
    this.#made += 1
  }

  get metrics(): OperationMetrics {
    const count = this.#made + this.failed
    const { failed } = this
    const failureRate = count === 0 ? 0 : failed / count
    const known = this.#durationsMs?.slice(0, Math.min(this.#made, ringSize)).sort()
    if (known === undefined) {
      return { count, failed, failureRate, meanMs: undefined, p99Ms: undefined }
    }
    const meanMs = known.reduce((sum, durationMs) => sum + durationMs, 0) / known.length
    return { count, failed, failureRate, meanMs, p99Ms: known[Math.ceil(known.length * 0.99) - 1] }
  }
}

const wroteSomething = ({ appended, outcomes }: CommitResult): boolean =>
  appended.length > 0 || outcomes.some(({ kind }) => kind !== 'keep')

export class Vitals {
  readonly #clock: Pick<Clock, 'now'>
  readonly #saves = new Operations()
  readonly #loads = new Operations()
  #lastSavedAt: number | undefined
  #alerts: Alert[] = []

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  saved(result: CommitResult, durationMs: number): void {
    if (!wroteSomething(result)) return
    this.#lastSavedAt = result.savedAt
    this.#saves.made(durationMs)
  }

  loaded(durationMs: number): void {
    this.#loads.made(durationMs)
  }

  loadFailed(error: unknown): void {
    if (isFaultOfStore(error)) this.#loads.failed += 1
  }

  /** Looks at an event of the store. Returns the alert it gives rise to, if it does. */
  notice(event: string, detail: unknown): Alert | undefined {
    if (!isWatched(event)) return undefined
    const isFailure = event === 'state:save-error' || event === 'log:append-error'
    if (isFailure && isFaultOfStore((detail as { error: unknown }).error)) this.#saves.failed += 1
    const alert = alertOf(event, detail, this.#clock.now())
    if (alert !== undefined) {
      this.#alerts.push(alert)
      if (this.#alerts.length > maxAlerts) this.#alerts.shift()
    }
    return alert
  }

  /** Alerts that were not taken before, the newest 100 of them, oldest first. */
  takeAlerts(): Alert[] {
    const alerts = this.#alerts
    this.#alerts = []
    return alerts
  }

  get lastSavedAt(): number | undefined {
    return this.#lastSavedAt
  }

  get saves(): OperationMetrics {
    return this.#saves.metrics
  }

  get loads(): OperationMetrics {
    return this.#loads.metrics
  }
}
