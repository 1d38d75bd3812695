/** Whether logs hold what was acknowledged, and whoever read them saw what they hold. */
import { compareRevisions } from '../../../src/index.js'
import { type Acknowledged, complaintsAboutRecords, type Mark } from '../log-ledger.js'
import { recordName } from './mixed-work.js'
import { type MixedHistory, queryLimit, type SeenRecord } from './operations.js'

export interface StandingEvent {
  readonly id: string
  readonly data: Mark
}

export type Standing = ReadonlyMap<string, readonly StandingEvent[]>

/** What a process followed, over all its lives. */
export interface Followed {
  readonly process: string
  readonly log: string
  readonly records: readonly SeenRecord[]
}

export interface LogVerdict {
  readonly complaints: readonly string[]
  /**
   * Sights of a record in the moment of a takeover, under an id that it then lost and that nobody was
   * told: a reader may have them (docs/DURABILITY.md, Takeover).
   */
  readonly passing: number
}

/** Told by an append that returned: ids by name of the record. */
function acknowledgedIn(history: MixedHistory): Acknowledged[] {
  return history.flatMap(({ client, input, returned }) => {
    const output = returned?.output
    if (input.on !== 'log' || input.do !== 'append') return []
    if (typeof output !== 'object' || !('ids' in output)) return []
    const records = output.ids.map((id) => ({ log: input.log, id }))
    return [{ writer: client, lane: input.lane, seq: input.seq, kind: 'one' as const, records }]
  })
}

export function judgeLogs(
  standing: Standing,
  history: MixedHistory,
  followed: readonly Followed[],
): LogVerdict {
  const acknowledged = acknowledgedIn(history)
  const complaints = complaintsAboutRecords(standing, acknowledged)
  const begun = new Map<string, number>()
  for (const { client, input } of history) {
    if (input.on !== 'log' || input.do !== 'append') continue
    begun.set(`${input.log} ${client}#${input.seq}`, input.parts)
  }
  for (const [log, events] of standing) {
    for (const { data } of events) {
      const parts = begun.get(`${log} ${data.writer}#${data.seq}`)
      if (parts !== data.parts) complaints.push(`${log}: nobody appended ${recordName(data)} so`)
    }
  }
  const told = new Set(
    acknowledged.flatMap(({ records }) => records.map(({ log, id }) => `${log} ${id}`)),
  )
  let passing = 0
  /** Without what passed; complains of what cannot have. */
  const lasting = (log: string, what: string, records: readonly SeenRecord[]) => {
    const names = new Map(standing.get(log)?.map(({ id, data }) => [id, recordName(data)]))
    return records.filter(({ id, name }) => {
      if (names.get(id) === name) return true
      passing += 1
      if (told.has(`${log} ${id}`) || names.has(id)) {
        complaints.push(`${log}: ${what} saw ${name} as ${id}, where another stands`)
      }
      return false
    })
  }
  for (const { log, process, records } of followed) {
    const seen = lasting(log, `${process}, following,`, records)
    complaints.push(
      ...complaintAboutSlice(standing.get(log) ?? [], '0.0', seen, `${log}: ${process}`),
    )
  }
  for (const { calledAt, client, input, returned } of history) {
    const output = returned?.output
    if (input.on !== 'log' || input.do !== 'query') continue
    if (typeof output !== 'object' || !('records' in output)) continue
    const { after, log } = input
    const events = standing.get(log) ?? []
    const seen = lasting(log, client, output.records)
    complaints.push(...complaintAboutSlice(events, after, seen, `${log}: ${client}`))
    if (output.records.length === queryLimit) continue
    const last = seen.at(-1)?.id ?? after
    const missed = history.find(
      ({ input: other, returned: otherReturned }) =>
        other.on === 'log' &&
        other.do === 'append' &&
        other.log === log &&
        otherReturned !== undefined &&
        otherReturned.at < calledAt &&
        typeof otherReturned.output === 'object' &&
        'ids' in otherReturned.output &&
        otherReturned.output.ids.some((id) => compareRevisions(id, last) > 0),
    )
    if (missed === undefined) continue
    complaints.push(
      `${log}: ${client}, asking after ${after}, saw up to ${last} and not what was acknowledged before: ${JSON.stringify(missed)}`,
    )
  }
  return { complaints, passing }
}

/** Who reads on from an id sees what comes after it, without a gap and nothing twice. */
function complaintAboutSlice(
  events: readonly StandingEvent[],
  after: string,
  seen: readonly SeenRecord[],
  who: string,
): string[] {
  let start = events.findIndex(({ id }) => compareRevisions(id, after) > 0)
  if (start < 0) start = events.length
  const at = seen.findIndex(({ id }, index) => events[start + index]?.id !== id)
  if (at < 0) return []
  return [
    `${who} saw ${seen[at]?.id}, ${at} after ${after}, where ${events[start + at]?.id} stands`,
  ]
}
