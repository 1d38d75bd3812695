import type { Clock } from '../clock/index.js'
import { StateStoreError } from '../errors/index.js'
import { listLocks } from '../lock/index.js'
import { instantOf, type LogTime } from '../log/index.js'
import { toStorable } from '../serializer/index.js'
import {
  type Change,
  type Commit,
  type CommitResult,
  type Durability,
  type LeaseClaim,
  type LogQuery,
  refuseUnusable,
  type Storage,
  type StoredDocument,
} from '../storage/index.js'
import type { Alert } from './alerts.js'
import {
  type ComponentHealth,
  type HealthStatus,
  healthStatuses,
  isHealthStatus,
  readHealth,
  writeHealth,
} from './component-state.js'
import {
  byComponent,
  Changes,
  Counts,
  type HealthRecord,
  type HealthSummary,
  type HealthTransition,
  toHealthRecord,
  type Uptime,
  uptimeOf,
} from './history.js'
import { type CheckOptions, checkStore, type HealthCheck } from './self-check.js'
import { type Display, formatStatusLine, wantsColor } from './status-line.js'
import type { Vitals } from './vitals.js'

/** Told when a record changes the status of a component, in the process that made it. */
export interface HealthChange {
  readonly component: string
  /** Undefined for a component's first record. */
  readonly from: HealthStatus | undefined
  readonly to: HealthStatus
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly details: unknown
}

/** The events of this module. */
export interface HealthEvents {
  'health:changed': HealthChange
  /** Something that somebody should be told of. Also what happens while nobody uses `store.health`. */
  alert: Alert
}

export interface RecordOptions {
  /** Who says so; kept with the record. */
  readonly agent?: string
  /** A lock the record is made under: refused with `STATE_LEASE_LOST` once that was lost. */
  readonly lease?: LeaseClaim
  /** Default: the store's. */
  readonly durability?: Durability
  /** Ends the wait for a turn with `STATE_ABORTED`. */
  readonly signal?: AbortSignal
}

export interface RecordedHealth {
  readonly component: string
  readonly status: HealthStatus
  /** What it was just before; undefined for a first record. */
  readonly previous: HealthStatus | undefined
  /** Whether that was another status, or none. */
  readonly changed: boolean
}

export interface HealthSpan {
  /** Inclusive. Default: 24 hours ago. */
  readonly since?: LogTime
  /** Exclusive. Default: no end. */
  readonly until?: LogTime
  readonly signal?: AbortSignal
}

export interface TransitionsQuery extends HealthSpan {
  /** Default: every component. */
  readonly component?: string
  /** At most so many, the newest. Default: all. */
  readonly limit?: number
}

export interface UptimeQuery extends HealthSpan {
  /** From so long after a record on it counts as unknown how the component is, until the next. */
  readonly staleAfterMs?: number
}

export interface StatusLineOptions {
  readonly session?: string
  readonly workspace?: string
  /** `auto`: on a terminal, unless NO_COLOR says otherwise. Default: `auto`. */
  readonly color?: boolean | 'auto'
  /** In columns, at least 1; what does not fit is cut off with an ellipsis. Default: no limit. */
  readonly maxWidth?: number
}

/** What a store gives to its health. */
export interface HealthHost {
  readonly storage: Storage
  readonly clock: Pick<Clock, 'now'>
  readonly vitals: Vitals
  /** The documents of collection `health`. */
  readonly documents: {
    read(key: string): Promise<Pick<StoredDocument, 'savedAt' | 'value'> | undefined>
    entries(): AsyncIterable<Pick<StoredDocument, 'savedAt' | 'value'> & { readonly key: string }>
    /** Commits, and tells listeners of it. */
    commitObserved(key: string, commit: Commit): Promise<CommitResult>
  }
  emit<K extends keyof HealthEvents>(event: K, detail: HealthEvents[K]): void
}

/** Of the collection and of the log. */
export const healthName = 'health'

const dayMs = 86_400_000

/**
 * How the components of a system are and were, and how the store itself is. Use `store.health`.
 *
 * A record is kept in log `health`, and what a component is now in document `health/<component>`. Any
 * string of 1 to 8192 characters may be the name of a component.
 */
export class Health {
  readonly #host: HealthHost
  #checkedAt: number | undefined

  constructor(host: HealthHost) {
    this.#host = host
  }

  /**
   * Says how a component is. The record and the component's present state are written together, all or
   * none, and as exactly when several processes do so at once: each is told what came just before.
   * `details`: anything JSON can hold. Tells `health:changed` when the status is another one. Costs more
   * than a `set`, for it is a commit of two parts.
   *
   * Throws, with nothing written, `STATE_INVALID_OPTION` for a status that is none, `STATE_INVALID_KEY`,
   * `STATE_INVALID_VALUE`, and what else `log.append` does.
   */
  async record(
    component: string,
    status: HealthStatus,
    details?: unknown,
    options: RecordOptions = {},
  ): Promise<RecordedHealth> {
    refuseUnusable('key', component)
    refuseNoStatus(status)
    const { clock, documents, emit } = this.#host
    const { agent, durability, lease, signal } = options
    const own = details === undefined ? undefined : toStorable(details)
    let previous: HealthStatus | undefined
    // Made inside the turn, so that neither the time nor what came before can be overtaken.
    const change = (stored: StoredDocument | undefined): Change => {
      const current = stored && readHealth(stored)
      previous = current?.status
      return { kind: 'put', value: writeHealth(current, status, own, clock.now()) }
    }
    const data = own === undefined ? { status } : { status, details: own }
    const { savedAt } = await documents.commitObserved(component, {
      writes: [{ address: { collection: healthName, key: component }, change }],
      appends: [{ log: healthName, records: [{ type: component, agent, data }] }],
      leases: lease === undefined ? [] : [lease],
      durability,
      signal,
    })
    const changed = previous !== status
    if (changed) {
      const detail = { component, from: previous, to: status, at: savedAt, details: own }
      emit('health:changed', detail)
    }
    return { component, status, previous, changed }
  }

  /**
   * How a component is; undefined when it was never recorded. Reads one document. Errors as
   * `collection.get`.
   */
  latest(component: string): Promise<ComponentHealth | undefined>
  /**
   * How each component is, sorted by name. One whose document is damaged beyond repair is left out, and
   * reported as `state:corrupt`. Reads a document for each.
   */
  latest(): Promise<Record<string, ComponentHealth>>
  async latest(component?: string): Promise<unknown> {
    const { documents } = this.#host
    if (component !== undefined) {
      const stored = await documents.read(component)
      return stored && readHealth(stored)
    }
    const found: [string, ComponentHealth][] = []
    for await (const document of documents.entries()) {
      const health = readHealth(document)
      if (health !== undefined) found.push([document.key, health])
    }
    return byComponent(found)
  }

  /**
   * How often each component was recorded as what, by default in the last 24 hours; sorted by name, and
   * with the statuses that occurred only: `{ email_bridge: { ok: 12, error: 1 } }`. Reads the records of
   * that time. Throws `STATE_INVALID_OPTION` for a time that is none, `STATE_ABORTED`, `STATE_IO`.
   */
  async summary(span: HealthSpan = {}): Promise<HealthSummary> {
    const counts = new Counts()
    for await (const record of this.#records(this.#window(span))) counts.add(record)
    return counts.summary
  }

  /**
   * When components changed, oldest first; `from` is undefined for the first record of one. By default in
   * the last 24 hours. Reads the records of that time, and back from there to the last one of each
   * component. Throws as {@link summary}, and `STATE_INVALID_OPTION` for a limit that is none.
   */
  async transitions(query: TransitionsQuery = {}): Promise<HealthTransition[]> {
    const { component, limit = Number.MAX_SAFE_INTEGER } = query
    refuseNoLimit(limit)
    const window = this.#window(query, component)
    const records: HealthRecord[] = []
    for await (const record of this.#records(window)) records.push(record)
    const changes = new Changes(await this.#before(window, records))
    const found = records.flatMap((record) => changes.add(record) ?? [])
    return found.slice(Math.max(0, found.length - limit))
  }

  /**
   * Which shares of a time a component was what; they sum to 1. A status holds from its record to the
   * next. `unknown` is the time before the first record and, with `staleAfterMs`, after the status has
   * become too old. By default of the last 24 hours; never of what lies in the future. Reads as
   * {@link transitions}. Throws as {@link summary}, `STATE_INVALID_KEY`, and `STATE_INVALID_OPTION` for a
   * `staleAfterMs` below 0.
   */
  async uptime(component: string, query: UptimeQuery = {}): Promise<Uptime> {
    refuseUnusable('key', component)
    const { staleAfterMs } = query
    refuseNoDuration('staleAfterMs', staleAfterMs)
    const now = this.#host.clock.now()
    const window = this.#window(query, component)
    const { since = 0, until = now } = window
    const records: HealthRecord[] = []
    const earlier = { ...window, since: undefined, until: since, reverse: true }
    for await (const record of this.#records(earlier)) {
      records.push(record)
      break
    }
    for await (const record of this.#records(window)) records.push(record)
    return uptimeOf(records, { since, until: Math.min(until, now), staleAfterMs })
  }

  /**
   * Looks at the store itself: whether it is there and can be written to (by writing), the space on its
   * disk, what is in it, how saving and loading went. What is wrong is in `alerts`; those that this check
   * has found are told as event `alert` as well, the others were when they happened. Takes the alerts
   * that were not in a check before. Costs a listing of the whole store and one small write.
   *
   * Throws `STATE_INVALID_OPTION`, `STATE_CLOSED`; nothing that is wrong with the store.
   */
  async check(options: CheckOptions = {}): Promise<HealthCheck> {
    const { clock, emit, storage, vitals } = this.#host
    const onFound = (alert: Alert): void => emit('alert', alert)
    const now = (): number => clock.now()
    const check = await checkStore({ storage, vitals, now, onFound }, options)
    this.#checkedAt = check.checkedAt
    return check
  }

  /**
   * One line to greet with: session, workspace, state directory, locks that are held, components with the
   * worst first, how old the newest of it is. No character that a terminal would obey is in it, whatever
   * the names and details are; colours only if asked for. Checks nothing: it tells what was recorded.
   * Reads a document for each component and lists the locks. Throws `STATE_INVALID_OPTION` for a
   * `maxWidth` that is none, `STATE_IO`, `STATE_CLOSED`.
   */
  async statusLine(options: StatusLineOptions = {}): Promise<string> {
    const { clock, storage } = this.#host
    const { color = 'auto', maxWidth, session, workspace } = options
    const [latest, locks] = await Promise.all([this.latest(), this.#heldLocks()])
    const now = clock.now()
    const entries = Object.entries(latest)
    const newest = Math.max(this.#checkedAt ?? 0, ...entries.map(([, { at }]) => at))
    const facts = {
      session,
      workspace,
      location: storage.location,
      locks,
      components: entries.map(([component, { details, since, status }]) => {
        return { component, status, forMs: now - since, details }
      }),
      ageMs: newest === 0 ? undefined : now - newest,
    }
    return formatStatusLine(facts, { color: wantsColor(color, standardOutput()), maxWidth })
  }

  /** Undefined where it cannot be told: of a store that was opened read-only. */
  async #heldLocks(): Promise<string[] | undefined> {
    try {
      const locks = await listLocks(this.#host.storage)
      return locks.filter(({ state }) => state === 'held').map(({ name }) => name)
    } catch (error) {
      if (error instanceof StateStoreError && error.code === 'STATE_READ_ONLY') return undefined
      throw error
    }
  }

  #window({ since, until, signal }: HealthSpan, component?: string): LogQuery {
    const now = this.#host.clock.now()
    return {
      log: healthName,
      since: since === undefined ? now - dayMs : instantOf('since', since, now),
      until: until === undefined ? undefined : instantOf('until', until, now),
      types: component === undefined ? undefined : [component],
      signal,
    }
  }

  async *#records(query: LogQuery): AsyncIterable<HealthRecord> {
    for await (const group of this.#host.storage.readLog(query)) {
      for (const record of group) {
        const found = toHealthRecord(record)
        if (found !== undefined) yield found
      }
    }
  }

  /** How the components of some records were before them. */
  async #before(
    window: LogQuery,
    records: readonly HealthRecord[],
  ): Promise<Map<string, HealthStatus>> {
    const wanted = new Set(records.map(({ component }) => component))
    const before = new Map<string, HealthStatus>()
    if (wanted.size === 0) return before
    const earlier = {
      ...window,
      since: undefined,
      until: window.since,
      types: [...wanted],
      reverse: true,
    }
    for await (const { component, status } of this.#records(earlier)) {
      if (!before.has(component)) before.set(component, status)
      if (before.size === wanted.size) break
    }
    return before
  }
}

const standardOutput = (): Display => ({
  isTerminal: process.stdout.isTTY === true,
  environment: process.env,
})

function invalid(message: string, operation: string): StateStoreError {
  return new StateStoreError({ code: 'STATE_INVALID_OPTION', message, operation })
}

function refuseNoStatus(status: unknown): void {
  if (isHealthStatus(status)) return
  const known = healthStatuses.join(', ')
  throw invalid(`A status is one of ${known}, not ${String(status)}`, 'health.record')
}

function refuseNoLimit(limit: number): void {
  if (Number.isSafeInteger(limit) && limit >= 0) return
  throw invalid(`limit must be a whole number of at least 0, not ${limit}`, 'health.transitions')
}

function refuseNoDuration(name: string, durationMs: number | undefined): void {
  if (durationMs === undefined || durationMs >= 0) return
  throw invalid(`${name} must be at least 0, not ${durationMs}`, 'health.uptime')
}
