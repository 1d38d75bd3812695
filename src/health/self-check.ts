/** Looking at the store itself. */
import { isStateStoreError, StateStoreError } from '../errors/index.js'
import type { Storage, StorageStatus } from '../storage/index.js'
import { type Alert, alertOfFailure, alertsOfStatus, type SpaceLimits } from './alerts.js'
import type { OperationMetrics, Vitals } from './vitals.js'

export interface CheckOptions {
  /** Fewer free bytes than this are an alert. Default: 100,000,000. */
  readonly lowBytes?: number
  /** A smaller free share of the disk than this is an alert as well. Default: 0.01; from 0 to 1. */
  readonly lowShare?: number
}

/** What a self-check has found. Times in milliseconds since the epoch. */
export interface HealthCheck {
  /** Whether there are no alerts. */
  readonly ok: boolean
  readonly checkedAt: number
  readonly exists: boolean
  /** Proved by writing; false also when the store was opened read-only, which is no alert. */
  readonly writable: boolean
  /** Where the store is; undefined for one in memory. */
  readonly location: string | undefined
  /** Of the disk; undefined where it is not told. */
  readonly freeBytes: number | undefined
  readonly totalBytes: number | undefined
  /** Undefined, as the other counts, when the store could not be looked at. */
  readonly documents: number | undefined
  /** Earlier versions, of all documents. */
  readonly backups: number | undefined
  /** Damaged pieces that were set aside. */
  readonly quarantined: number | undefined
  readonly logs: number | undefined
  readonly logBytes: number | undefined
  /** The last write made here; undefined when there was none since the store was opened. */
  readonly lastSavedAt: number | undefined
  /** Made here, since the store was opened. */
  readonly saves: OperationMetrics
  readonly loads: OperationMetrics
  /** What was told since the last check here, the newest 100; then what this check has found. */
  readonly alerts: readonly Alert[]
}

export interface CheckContext {
  readonly storage: Storage
  readonly vitals: Vitals
  readonly now: () => number
  /** Called for what this check itself has found. */
  readonly onFound: (alert: Alert) => void
}

const standard: SpaceLimits = { lowBytes: 100_000_000, lowShare: 0.01 }

function limitsOf(options: CheckOptions): SpaceLimits {
  const limits = { ...standard, ...options }
  const bounds = { lowBytes: Number.MAX_SAFE_INTEGER, lowShare: 1 }
  for (const name of ['lowBytes', 'lowShare'] as const) {
    if (limits[name] >= 0 && limits[name] <= bounds[name]) continue
    throw new StateStoreError({
      code: 'STATE_INVALID_OPTION',
      message: `${name} must be from 0 to ${bounds[name]}, not ${String(limits[name])}`,
      operation: 'check',
    })
  }
  return limits
}

export async function checkStore(
  { now, onFound, storage, vitals }: CheckContext,
  options: CheckOptions,
): Promise<HealthCheck> {
  const limits = limitsOf(options)
  const outcome = await look(storage)
  const checkedAt = now()
  const status = 'status' in outcome ? outcome.status : undefined
  const found =
    'error' in outcome
      ? [alertOfFailure(outcome.error, checkedAt)]
      : alertsOfStatus(outcome.status, limits, checkedAt)
  const alerts = [...vitals.takeAlerts(), ...found]
  for (const alert of found) onFound(alert)
  return {
    ok: alerts.length === 0,
    checkedAt,
    exists: status?.exists ?? false,
    writable: status?.writable ?? false,
    location: storage.location,
    freeBytes: status?.freeBytes,
    totalBytes: status?.totalBytes,
    documents: status?.documents,
    backups: status?.backups,
    quarantined: status?.quarantined,
    logs: status?.logs,
    logBytes: status?.logBytes,
    lastSavedAt: vitals.lastSavedAt,
    saves: vitals.saves,
    loads: vitals.loads,
    alerts,
  }
}

type Look = { readonly status: StorageStatus } | { readonly error: unknown }

/** A store that cannot be looked at is a finding; one that was closed, a mistake of the caller's. */
async function look(storage: Storage): Promise<Look> {
  try {
    return { status: await storage.status() }
  } catch (error) {
    if (!isStateStoreError(error) || error.code === 'STATE_CLOSED') throw error
    return { error }
  }
}
