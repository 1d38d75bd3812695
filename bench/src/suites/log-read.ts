/**
 * A large log and a small one whose last hours are alike: what that hour costs in both, what reading
 * all costs, and what memory it takes to use the large one. The page cache is warm for everybody.
 */
import { join } from 'node:path'
import { openHoldfast } from '../holdfast.js'
import { interleave } from '../interleave.js'
import { type FilledLog, fillHoldfast, fillSqlite, logName } from '../logs/big-logs.js'
import type { BenchEvent } from '../logs/events.js'
import { openSqlite } from '../logs/sqlite.js'
import type { RunContext } from '../run-context.js'
import { runWorker } from '../run-worker.js'
import { maximum, median, seededRandom } from '../statistics.js'
import type { ScanResult, UseResult } from '../workers/log-worker.js'

export interface LastHourRow {
  readonly name: string
  readonly events: number
  readonly found: number
  /** The first query after opening. */
  readonly firstMs: number
  readonly roundsFirstMs: readonly number[]
  /** Median of those after it. */
  readonly againMs: number
  readonly roundsAgainMs: readonly number[]
}

export interface ScanRow {
  readonly name: string
  readonly events: number
  readonly eventsPerSecond: number
  readonly roundsEventsPerSecond: readonly number[]
  readonly ms: number
  readonly bytesBefore: number
  readonly peakBytes: number
}

export interface LogUse {
  readonly openMs: number
  readonly newestMs: number
  readonly appendedMs: number
  readonly bytesBefore: number
  readonly peakBytes: number
}

export interface LogReadTable {
  readonly suite: 'log-read'
  readonly lastHour: readonly LastHourRow[]
  readonly scan: readonly ScanRow[]
  /** Medians, but for the peak, which is the highest. */
  readonly use: LogUse
}

export const lastHourNames = {
  large: 'holdfast, large',
  small: 'holdfast, small',
  sqlite: 'better-sqlite3, index on time',
} as const

export const scanNames = {
  large: 'holdfast, for await over query()',
  small: 'holdfast, the same of the small log',
  split: 'readFile + split + JSON.parse, file by file',
} as const

type Data = BenchEvent['data']

interface Answer {
  readonly events: number
  readonly sequenceSum: number
}

interface Reader {
  lastHour(): Promise<Answer>
  close(): Promise<void>
}

interface ReadContender {
  readonly name: string
  readonly own?: boolean
  readonly filled: FilledLog
  open(filled: FilledLog): Promise<Reader>
}

const totalOf = (found: readonly { readonly data: Data }[]): Answer => ({
  events: found.length,
  sequenceSum: found.reduce((sum, { data }) => sum + data.sequence, 0),
})

async function openOurs({ directory, since }: FilledLog): Promise<Reader> {
  const store = await openHoldfast(directory)
  const log = store.log<Data>(logName)
  return {
    lastHour: async () => totalOf(await log.query({ since }).toArray()),
    close: () => store.close(),
  }
}

async function openTheirs({ directory, since }: FilledLog): Promise<Reader> {
  const db = await openSqlite(directory)
  const select = db.prepare(
    'select id, at, type, agent, data from events where at >= ? order by at, id',
  )
  return {
    async lastHour() {
      const rows = select.all(since) as (Omit<BenchEvent, 'data'> & { data: string })[]
      return totalOf(rows.map((row) => ({ ...row, data: JSON.parse(row.data) as Data })))
    },
    close: async () => void db.close(),
  }
}

const isSame = (found: Answer, wanted: Answer): boolean =>
  found.events === wanted.events && found.sequenceSum === wanted.sequenceSum

async function timeLastHours(
  { filled, open }: ReadContender,
  queries: number,
): Promise<{ firstMs: number; againMs: number }> {
  const reader = await open(filled)
  const times: number[] = []
  for (let query = 0; query <= queries; query += 1) {
    const start = performance.now()
    const found = await reader.lastHour()
    times.push(performance.now() - start)
    if (!isSame(found, filled.lastHour)) throw new Error(`found ${found.events} events, or others`)
  }
  await reader.close()
  const [firstMs = Number.NaN, ...again] = times
  return { firstMs, againMs: median(again) }
}

async function measureLastHours(
  context: RunContext,
  contenders: readonly ReadContender[],
): Promise<LastHourRow[]> {
  const { options, problems, random } = context
  const { queries, rounds } = options.log
  const slices = await interleave(contenders, rounds, random, problems, (contender, round) => {
    context.progress(`log, last hour, round ${round + 1}: ${contender.name}`)
    return timeLastHours(contender, queries)
  })
  return contenders.flatMap(({ filled, name }) => {
    const measured = slices.get(name)
    if (measured === undefined) return []
    const firsts = measured.map(({ firstMs }) => firstMs)
    const agains = measured.map(({ againMs }) => againMs)
    return {
      name,
      events: filled.events,
      found: filled.lastHour.events,
      firstMs: median(firsts),
      roundsFirstMs: firsts,
      againMs: median(agains),
      roundsAgainMs: agains,
    }
  })
}

async function measureScans(
  context: RunContext,
  large: FilledLog,
  small: FilledLog,
): Promise<ScanRow[]> {
  const { options, problems, random } = context
  const contenders = [
    { name: scanNames.large, own: true, mode: 'scan', filled: large },
    { name: scanNames.small, own: true, mode: 'scan', filled: small },
    { name: scanNames.split, mode: 'split', filled: large },
  ]
  const slices = await interleave(
    contenders,
    options.log.scanRounds,
    random,
    problems,
    async ({ filled, mode, name }, round) => {
      context.progress(`log, scan, round ${round + 1}: ${name}`)
      const found = await runWorker<ScanResult>('log-worker', [mode, filled.directory])
      if (!isSame(found, filled)) throw new Error(`scanned ${found.events} events, or others`)
      return found
    },
  )
  return contenders.flatMap(({ filled, name }) => {
    const measured = slices.get(name)
    if (measured === undefined) return []
    const rates = measured.map(({ ms }) => (filled.events / ms) * 1000)
    return {
      name,
      events: filled.events,
      eventsPerSecond: median(rates),
      roundsEventsPerSecond: rates,
      ms: median(measured.map(({ ms }) => ms)),
      bytesBefore: median(measured.map(({ bytesBefore }) => bytesBefore)),
      peakBytes: maximum(measured.map(({ peakBytes }) => peakBytes)),
    }
  })
}

/** Last of all, for it adds to the log. */
async function measureUse(context: RunContext, filled: FilledLog): Promise<LogUse> {
  const runs: UseResult[] = []
  let { events } = filled
  for (let round = 0; round < context.options.log.scanRounds; round += 1) {
    context.progress(`log, use, round ${round + 1}`)
    const args = ['use', filled.directory, String(filled.since)]
    const run = await runWorker<UseResult>('log-worker', args)
    const isAsked = round > 0 || isSame(run.lastHour, filled.lastHour)
    if (!isAsked || run.scanned !== events || run.followed !== run.appended) {
      throw new Error(
        `found ${run.lastHour.events} in the last hour and ${run.scanned} of ${events} in all, followed ${run.followed} of ${run.appended}`,
      )
    }
    events += run.appended + 1
    runs.push(run)
  }
  return {
    openMs: median(runs.map(({ openMs }) => openMs)),
    newestMs: median(runs.map(({ newestMs }) => newestMs)),
    appendedMs: median(runs.map(({ appendedMs }) => appendedMs)),
    bytesBefore: median(runs.map(({ bytesBefore }) => bytesBefore)),
    peakBytes: maximum(runs.map(({ peakBytes }) => peakBytes)),
  }
}

export async function runLogReadSuite(context: RunContext): Promise<LogReadTable> {
  const { events, fewEvents } = context.options.log
  // The same events in the last hour: seeds and times are the same.
  const untilMs = Date.now()
  const place = (name: string): string => join(context.directory, name)
  const random = () => seededRandom(context.options.seed)
  context.progress(`log, writing ${events} events`)
  const large = await fillHoldfast(place('log-large'), events, untilMs, random())
  const small = await fillHoldfast(place('log-small'), fewEvents, untilMs, random())
  context.progress(`log, writing ${events} events to SQLite`)
  const sqlite = await fillSqlite(place('log-sqlite'), events, untilMs, random())
  return {
    suite: 'log-read',
    lastHour: await measureLastHours(context, [
      { name: lastHourNames.large, own: true, filled: large, open: openOurs },
      { name: lastHourNames.small, own: true, filled: small, open: openOurs },
      { name: lastHourNames.sqlite, filled: sqlite, open: openTheirs },
    ]),
    scan: await measureScans(context, large, small),
    use: await measureUse(context, large),
  }
}
