import { describe, expect, it } from 'vitest'
import { openStateStore } from '../../src/index.js'
import { campaignSeed, report, rounds, scratchDirectory } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import type { CountingArguments, CountingKind } from './counting.worker.js'
import { Crew } from './crew.js'
import { lifeOf } from './life.js'
import { strayFilesIn } from './totals.js'

const processes = 8
/** Increments that each process is to have acknowledged, over all its lives. */
const quota = rounds(20, 1500)
/** The most acknowledgements after which one is killed. */
const longestLife = rounds(20, 400)
const timeZone = 'Europe/Berlin'
/** 40,000 increments, and hundreds of processes that are started. */
const timeLimitMs = rounds(120_000, 1_800_000)

/** What a supervisor has heard of all processes. */
class Ledger {
  readonly acknowledged: Record<CountingKind, number> = { one: 0, both: 0, transaction: 0 }
  /** The values that increments of `one` were told; each must have got its own. */
  readonly values: number[] = []
  /** Increments whose outcome a process that was killed never told. */
  unknown = 0
  kills = 0

  hear(kind: CountingKind, value: unknown): void {
    this.acknowledged[kind] += 1
    if (kind === 'one') this.values.push(Number(value))
  }

  get together(): number {
    return this.acknowledged.both + this.acknowledged.transaction
  }
}

const between = (random: () => number, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1))

/** Keeps one process going, killed at random moments, until it has counted its quota. */
async function supervise(
  crew: Crew,
  args: Omit<CountingArguments, 'seed' | 'count'>,
  random: () => number,
  ledger: Ledger,
): Promise<void> {
  let left = quota
  while (left > 0) {
    const killedAfter = between(random, 0, longestLife)
    // Half of those that are killed do it themselves, between any two of their file-system calls.
    const fate = random() < 0.5 ? { dieAtCall: between(random, 0, longestLife * 10) } : {}
    const seed = between(random, 0, 2 ** 31)
    const worker = crew.add({ ...args, ...fate, seed, count: left })
    await worker.next('ready')
    const limit = 'dieAtCall' in fate ? Number.POSITIVE_INFINITY : killedAfter
    const told = await lifeOf(worker, {
      acknowledgementsMax: limit,
      mayExit: true,
      hear: ({ kind, value }) => ledger.hear(kind as CountingKind, value),
    })
    left -= told
    const { signal } = await worker.exited
    if (signal !== 'SIGKILL') continue
    ledger.kills += 1
    ledger.unknown += args.lanes
  }
}

async function countedIn(directory: string) {
  const store = await openStateStore(directory)
  const all = await store.counters.all()
  const sums: Record<string, number[]> = {}
  for (const name of Object.keys(all)) {
    const totals: number[] = []
    for (const per of ['hour', 'day'] as const) {
      const windows = await store.counters.windows(name, { per })
      totals.push(windows.reduce((sum, { value }) => sum + value, 0))
    }
    sums[name] = totals
  }
  await store.close()
  return { all, sums }
}

describe.each([1, 6])('8 processes with %i increments in flight each', (lanes) => {
  it(
    'count exactly what was acknowledged while they are killed and started again',
    async () => {
      const seed = campaignSeed + lanes
      const random = seededRandom(seed)
      const directory = scratchDirectory()
      const args = { directory, durability: 'process', timeZone, lanes } as const
      const ledger = new Ledger()
      {
        await using crew = await Crew.start('torture/counting.worker.ts', [])
        const all = Array.from({ length: processes }, () => supervise(crew, args, random, ledger))
        await Promise.all(all)
      }
      const { all, sums } = await countedIn(directory)
      const { acknowledged, kills, unknown, values } = ledger
      const counted = `one ${all.one}, left ${all.left}, right ${all.right}`
      report('counters', { lanes, seed, kills, ...acknowledged, unknown, counted })
      expect(acknowledged.one + ledger.together).toBeGreaterThanOrEqual(processes * quota)
      expect(all.one).toBeGreaterThanOrEqual(acknowledged.one)
      expect(all.one).toBeLessThanOrEqual(acknowledged.one + unknown)
      expect(all.left).toBeGreaterThanOrEqual(ledger.together)
      expect(all.left).toBeLessThanOrEqual(ledger.together + unknown)
      expect(all.right).toBe(all.left)
      expect(new Set(values).size).toBe(values.length)
      for (const [name, total] of Object.entries(all)) expect(sums[name]).toEqual([total, total])
      expect(await strayFilesIn(directory)).toEqual([])
    },
    timeLimitMs,
  )
})
