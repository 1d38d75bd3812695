/** What the records of components tell over a time. Nothing here reads or asks for the time. */
import type { LogRecord } from '../storage/index.js'
import { type HealthStatus, isHealthStatus } from './component-state.js'

export interface HealthRecord {
  readonly component: string
  readonly status: HealthStatus
  readonly at: number
  readonly details: unknown
}

export interface HealthTransition {
  readonly component: string
  /** Undefined for a component's first record. */
  readonly from: HealthStatus | undefined
  readonly to: HealthStatus
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly details: unknown
}

/** How often each component was recorded as what; statuses that occurred only. */
export type HealthSummary = Readonly<
  Record<string, Readonly<Partial<Record<HealthStatus, number>>>>
>

/** Shares of a time, which sum to 1. */
export interface Uptime {
  readonly ok: number
  readonly warning: number
  readonly error: number
  readonly unknown: number
}

/** Undefined for a line that somebody has put there and that records no health. */
export function toHealthRecord({ at, data, type }: LogRecord): HealthRecord | undefined {
  if (type === undefined || typeof data !== 'object' || data === null) return undefined
  const { details, status } = data as { details?: unknown; status?: unknown }
  return isHealthStatus(status) ? { component: type, status, at, details } : undefined
}

export const byComponent = <T>(entries: Iterable<readonly [string, T]>): Record<string, T> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))

export class Counts {
  readonly #counts = new Map<string, Partial<Record<HealthStatus, number>>>()

  add({ component, status }: HealthRecord): void {
    const counts = this.#counts.get(component) ?? {}
    counts[status] = (counts[status] ?? 0) + 1
    this.#counts.set(component, counts)
  }

  get summary(): HealthSummary {
    return byComponent(this.#counts)
  }
}

/** Finds the records that differ from the one before them of the same component. */
export class Changes {
  readonly #latest: Map<string, HealthStatus>

  /** `before`: how components were before the first record. */
  constructor(before: ReadonlyMap<string, HealthStatus> = new Map()) {
    this.#latest = new Map(before)
  }

  /** To be given the records in their order. */
  add({ at, component, details, status }: HealthRecord): HealthTransition | undefined {
    const from = this.#latest.get(component)
    if (from === status) return undefined
    this.#latest.set(component, status)
    return { component, from, to: status, at, details }
  }
}

export interface Span {
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly until: number
  /** From so long after a record on nothing is known; undefined: a status holds until the next record. */
  readonly staleAfterMs?: number | undefined
}

/**
 * Of one component's records, also those before the span. A status holds from its record to the next.
 * A clock that was set back has made records out of order: what counts is the time they tell.
 */
export function uptimeOf(
  records: readonly Pick<HealthRecord, 'at' | 'status'>[],
  { since, until, staleAfterMs = Number.POSITIVE_INFINITY }: Span,
): Uptime {
  const totalMs = until - since
  if (!(totalMs > 0)) return { ok: 0, warning: 0, error: 0, unknown: 1 }
  const sorted = [...records].sort((a, b) => a.at - b.at)
  const heldMs = { ok: 0, warning: 0, error: 0 }
  for (const [index, { at, status }] of sorted.entries()) {
    const next = sorted[index + 1]?.at ?? Number.POSITIVE_INFINITY
    const end = Math.min(next, at + staleAfterMs, until)
    heldMs[status] += Math.max(0, end - Math.max(at, since))
  }
  const knownMs = heldMs.ok + heldMs.warning + heldMs.error
  return {
    ok: heldMs.ok / totalMs,
    warning: heldMs.warning / totalMs,
    error: heldMs.error / totalMs,
    unknown: Math.max(0, totalMs - knownMs) / totalMs,
  }
}
