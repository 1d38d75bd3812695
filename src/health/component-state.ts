/** How a component is, as it stands in its document. */
import type { StoredDocument } from '../storage/index.js'

export const healthStatuses = ['ok', 'warning', 'error'] as const

export type HealthStatus = (typeof healthStatuses)[number]

export const isHealthStatus = (value: unknown): value is HealthStatus =>
  (healthStatuses as readonly unknown[]).includes(value)

/** How a component is, and since when. Times in milliseconds since the epoch. */
export interface ComponentHealth {
  readonly status: HealthStatus
  /** When this status began. */
  readonly since: number
  /** When it was last recorded. */
  readonly at: number
  /** Of the last record. */
  readonly details: unknown
  /** What it was before this status; undefined when it was never anything else. */
  readonly previous: HealthStatus | undefined
}

/** Of the document, times as ISO 8601. */
interface WrittenHealth {
  readonly status: HealthStatus
  readonly since: string
  readonly at: string
  readonly details?: unknown
  readonly previous?: HealthStatus
}

/** What a document tells; undefined when somebody has put something else there. */
export function readHealth({
  savedAt,
  value,
}: Pick<StoredDocument, 'savedAt' | 'value'>): ComponentHealth | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { at, details, previous, since, status } = value as Partial<WrittenHealth>
  if (!isHealthStatus(status) || typeof at !== 'string' || typeof since !== 'string')
    return undefined
  const writtenAt = Date.parse(at)
  const writtenSince = Date.parse(since)
  if (Number.isNaN(writtenAt) || Number.isNaN(writtenSince)) return undefined
  // The commit, and its log record with it, bear the time at which their turn began: a moment before
  // the document could be written. That is the time to tell. A restored document was saved later.
  const exactAt = Math.min(writtenAt, savedAt)
  return {
    status,
    since: since === at ? exactAt : writtenSince,
    at: exactAt,
    details,
    previous: isHealthStatus(previous) ? previous : undefined,
  }
}

/** The document after a record, made from the one before it. */
export function writeHealth(
  current: ComponentHealth | undefined,
  status: HealthStatus,
  details: unknown,
  now: number,
): WrittenHealth {
  const at = new Date(now).toISOString()
  const goesOn = current?.status === status
  const previous = goesOn ? current.previous : current?.status
  return {
    status,
    since: goesOn ? new Date(current.since).toISOString() : at,
    at,
    ...(details === undefined ? {} : { details }),
    ...(previous === undefined ? {} : { previous }),
  }
}
