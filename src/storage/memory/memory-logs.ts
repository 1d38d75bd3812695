import type { AppendOutcome, LogQuery, LogRecord, LogStatus } from '../log.js'
import { bytesOfRecord, type StorableAppend, type StorableRecord } from '../log-appends.js'
import { refuseAborted } from '../refusals.js'
import { compareRevisions, formatRevision } from '../revision.js'

interface Kept extends StorableRecord {
  readonly id: string
  readonly at: number
}

/** How many records a reader is given at once. */
const groupLength = 256

/** The data are kept as text, so that nobody can be handed what is kept. */
export class MemoryLogs {
  readonly #logs = new Map<string, Kept[]>()

  /** How many there are in all. */
  get records(): number {
    let records = 0
    for (const log of this.#logs.values()) records += log.length
    return records
  }

  /** Gives the records their numbers, from `counter` on. */
  append(appends: readonly StorableAppend[], counter: number, at: number): AppendOutcome[] {
    let next = counter
    return appends.map(({ log, records }) => {
      const kept = this.#logs.get(log) ?? []
      this.#logs.set(log, kept)
      const ids = records.map((record) => {
        const id = formatRevision(1, next)
        next += 1
        kept.push({ ...record, id, at })
        return id
      })
      return { log, ids }
    })
  }

  *read(query: LogQuery): Generator<readonly LogRecord[]> {
    const kept = this.#logs.get(query.log) ?? []
    // What is appended from now on is not asked for.
    const end = kept.length
    const start = query.after === undefined ? 0 : firstAfter(kept, query.after)
    let group: LogRecord[] = []
    for (let step = 0; step < end - start; step++) {
      if (step % groupLength === 0) refuseAborted(query.signal, 'readLog')
      const record = kept[query.reverse === true ? end - 1 - step : start + step]
      if (record === undefined || !fits(record, query)) continue
      group.push(handedOut(record))
      if (group.length < groupLength) continue
      yield group
      group = []
    }
    refuseAborted(query.signal, 'readLog')
    if (group.length > 0) yield group
  }

  list(): LogStatus[] {
    return [...this.#logs].map(([log, kept]) => ({
      log,
      bytes: kept.reduce((sum, record) => sum + bytesOfRecord(record), 0),
      segments: 1,
    }))
  }
}

/** The place of the first record with a greater id; they rise. */
function firstAfter(kept: readonly Kept[], after: string): number {
  let low = 0
  let high = kept.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareRevisions(kept[middle]?.id ?? after, after) > 0) high = middle
    else low = middle + 1
  }
  return low
}

function fits({ at, type, agent }: Kept, query: LogQuery): boolean {
  if (query.since !== undefined && at < query.since) return false
  if (query.until !== undefined && at >= query.until) return false
  if (query.agent !== undefined && agent !== query.agent) return false
  return query.types === undefined || (type !== undefined && query.types.includes(type))
}

const handedOut = ({ id, at, type, agent, json }: Kept): LogRecord => ({
  id,
  at,
  type,
  agent,
  data: json === undefined ? undefined : JSON.parse(json),
  origin: 'store',
})
