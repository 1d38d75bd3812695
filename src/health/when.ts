import { StateStoreError } from '../errors/index.js'

/**
 * A time: milliseconds since the epoch, a Date, ISO 8601, or a duration back from now (`90s`, `30m`, `1h`,
 * `7d`).
 */
export type Moment = number | Date | string

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** In milliseconds since the epoch. Throws `STATE_INVALID_OPTION`. */
export function momentOf(moment: Moment, now: number): number {
  const [, amount, unit = ''] =
    typeof moment === 'string' ? (/^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(moment) ?? []) : []
  const time =
    amount === undefined
      ? typeof moment === 'string'
        ? Date.parse(moment)
        : Number(moment)
      : now - Number(amount) * (unitsMs[unit] ?? Number.NaN)
  if (Number.isFinite(time)) return time
  throw new StateStoreError({
    code: 'STATE_INVALID_OPTION',
    message: `Not a time: ${String(moment)}`,
    operation: 'health',
    hint: 'Milliseconds since the epoch, a Date, ISO 8601, or back from now: 90s, 30m, 1h, 7d.',
  })
}
