import { StateStoreError } from '../errors/index.js'
import { isRevision, type LogQuery, type Revision } from '../storage/index.js'
import type { LogEvent } from './events.js'
import { instantOf } from './time.js'

/**
 * Milliseconds since the epoch; a Date; an ISO 8601 day or time with its zone; or a duration back from now:
 * `90s`, `30m`, `1h`, `7d`, `2w`.
 */
export type LogTime = number | Date | string

/** All conditions must hold. */
export interface LogFilter<T> {
  /** Inclusive. */
  readonly since?: LogTime | undefined
  /** Exclusive. */
  readonly until?: LogTime | undefined
  /** One of these. */
  readonly type?: string | readonly string[] | undefined
  readonly agent?: string | undefined
  /** Called for what meets the other conditions, in the order of the answer. */
  readonly where?: ((event: LogEvent<T>) => boolean) | undefined
  /** Only events with a greater id; so no line that was made by hand. */
  readonly after?: Revision | undefined
  /** Newest first. Default: oldest first. */
  readonly reverse?: boolean | undefined
  /** At most so many. */
  readonly limit?: number | undefined
  /** Ends the reading with `STATE_ABORTED`. */
  readonly signal?: AbortSignal | undefined
}

/** What the storage is to be asked. Throws `STATE_INVALID_OPTION`. */
export function queryOf<T>(log: string, filter: LogFilter<T>, nowMs: number): LogQuery {
  const { since, until, type, agent, after, reverse, signal } = filter
  refuseLimit(filter.limit)
  refuseUnlessFunction(filter.where)
  return {
    log,
    since: since === undefined ? undefined : instantOf('since', since, nowMs),
    until: until === undefined ? undefined : instantOf('until', until, nowMs),
    types: typesOf(type),
    agent: stringIn('agent', agent),
    after: idIn(after),
    reverse: reverse === true,
    signal,
  }
}

export function typesOf(type: LogFilter<unknown>['type']): readonly string[] | undefined {
  if (type === undefined || typeof type === 'string') return type === undefined ? type : [type]
  if (Array.isArray(type) && type.every((each) => typeof each === 'string')) return [...type]
  throw invalid('type', 'a string or several', type)
}

export function stringIn(option: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw invalid(option, 'a string', value)
}

export function idIn(after: unknown): Revision | undefined {
  if (after === undefined || isRevision(after)) return after
  throw invalid('after', 'the id of an event', after)
}

function refuseLimit(limit: unknown): void {
  if (limit === undefined || limit === Number.POSITIVE_INFINITY) return
  if (typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 0) return
  throw invalid('limit', 'a whole number from 0', limit)
}

function refuseUnlessFunction(where: unknown): void {
  if (where !== undefined && typeof where !== 'function')
    throw invalid('where', 'a function', where)
}

export const invalid = (option: string, wanted: string, given: unknown): StateStoreError =>
  new StateStoreError({
    code: 'STATE_INVALID_OPTION',
    message: `${option} must be ${wanted}, not ${String(given)}`,
    operation: 'query',
  })
