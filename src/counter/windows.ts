/** Windows of time: which one a moment falls into, and in which order they stand. */
import { StateStoreError } from '../errors/index.js'
import { isUtc, wallTimeIn } from './time-zone.js'

export type WindowKind = 'hour' | 'day'

export const windowKinds: readonly WindowKind[] = ['hour', 'day']

export interface WindowOptions {
  /** Counts in the window of the present time as well, or in one of each kind. */
  readonly per?: WindowKind | readonly WindowKind[]
  /** Whose days and hours: an IANA name, `Europe/Berlin`. Default: UTC. */
  readonly timeZone?: string
  /** How many windows to keep of each kind in `per`, the newest; a positive whole number. Default: all. */
  readonly keep?: number
}

export interface WindowQuery {
  readonly per: WindowKind
  /** A moment in the window; milliseconds since the epoch. Default: the present. */
  readonly at?: number | Date
  /** Default: that of the counter's windows. */
  readonly timeZone?: string
}

export interface CounterWindow {
  /**
   * `2026-11-21` or `2026-11-21T14`, in the counter's time zone. An hour of another zone than UTC has
   * its offset as well, `2026-10-25T02+01:00`: that hour comes twice when summer time ends.
   */
  readonly window: string
  readonly value: number
}

/** What labels with four digits for the year can tell. */
const earliestMs = Date.UTC(1000, 0, 2)
const latestMs = Date.UTC(9999, 11, 30)

const hourMs = 3_600_000

/** The label of the window that a moment falls into. Throws `STATE_INVALID_OPTION`. */
export function windowOf(kind: WindowKind, at: number | Date, timeZone: string): string {
  const ms = Number(at)
  if (!(ms >= earliestMs && ms <= latestMs)) {
    throw new StateStoreError({
      code: 'STATE_INVALID_OPTION',
      message: `No window can be told of the time ${String(at)}`,
      operation: 'counter',
      hint: 'Give milliseconds since the epoch or a Date, of the years 1000 to 9999.',
    })
  }
  const { wallMs, offsetSeconds } = wallTimeIn(timeZone, ms)
  const text = new Date(wallMs).toISOString()
  if (kind === 'day') return text.slice(0, 10)
  return text.slice(0, 13) + (isUtc(timeZone) ? '' : offsetText(offsetSeconds))
}

function offsetText(offsetSeconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  const size = Math.abs(offsetSeconds)
  // Before time zones there were offsets with seconds.
  const seconds = size % 60 === 0 ? '' : `:${two(size % 60)}`
  return `${offsetSeconds < 0 ? '-' : '+'}${two(size / 3600)}:${two((size / 60) % 60)}${seconds}`
}

const shapes: Readonly<Record<WindowKind, RegExp>> = {
  day: /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/,
  hour: /^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]))(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/,
}

export const isWindow = (kind: WindowKind, label: string): boolean => shapes[kind].test(label)

/** By which windows of one kind are ordered. Labels are not: offsets in them fall when time goes on. */
function startOf(label: string): number {
  const [, hour, sign, hours = 0, minutes = 0, seconds = 0] = shapes.hour.exec(label) ?? []
  if (hour === undefined) return Date.parse(label)
  const offset = Number(hours) * hourMs + Number(minutes) * 60_000 + Number(seconds) * 1000
  return Date.parse(`${hour}:00Z`) - (sign === '-' ? -offset : offset)
}

/** The labels from the oldest to the newest. */
export const inOrder = (labels: readonly string[]): string[] =>
  labels
    .map((label) => ({ label, start: startOf(label) }))
    .sort((left, right) => left.start - right.start)
    .map(({ label }) => label)
