import { describe, expect, it } from 'vitest'
import { type LogDamage, openStateStore } from '../../src/index.js'
import { campaignSeed, report, rounds, scratchDirectory } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import type { AppendingArguments } from './appending.worker.js'
import { Crew } from './crew.js'
import { lifeOf } from './life.js'
import { type Acknowledged, complaintsAbout, type Mark, nameOf } from './log-ledger.js'
import { LogWatch } from './log-watch.js'

const processes = rounds(4, 8)
/** The most acknowledgements after which one is killed. */
const longestLife = rounds(30, 400)
const logs = ['sent', 'seen', 'Third']
const logSegmentBytes = rounds(4096, 16_384)
/** 40,000 appends, and hundreds of processes that are started. */
const timeLimitMs = rounds(120_000, 1_800_000)

interface Ledger {
  readonly acknowledged: Acknowledged[]
  /** Appends whose outcome a process that was killed never told. */
  unknown: number
  kills: number
  exits: number
  takeovers: number
  /** What the processes found damaged. */
  readonly damaged: string[]
}

const between = (random: () => number, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1))

/**
 * Some kill themselves, between any two of their file-system calls, some exit in the middle of things. The
 * others are killed from outside.
 */
function fateOf(
  random: () => number,
): Pick<AppendingArguments, 'dieAtCall' | 'exitAtCall'> | undefined {
  const chance = random()
  const at = between(random, 0, longestLife * 20)
  return chance < 0.4 ? { dieAtCall: at } : chance < 0.6 ? { exitAtCall: at } : undefined
}

/** Keeps one process going, killed at random moments, until it has appended its quota. */
async function supervise(
  crew: Crew,
  args: Omit<AppendingArguments, 'seed' | 'count'>,
  quota: number,
  random: () => number,
  ledger: Ledger,
): Promise<void> {
  let left = quota
  for (let life = 1; left > 0; life++) {
    const killedAfter = between(random, 0, longestLife)
    const fate = fateOf(random)
    const seed = between(random, 0, 2 ** 31)
    const writer = `${args.writer}.${life}`
    const worker = crew.add({ ...args, ...fate, writer, seed, count: left })
    await worker.next('ready')
    const limit = fate === undefined ? killedAfter : Number.POSITIVE_INFINITY
    left -= await lifeOf(worker, {
      acknowledgementsMax: limit,
      mayExit: true,
      hear: ({ takeovers, damaged, ...rest }) => {
        ledger.takeovers += Number(takeovers)
        ledger.damaged.push(...(damaged as string[]))
        ledger.acknowledged.push(rest as unknown as Acknowledged)
      },
    })
    const { signal } = await worker.exited
    if (signal === 'SIGKILL') ledger.kills += 1
    else if (left > 0) ledger.exits += 1
    ledger.unknown += args.lanes
  }
}

/** What stands in the end, as whoever opens the store next finds it. */
async function standingIn(directory: string) {
  const store = await openStateStore(directory)
  const damage: LogDamage[] = []
  store.on('log:damaged', (place) => damage.push(place))
  const standing = new Map<string, { id: string; data: Mark }[]>()
  for (const log of logs) {
    const events = await store.log<Mark>(log).query().toArray()
    standing.set(
      log,
      events.map(({ id, data }) => ({ id, data })),
    )
  }
  const lasts = new Map<string, number>()
  for await (const { key, value } of store.collection<number>('lasts').entries()) {
    lasts.set(key, value)
  }
  const segments = (await store.logs()).reduce((sum, log) => sum + log.segments, 0)
  await store.close()
  return { damage, lasts, segments, standing }
}

interface Campaign {
  readonly what: string
  readonly lanes: number
  /** Appends that each process is to have acknowledged, over all its lives. */
  readonly quota: number
  readonly mostWritten?: number
}

const campaigns: readonly Campaign[] = [
  { what: 'one append at a time', lanes: 1, quota: rounds(40, 5000) },
  { what: '6 appends at once', lanes: 6, quota: rounds(40, 1250) },
  {
    what: '6 appends at once, in writes of 100 bytes',
    lanes: 6,
    quota: rounds(40, 1250),
    mostWritten: 100,
  },
]

describe.each(campaigns)(`${processes} processes with $what`, ({ lanes, quota, what, ...how }) => {
  it(
    'keep every record once and in order while they are killed and started again',
    async () => {
      const seed = campaignSeed + what.length
      const random = seededRandom(seed)
      const directory = scratchDirectory()
      const args = {
        directory,
        durability: 'process',
        lanes,
        logs,
        logSegmentBytes,
        ...how,
      } as const
      const ledger: Ledger = {
        acknowledged: [],
        damaged: [],
        unknown: 0,
        kills: 0,
        exits: 0,
        takeovers: 0,
      }
      await using watch = await LogWatch.start(directory, logs)
      {
        await using crew = await Crew.start('torture/appending.worker.ts', [])
        const all = Array.from({ length: processes }, (_, number) =>
          supervise(crew, { ...args, writer: `w${number}` }, quota, random, ledger),
        )
        await Promise.all(all)
      }
      const { damage, lasts, segments, standing } = await standingIn(directory)
      const { acknowledged, damaged, exits, kills, takeovers, unknown } = ledger
      const marks = [...standing.values()].flat().map(({ data }) => nameOf(data))
      const found = new Set(marks)
      const told = new Set(acknowledged.map(nameOf))
      const untold = [...found].filter((name) => !told.has(name)).length
      report('killed appenders', {
        ...{ what, seed, kills, exits, acknowledged: acknowledged.length, records: marks.length },
        ...{ untold, takeovers, 'torn ends': damaged.length, segments, ...watch.figures },
      })
      expect(complaintsAbout(standing, acknowledged, lasts).slice(0, 5)).toEqual([])
      expect(untold).toBeLessThanOrEqual(unknown)
      expect((await watch.complaints(standing)).slice(0, 5)).toEqual([])
      expect(damage).toEqual([])
      // Who dies between two writes leaves a torn end, which is kept aside.
      const unexpected = damaged.filter((reason) => !how.mostWritten || !/^a torn end/.test(reason))
      expect(unexpected).toEqual([])
      expect(watch.damage).toEqual([])
      expect(acknowledged.length).toBeGreaterThanOrEqual(processes * quota)
      expect(segments).toBeGreaterThan(2 * logs.length)
    },
    timeLimitMs,
  )
})
