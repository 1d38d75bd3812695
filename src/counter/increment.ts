/** What is asked for when something is counted, and the change of a document that it amounts to. */
import type { Clock } from '../clock/index.js'
import { StateStoreError } from '../errors/index.js'
import {
  type Change,
  type DocumentAddress,
  refuseUnusable,
  type StoredDocument,
} from '../storage/index.js'
import { type CounterDocument, increased, toCounter, type WindowCount } from './counter-document.js'
import { toTimeZone } from './time-zone.js'
import { type WindowKind, type WindowOptions, windowKinds, windowOf } from './windows.js'

export const counterCollection = 'counters'

export const addressOf = (name: string): DocumentAddress => ({
  collection: counterCollection,
  key: name,
})

/** One counter and by how much; checked. */
export interface Increment {
  readonly name: string
  readonly by: number
  readonly windows: readonly WindowCount[]
}

export type Counts = Readonly<Record<string, number>>

/**
 * The increments of a call of one of the two forms: of one name, and of several at once. Throws
 * `STATE_INVALID_VALUE`, `STATE_INVALID_OPTION`.
 */
export function toIncrements(
  clock: Clock,
  what: string | Counts,
  by: unknown,
  options: WindowOptions,
): Increment[] {
  if (typeof what !== 'object' || what === null) refuseUnusable('key', what)
  const counts = typeof what === 'string' ? [[what, by ?? 1] as const] : Object.entries(what)
  for (const [name, by] of counts) refuseInexact(name, by)
  const windows = toWindows(clock, options)
  return counts.map(([name, by]) => ({ name, by: Number(by), windows }))
}

/** Which of the last two arguments of a call holds its options. */
export const optionsOf = <Options extends object>(
  what: string | Counts,
  second: number | Options | undefined,
  third: Options | undefined,
): Options | Record<string, never> =>
  (typeof what === 'string' ? third : (second as Options | undefined)) ?? {}

function refuseInexact(name: string, by: unknown): void {
  if (Number.isSafeInteger(by)) return
  throw new StateStoreError({
    code: 'STATE_INVALID_VALUE',
    message: `${counterCollection}/${name} cannot be counted by ${typeof by === 'number' ? by : typeof by}`,
    operation: 'increment',
    hint: 'Only whole numbers within ±Number.MAX_SAFE_INTEGER add up exactly.',
    details: { name },
  })
}

/** The windows of the present time. */
function toWindows(clock: Clock, { per, timeZone, keep }: WindowOptions): WindowCount[] {
  if (per === undefined) {
    if (timeZone === undefined && keep === undefined) return []
    throw invalid(`${keep === undefined ? 'timeZone' : 'keep'} is for windows, but per is missing`)
  }
  const kinds = typeof per === 'string' ? [per] : [...new Set(per)]
  for (const kind of kinds) refuseUnknownKind(kind)
  if (keep !== undefined && !(Number.isSafeInteger(keep) && keep > 0)) {
    throw invalid(`keep must be a positive whole number, not ${String(keep)}`)
  }
  const zone = toTimeZone(timeZone === undefined ? 'UTC' : timeZone)
  const at = clock.now()
  return kinds.map((kind) => ({ kind, window: windowOf(kind, at, zone), timeZone: zone, keep }))
}

export function refuseUnknownKind(kind: WindowKind): void {
  if (!windowKinds.includes(kind)) throw invalid(`per must be 'hour' or 'day', not ${String(kind)}`)
}

const invalid = (message: string): StateStoreError =>
  new StateStoreError({ code: 'STATE_INVALID_OPTION', message, operation: 'counter' })

/** The counter after an increment. Throws what {@link increased} does. */
export const counted = (
  counter: CounterDocument,
  { by, name, windows }: Increment,
): CounterDocument => increased(addressOf(name), counter, by, windows)

/** The counter in a document, or one at 0. Throws what {@link toCounter} does. */
export const counterIn = (
  name: string,
  current: Pick<StoredDocument, 'value'> | undefined,
): CounterDocument =>
  current === undefined ? { value: 0 } : toCounter(addressOf(name), current.value)

/** The change that increments of one counter amount to. */
export const counting =
  (increments: readonly Increment[]) =>
  (current: Pick<StoredDocument, 'value'> | undefined): Extract<Change, { kind: 'put' }> => {
    const before = counterIn(increments[0]?.name ?? '', current)
    return { kind: 'put', value: increments.reduce(counted, before) }
  }
