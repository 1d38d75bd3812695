/** The line that a session greets with, made of facts: no looking up, no clock, no terminal. */
import { StateStoreError } from '../errors/index.js'
import type { HealthStatus } from './component-state.js'
import { cutTo, ellipsis, fitForTerminal, startOf, widthOf } from './terminal-text.js'

export interface StatusLineFacts {
  readonly session?: string | undefined
  readonly workspace?: string | undefined
  /** Where the state is. */
  readonly location?: string | undefined
  /** Names of the locks that are held; undefined when that cannot be told. */
  readonly locks?: readonly string[] | undefined
  readonly components: readonly ComponentFacts[]
  /** How long ago anything of this was last found out; undefined for never. */
  readonly ageMs?: number | undefined
}

export interface ComponentFacts {
  readonly component: string
  readonly status: HealthStatus
  /** How long it has been so. */
  readonly forMs: number
  readonly details?: unknown
}

export interface StatusLineFormat {
  readonly color: boolean
  /** In columns. */
  readonly maxWidth?: number | undefined
}

type Tone = HealthStatus | undefined

interface Piece {
  readonly text: string
  readonly tone: Tone
}

const worstFirst: readonly HealthStatus[] = ['error', 'warning', 'ok']
const codes: Readonly<Record<HealthStatus, string>> = { error: '31', warning: '33', ok: '32' }
const separator = ' | '
/** Of a name or of details, in columns. */
const maxPartWidth = 60

const byName = (a: ComponentFacts, b: ComponentFacts): number =>
  a.component < b.component ? -1 : a.component > b.component ? 1 : 0

/** A duration in its largest whole unit: `12s`, `5m`, `3h`, `2d`. */
export function formatAge(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

const part = (text: string): string => cutTo(fitForTerminal(text.slice(0, 10_000)), maxPartWidth)

function describe(details: unknown): string {
  const text = typeof details === 'string' ? details : JSON.stringify(details)
  return text === undefined || text === '' || text === '{}' || text === 'null'
    ? ''
    : ` (${part(text)})`
}

function healthPieces(components: readonly ComponentFacts[]): Piece[][] {
  if (components.length === 0) return [[{ text: 'no health recorded', tone: undefined }]]
  return worstFirst.flatMap((status) => {
    const such = components.filter((each) => each.status === status).sort(byName)
    if (such.length === 0) return []
    const head = { text: status, tone: status }
    if (status === 'ok') {
      const names = such.map(({ component }) => part(component)).join(', ')
      return [[head, { text: ` ${names}`, tone: undefined }]]
    }
    return such.map(({ component, details, forMs }) => {
      const text = ` ${part(component)} ${formatAge(forMs)}${describe(details)}`
      return [head, { text, tone: undefined }]
    })
  })
}

function sections(facts: StatusLineFacts): Piece[][] {
  const { ageMs, components, location, locks, session, workspace } = facts
  const plain = (text: string): Piece[] => [{ text, tone: undefined }]
  const found: Piece[][] = []
  if (session !== undefined) found.push(plain(`session ${part(session)}`))
  if (workspace !== undefined) found.push(plain(`workspace ${part(workspace)}`))
  // A path is to be copied: it is cut by the width of the line only.
  if (location !== undefined) found.push(plain(`state ${fitForTerminal(location)}`))
  if (locks !== undefined) {
    const names = [...locks].sort().map(part).join(', ')
    found.push(plain(locks.length === 0 ? 'no locks' : `locks ${names}`))
  }
  found.push(...healthPieces(components))
  found.push(plain(ageMs === undefined ? 'never checked' : `as of ${formatAge(ageMs)} ago`))
  return found
}

/** As many pieces as fit, the last of them cut. */
function cutPieces(pieces: readonly Piece[], maxWidth: number): Piece[] {
  const total = pieces.reduce((width, { text }) => width + widthOf(text), 0)
  if (total <= maxWidth) return [...pieces]
  const kept: Piece[] = []
  let room = maxWidth - widthOf(ellipsis)
  for (const { text, tone } of pieces) {
    const start = startOf(text, room)
    if (start !== '') kept.push({ text: start, tone })
    if (start !== text) break
    room -= widthOf(start)
  }
  return [...kept, { text: ellipsis, tone: undefined }]
}

/** One line without a line break. Throws `STATE_INVALID_OPTION` for a width that is none. */
export function formatStatusLine(facts: StatusLineFacts, format: StatusLineFormat): string {
  const { color, maxWidth = Number.MAX_SAFE_INTEGER } = format
  if (!Number.isSafeInteger(maxWidth) || maxWidth < 1) {
    throw new StateStoreError({
      code: 'STATE_INVALID_OPTION',
      message: `maxWidth must be a whole number of at least 1, not ${String(maxWidth)}`,
      operation: 'statusLine',
    })
  }
  const pieces = sections(facts).flatMap((section, index) =>
    index === 0 ? section : [{ text: separator, tone: undefined }, ...section],
  )
  return cutPieces(pieces, maxWidth)
    .map(({ text, tone }) =>
      color && tone !== undefined ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text,
    )
    .join('')
}

/** What is known of where the line is to be shown. */
export interface Display {
  readonly isTerminal: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** `auto`: on a terminal that knows colours, unless NO_COLOR is set and not empty (no-color.org). */
export function wantsColor(
  setting: boolean | 'auto',
  { environment, isTerminal }: Display,
): boolean {
  if (setting !== 'auto') return setting
  return isTerminal && !environment.NO_COLOR && environment.TERM !== 'dumb'
}
