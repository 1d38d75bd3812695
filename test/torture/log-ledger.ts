/** What processes were told of their appends, and what is wrong with logs that say otherwise. */
import { compareRevisions } from '../../src/storage/index.js'

/** Two logs, for what is appended to several. */
export const logNames = ['sent', 'seen'] as const

/**
 * `group` appends several records at once. `both` is a transaction that appends two to each of two logs
 * and sets a document to its number.
 */
export type AppendKind = 'one' | 'sync' | 'group' | 'both'

/** The data of a record: who appended it, as which of theirs. */
export interface Mark {
  readonly writer: string
  readonly lane: number
  /** Rises in the order in which a writer begins its appends. */
  readonly seq: number
  readonly kind: AppendKind
  readonly part: number
  readonly parts: number
  /** Of a transaction. */
  readonly logs?: readonly string[]
  readonly padding: string
}

export interface Acknowledged extends Pick<Mark, 'writer' | 'lane' | 'seq' | 'kind'> {
  /** A transaction is told no ids, nor is what a flush completes. */
  readonly records: readonly { readonly log: string; readonly id?: string }[]
}

export interface StandingRecord {
  readonly id: string
  readonly data: Mark
}

export type StandingLogs = ReadonlyMap<string, readonly StandingRecord[]>

export const nameOf = ({ writer, seq }: Pick<Mark, 'writer' | 'seq'>): string => `${writer}#${seq}`

const partOf = (mark: Mark): string => `${nameOf(mark)}.${mark.part}`

/** Everything that is wrong with the logs, given what was acknowledged; empty when all is well. */
export function complaintsAbout(
  logs: StandingLogs,
  acknowledged: readonly Acknowledged[],
  lasts: ReadonlyMap<string, number>,
): string[] {
  return [
    ...complaintsAboutRecords(logs, acknowledged),
    ...complaintsAboutTransactions(logs, lasts),
  ]
}

/** The same without transactions. */
export function complaintsAboutRecords(
  logs: StandingLogs,
  acknowledged: readonly Acknowledged[],
): string[] {
  const complaints: string[] = []
  for (const [log, records] of logs) {
    for (const complaint of complaintsAboutLog(records)) complaints.push(`${log}: ${complaint}`)
  }
  return [...complaints, ...complaintsAboutAcknowledged(logs, acknowledged)]
}

function complaintsAboutLog(records: readonly StandingRecord[]): string[] {
  const complaints: string[] = []
  const seen = new Set<string>()
  const lastOfLane = new Map<string, number>()
  const lastCalled = new Map<string, number>()
  for (const [index, { id, data }] of records.entries()) {
    const before = records[index - 1]
    const told = `${partOf(data)} with id ${id}`
    if (before !== undefined && compareRevisions(before.id, id) >= 0) {
      complaints.push(`${told} stands behind id ${before.id}`)
    }
    if (seen.has(partOf(data))) complaints.push(`${told} stands twice`)
    seen.add(partOf(data))
    if (
      data.part > 0 &&
      before?.data &&
      partOf(before.data) !== `${nameOf(data)}.${data.part - 1}`
    ) {
      complaints.push(`${told} is not preceded by its other part`)
    }
    const after = records[index + 1]
    if (data.part < data.parts - 1 && (!after || nameOf(after.data) !== nameOf(data))) {
      complaints.push(`${told} is not followed by its other part`)
    }
    const lane = `${data.writer}-${data.lane}`
    if ((lastOfLane.get(lane) ?? 0) > data.seq) complaints.push(`${told} is behind a later one`)
    lastOfLane.set(lane, data.seq)
    // A transaction is queued when its function has ended, which others may overtake.
    if (data.kind === 'both') continue
    if ((lastCalled.get(data.writer) ?? 0) > data.seq) complaints.push(`${told} was overtaken`)
    lastCalled.set(data.writer, data.seq)
  }
  return complaints
}

function complaintsAboutAcknowledged(
  logs: StandingLogs,
  acknowledged: readonly Acknowledged[],
): string[] {
  const standing = new Map<string, string>()
  const names = new Map<string, Set<string>>()
  for (const [log, records] of logs) {
    names.set(log, new Set(records.map(({ data }) => nameOf(data))))
    for (const { id, data } of records) standing.set(`${log} ${id}`, nameOf(data))
  }
  return acknowledged.flatMap((each) =>
    each.records.flatMap(({ log, id }) => {
      const stands =
        id === undefined
          ? names.get(log)?.has(nameOf(each)) === true
          : standing.get(`${log} ${id}`) === nameOf(each)
      return stands ? [] : [`${log}: ${nameOf(each)} was acknowledged as ${id}, and is missing`]
    }),
  )
}

/** Both logs and the document, or none. */
function complaintsAboutTransactions(
  logs: StandingLogs,
  lasts: ReadonlyMap<string, number>,
): string[] {
  const seenIn = new Map<string, Set<string>>()
  const marks = new Map<string, Mark>()
  for (const [log, records] of logs) {
    for (const { data } of records) {
      if (data.kind !== 'both') continue
      marks.set(nameOf(data), data)
      seenIn.set(nameOf(data), (seenIn.get(nameOf(data)) ?? new Set()).add(log))
    }
  }
  const complaints: string[] = []
  const last = new Map<string, number>()
  for (const [name, { lane, logs: wanted = [], seq, writer }] of marks) {
    if (!wanted.every((log) => seenIn.get(name)?.has(log))) {
      complaints.push(`${name} stands in ${[...(seenIn.get(name) ?? [])]} of ${wanted}`)
    }
    const key = `${writer}-${lane}`
    last.set(key, Math.max(last.get(key) ?? 0, seq))
  }
  for (const key of new Set([...last.keys(), ...lasts.keys()])) {
    if (last.get(key) === lasts.get(key)) continue
    complaints.push(
      `${key} ends with ${last.get(key)} in the logs, ${lasts.get(key)} in its document`,
    )
  }
  return complaints
}
