/** Time zones, as the platform's own database knows them. */
import { StateStoreError } from '../errors/index.js'

/** Formatters are dear to make and cheap to use. By the name that was given. */
const formatters = new Map<string, Intl.DateTimeFormat>()

/** Names of what every platform has, told alike whichever of them it prefers. */
const utcNames = /^(?:etc\/)?(?:utc|uct|universal|zulu|gmt|gmt[+-]?0|greenwich)$/i

export const isUtc = (timeZone: string): boolean => utcNames.test(timeZone)

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone)
  if (formatter !== undefined) return formatter
  try {
    formatter = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch (cause) {
    throw new StateStoreError({
      code: 'STATE_INVALID_OPTION',
      message: `There is no time zone ${JSON.stringify(timeZone)}`,
      operation: 'counter',
      hint: "Give an IANA name, such as 'UTC' or 'Europe/Berlin'.",
      cause,
      details: { timeZone },
    })
  }
  formatters.set(timeZone, formatter)
  return formatter
}

/**
 * The zone as it is stored: as it was given, but for its case. The platform's own name for it is no
 * good, because that changes from version to version (`Asia/Calcutta`). Throws `STATE_INVALID_OPTION`.
 */
export function toTimeZone(given: unknown): string {
  if (typeof given !== 'string') return refuseType(given)
  if (isUtc(given)) return 'UTC'
  const { timeZone } = formatterOf(given).resolvedOptions()
  return timeZone.toLowerCase() === given.toLowerCase() ? timeZone : given
}

/** `undefined` would silently be the zone of the machine. */
function refuseType(given: unknown): never {
  throw new StateStoreError({
    code: 'STATE_INVALID_OPTION',
    message: `A time zone must be a string, not ${given === null ? 'null' : typeof given}`,
    operation: 'counter',
  })
}

/** Whether two names mean one zone: some have several. */
export function isSameZone(left: string, right: string): boolean {
  if (left === right) return true
  const resolve = (timeZone: string): string =>
    isUtc(timeZone) ? 'UTC' : formatterOf(timeZone).resolvedOptions().timeZone
  return resolve(left) === resolve(right)
}

export interface WallTime {
  /** What the clock on the wall shows, as if it were UTC; whole seconds. */
  readonly wallMs: number
  /** How far it is ahead of UTC. */
  readonly offsetSeconds: number
}

export function wallTimeIn(timeZone: string, atMs: number): WallTime {
  const wholeMs = Math.floor(atMs / 1000) * 1000
  if (isUtc(timeZone)) return { wallMs: wholeMs, offsetSeconds: 0 }
  const shown = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 }
  for (const { type, value } of formatterOf(timeZone).formatToParts(wholeMs)) {
    if (type in shown) shown[type as keyof typeof shown] = Number(value)
  }
  const { year, month, day, hour, minute, second } = shown
  const wallMs = Date.UTC(year, month - 1, day, hour, minute, second)
  return { wallMs, offsetSeconds: (wallMs - wholeMs) / 1000 }
}
