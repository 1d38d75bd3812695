import { StateStoreError } from '../errors/index.js'

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

const duration = /^(\d{1,9}(?:\.\d{1,3})?)([smhdw])$/

/** A day, or a time that says how far it is from UTC: without, it would mean another time elsewhere. */
const timestamp =
  /^[+-]?\d{4,6}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2}))?$/

function durationMs(text: string): number | undefined {
  const [, amount, unit = ''] = duration.exec(text) ?? []
  return amount === undefined ? undefined : Number(amount) * (unitMs[unit] ?? Number.NaN)
}

function timeMs(time: unknown, nowMs: number): number | undefined {
  if (typeof time === 'number') return time
  if (time instanceof Date) return time.getTime()
  if (typeof time !== 'string') return undefined
  const backMs = durationMs(time)
  if (backMs !== undefined) return nowMs - backMs
  return timestamp.test(time) ? Date.parse(time) : undefined
}

/** Milliseconds since the epoch. Throws `STATE_INVALID_OPTION`. */
export function instantOf(option: string, time: unknown, nowMs: number): number {
  const instantMs = timeMs(time, nowMs)
  if (instantMs !== undefined && Number.isFinite(instantMs)) return instantMs
  throw new StateStoreError({
    code: 'STATE_INVALID_OPTION',
    message: `${option} is not a time: ${String(time)}`,
    operation: 'query',
    hint: "Give milliseconds since the epoch, a Date, an ISO 8601 time with its zone such as '2026-01-31T12:00:00Z', or a duration back from now such as '90s', '30m', '1h', '7d' or '2w'.",
  })
}

/** Throws `STATE_INVALID_OPTION` for what is no duration. */
export function refuseNoDuration(text: unknown): void {
  if (typeof text === 'string' && durationMs(text) !== undefined) return
  throw new StateStoreError({
    code: 'STATE_INVALID_OPTION',
    message: `Not a duration: ${String(text)}`,
    operation: 'recent',
    hint: "Give a number and a unit: '90s', '30m', '1h', '7d', '2w'.",
  })
}
