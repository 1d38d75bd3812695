/** Increments of one counter, begun together, each durable when it is acknowledged; and their sum. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { openHoldfast } from '../holdfast.js'
import { interleave } from '../interleave.js'
import { loadPeer } from '../load-peer.js'
import type { RunContext } from '../run-context.js'
import { maximum, median, quantile } from '../statistics.js'

interface CounterSession {
  /** Resolves when the increment is acknowledged. */
  increment(): Promise<unknown>
  /** How many commits were made since this was last asked; undefined where they cannot be told. */
  commits(): number | undefined
  value(): Promise<number>
  close(): Promise<void>
}

interface CounterContender {
  readonly name: string
  readonly own?: boolean
  open(directory: string): Promise<CounterSession>
}

export interface CounterRow {
  readonly name: string
  readonly increments: number
  /** Median of the rounds. */
  readonly opsPerSecond: number
  readonly roundsOpsPerSecond: readonly number[]
  readonly medianMs: number
  readonly p99Ms: number
  /** The most commits of a batch; undefined where they cannot be told. */
  readonly commitsPerBatch: number | undefined
  /** By how much the sum was wrong, in all rounds together. */
  readonly wrongBy: number
}

export interface CounterTable {
  readonly suite: 'counter'
  readonly width: number
  readonly rows: readonly CounterRow[]
}

interface CounterSlice {
  readonly opsPerSecond: number
  readonly latenciesMs: readonly number[]
  readonly commits: number | undefined
  readonly wrongBy: number
}

export const counterNames = {
  holdfast: 'holdfast',
  betterSqlite: 'better-sqlite3, WAL FULL',
} as const

const warmUpBatches = 2

const holdfast: CounterContender = {
  name: counterNames.holdfast,
  own: true,
  async open(directory) {
    const store = await openHoldfast(directory)
    const revisions = new Set<string>()
    store.on('state:saved', ({ revision }) => revisions.add(revision))
    return {
      increment: () => store.counters.increment('sent'),
      commits: () => {
        const { size } = revisions
        revisions.clear()
        return size
      },
      value: () => store.counters.get('sent'),
      close: () => store.close(),
    }
  },
}

interface BetterSqliteModule {
  readonly default: new (
    file: string,
  ) => {
    pragma(text: string): unknown
    exec(sql: string): unknown
    prepare(sql: string): { run(): unknown; get(): unknown }
    close(): unknown
  }
}

/** Synchronous: each increment is a transaction of its own, one after the other. */
const betterSqlite: CounterContender = {
  name: counterNames.betterSqlite,
  async open(directory) {
    await mkdir(directory, { recursive: true })
    const { default: Database } = await loadPeer<BetterSqliteModule>('better-sqlite3')
    const db = new Database(join(directory, 'state.sqlite'))
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.exec('create table if not exists counters (name text primary key, value integer not null)')
    db.exec("insert into counters values ('sent', 0) on conflict do nothing")
    const update = db.prepare("update counters set value = value + 1 where name = 'sent'")
    const select = db.prepare("select value from counters where name = 'sent'")
    return {
      increment: async () => update.run(),
      commits: () => undefined,
      value: async () => (select.get() as { readonly value: number }).value,
      async close() {
        db.close()
      },
    }
  },
}

const contenders = [holdfast, betterSqlite]

async function countBatch(
  session: CounterSession,
  width: number,
  latenciesMs: number[],
): Promise<void> {
  const start = performance.now()
  const count = async (): Promise<void> => {
    await session.increment()
    latenciesMs.push(performance.now() - start)
  }
  await Promise.all(Array.from({ length: width }, count))
}

async function measure(
  contender: CounterContender,
  directory: string,
  width: number,
  batches: number,
): Promise<CounterSlice> {
  const session = await contender.open(directory)
  const before = await session.value()
  for (let batch = 0; batch < warmUpBatches; batch += 1) await countBatch(session, width, [])
  session.commits()
  const latenciesMs: number[] = []
  const commits: (number | undefined)[] = []
  const start = performance.now()
  for (let batch = 0; batch < batches; batch += 1) {
    await countBatch(session, width, latenciesMs)
    commits.push(session.commits())
    await setImmediate()
  }
  const elapsedMs = performance.now() - start
  await session.close()

  // Opened again, so that no answer comes from a memory of the increments.
  const reopened = await contender.open(directory)
  const wrongBy = (await reopened.value()) - before - (warmUpBatches + batches) * width
  await reopened.close()
  if (contender.own && wrongBy !== 0) throw new Error(`the counter is wrong by ${wrongBy}`)
  const known = commits.filter((count) => count !== undefined)
  return {
    opsPerSecond: (latenciesMs.length / elapsedMs) * 1000,
    latenciesMs,
    commits: known.length === 0 ? undefined : maximum(known),
    wrongBy: Math.abs(wrongBy),
  }
}

function summarize(name: string, slices: readonly CounterSlice[]): CounterRow {
  const latencies = slices.flatMap((slice) => slice.latenciesMs)
  const rounds = slices.map((slice) => slice.opsPerSecond)
  const commits = slices.flatMap((slice) => slice.commits ?? [])
  return {
    name,
    increments: latencies.length,
    opsPerSecond: median(rounds),
    roundsOpsPerSecond: rounds,
    medianMs: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    commitsPerBatch: commits.length === 0 ? undefined : maximum(commits),
    wrongBy: slices.reduce((sum, slice) => sum + slice.wrongBy, 0),
  }
}

export async function runCounterSuite(context: RunContext): Promise<CounterTable> {
  const { options, random, problems } = context
  const { rounds, batches, width } = options.counter
  const slices = await interleave(contenders, rounds, random, problems, (contender, round) => {
    context.progress(`counter, round ${round + 1}: ${contender.name}`)
    const place = join(context.directory, `counter-${contenders.indexOf(contender)}`)
    return measure(contender, place, width, batches)
  })
  return {
    suite: 'counter',
    width,
    rows: [...slices].map(([name, measured]) => summarize(name, measured)),
  }
}
