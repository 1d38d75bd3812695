/** What the document of a counter holds, and how it is changed. Everything here is a pure function. */
import { StateStoreError } from '../errors/index.js'
import type { DocumentAddress } from '../storage/index.js'
import { isSameZone } from './time-zone.js'
import { inOrder, isWindow, type WindowKind, windowKinds } from './windows.js'

export interface WindowValues {
  readonly timeZone: string
  /** By label; labels as of `CounterWindow.window`. */
  readonly values: Readonly<Record<string, number>>
}

/** Whatever else somebody has written into it by hand stays there. */
export interface CounterDocument {
  readonly value: number
  readonly windows?: Readonly<Partial<Record<WindowKind, WindowValues>>> | undefined
}

/** One window to count in. */
export interface WindowCount {
  readonly kind: WindowKind
  readonly window: string
  readonly timeZone: string
  /** How many to keep, the newest. */
  readonly keep: number | undefined
}

type Members = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The counter that a stored value is; a bare number is one that somebody made by hand. Throws
 * `STATE_VALIDATION_FAILED` for anything else.
 */
export function toCounter(address: DocumentAddress, stored: unknown): CounterDocument {
  const found = isObject(stored) ? stored : { value: stored }
  if (!Number.isSafeInteger(found.value)) throw notACounter(address, '$.value', found.value)
  if (found.windows === undefined) return found as unknown as CounterDocument
  if (!isObject(found.windows)) throw notACounter(address, '$.windows', found.windows)
  for (const kind of windowKinds) {
    const windows = found.windows[kind]
    if (windows !== undefined) refuseNoWindows(address, kind, windows)
  }
  return found as unknown as CounterDocument
}

function refuseNoWindows(address: DocumentAddress, kind: WindowKind, found: unknown): void {
  const path = `$.windows.${kind}`
  if (!isObject(found)) throw notACounter(address, path, found)
  if (typeof found.timeZone !== 'string') {
    throw notACounter(address, `${path}.timeZone`, found.timeZone)
  }
  if (!isObject(found.values)) throw notACounter(address, `${path}.values`, found.values)
  // There may be thousands, and each increment comes by here.
  for (const label of Object.keys(found.values)) {
    if (!isWindow(kind, label)) throw notACounter(address, `${path}.values`, label)
    const value = found.values[label]
    if (Number.isSafeInteger(value)) continue
    throw notACounter(address, `${path}.values[${JSON.stringify(label)}]`, value)
  }
}

/** Long enough to recognise a value by. */
const shownUnits = 40

function notACounter(
  { collection, key }: DocumentAddress,
  path: string,
  found: unknown,
): StateStoreError {
  const text = found === undefined ? 'nothing' : JSON.stringify(found)
  const shown = text.length > shownUnits ? `${text.slice(0, shownUnits)}…` : text
  return new StateStoreError({
    code: 'STATE_VALIDATION_FAILED',
    message: `${collection}/${key} is not a counter: ${shown} at ${path}`,
    operation: 'counter',
    hint: 'The document is untouched. Correct it: { "value": 12 }, or just a whole number.',
    details: { collection, key, path },
  })
}

/** Throws `STATE_INVALID_VALUE` if the sum could not be told exactly. */
function add(address: DocumentAddress, value: number, by: number): number {
  const sum = value + by
  if (Number.isSafeInteger(sum)) return sum
  const { collection, key } = address
  throw new StateStoreError({
    code: 'STATE_INVALID_VALUE',
    message: `${collection}/${key} is at ${value}; ${by} more is beyond what is counted exactly`,
    operation: 'counter',
    hint: `Nothing was written. A counter goes from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}.`,
    details: { collection, key, value, by },
  })
}

/** The counter after an increment: the total and the windows. Errors as {@link add}, and of zones. */
export function increased(
  address: DocumentAddress,
  counter: CounterDocument,
  by: number,
  counts: readonly WindowCount[],
): CounterDocument {
  const value = add(address, counter.value, by)
  if (counts.length === 0) return { ...counter, value }
  const windows: Partial<Record<WindowKind, WindowValues>> = { ...counter.windows }
  for (const count of counts) {
    windows[count.kind] = increasedWindows(address, windows[count.kind], by, count)
  }
  return { ...counter, value, windows }
}

function increasedWindows(
  address: DocumentAddress,
  present: WindowValues | undefined,
  by: number,
  { kind, window, timeZone, keep }: WindowCount,
): WindowValues {
  if (present !== undefined) refuseOtherZone(address, kind, present, timeZone)
  const before = present?.values ?? {}
  const values = { ...before, [window]: add(address, before[window] ?? 0, by) }
  return { ...present, timeZone: present?.timeZone ?? timeZone, values: newest(values, keep) }
}

function newest(
  values: Readonly<Record<string, number>>,
  keep: number | undefined,
): Readonly<Record<string, number>> {
  const labels = Object.keys(values)
  if (keep === undefined || labels.length <= keep) return values
  const kept = inOrder(labels).slice(-keep)
  return Object.fromEntries(kept.map((label) => [label, values[label] ?? 0]))
}

/** Windows of two zones do not add up: throws `STATE_INVALID_OPTION`. */
export function refuseOtherZone(
  { collection, key }: DocumentAddress,
  kind: WindowKind,
  { timeZone }: WindowValues,
  given: string,
): void {
  if (isSameZone(timeZone, given)) return
  throw new StateStoreError({
    code: 'STATE_INVALID_OPTION',
    message: `${collection}/${key} counts per ${kind} in ${timeZone}, not in ${given}`,
    operation: 'counter',
    hint: `Pass { timeZone: '${timeZone}' }, use another name, or reset() the counter first.`,
    details: { collection, key, per: kind, timeZone, given },
  })
}

/** The counter at 0, without windows. */
export function zeroed({ windows: _, ...counter }: CounterDocument): CounterDocument {
  return { ...counter, value: 0 }
}
