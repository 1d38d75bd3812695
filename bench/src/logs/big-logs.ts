/** Logs whose last hour holds the same number of events, however many there are before. */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from 'holdfast'
import { openHoldfast } from '../holdfast.js'
import type { Random } from '../statistics.js'
import { type BenchEvent, EventSource } from './events.js'
import { openSqlite } from './sqlite.js'

export const logName = 'events'

/** Events of one moment, and how far apart the moments are: some 1,000 events an hour. */
const burst = 50
const burstEveryMs = 180_000
const hourMs = 3_600_000

/** What is known of a log, by which answers are checked. */
export interface FilledLog {
  readonly directory: string
  readonly events: number
  readonly sequenceSum: number
  /** Where the last hour begins; milliseconds since the epoch. */
  readonly since: number
  readonly lastHour: { readonly events: number; readonly sequenceSum: number }
}

/** A clock that stands where it is put. */
function settableClock(): Clock & { atMs: number } {
  return {
    atMs: 0,
    now() {
      return this.atMs
    },
    monotonicMs: () => performance.now(),
    sleep: async (durationMs, options) => {
      if (durationMs <= 0) await setImmediate()
      else await sleep(durationMs, undefined, { ref: options?.keepAlive === true })
    },
    sleepSync: (durationMs) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs)
    },
    every: (periodMs, action) => {
      const timer = setInterval(action, periodMs)
      timer.unref()
      return () => clearInterval(timer)
    },
    randomId: (bytes) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex'),
  }
}

type Burst = { readonly at: number; readonly events: readonly BenchEvent[] }

function* bursts(
  count: number,
  untilMs: number,
  random: Random,
): Generator<Burst, void, undefined> {
  const source = new EventSource(random)
  const moments = Math.ceil(count / burst)
  for (let moment = 1; moment <= moments; moment += 1) {
    const at = untilMs - (moments - moment) * burstEveryMs
    const size = Math.min(burst, count - (moment - 1) * burst)
    yield { at, events: source.take(size) }
  }
}

const sumOf = (events: readonly BenchEvent[]): number =>
  events.reduce((sum, { data }) => sum + data.sequence, 0)

async function fill(
  directory: string,
  count: number,
  untilMs: number,
  random: Random,
  write: (burst: Burst) => Promise<unknown> | undefined,
): Promise<FilledLog> {
  const since = untilMs - hourMs
  const all = { events: 0, sequenceSum: 0 }
  const lastHour = { events: 0, sequenceSum: 0 }
  for (const each of bursts(count, untilMs, random)) {
    for (const total of each.at >= since ? [all, lastHour] : [all]) {
      total.events += each.events.length
      total.sequenceSum += sumOf(each.events)
    }
    await write(each)
  }
  return { directory, ...all, since, lastHour }
}

export async function fillHoldfast(
  directory: string,
  count: number,
  untilMs: number,
  random: Random,
): Promise<FilledLog> {
  const clock = settableClock()
  const store = await openHoldfast(directory, { clock, durability: 'process' })
  const log = store.log<BenchEvent['data']>(logName)
  const filled = await fill(directory, count, untilMs, random, ({ at, events }) => {
    clock.atMs = at
    return log.appendAll(events)
  })
  await store.close()
  return filled
}

export async function fillSqlite(
  directory: string,
  count: number,
  untilMs: number,
  random: Random,
): Promise<FilledLog> {
  const db = await openSqlite(directory)
  db.exec('create index by_time on events (at)')
  const insert = db.prepare('insert into events (at, type, agent, data) values (?, ?, ?, ?)')
  db.exec('begin')
  const filled = await fill(directory, count, untilMs, random, ({ at, events }) => {
    for (const { type, agent, data } of events) insert.run(at, type, agent, JSON.stringify(data))
    return undefined
  })
  db.exec('commit')
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.exec('analyze')
  db.close()
  return filled
}
