import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { campaignSeed, report, rounds, scratchDirectory } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import type { ContenderArguments, RunCommand } from './contender.worker.js'
import { Crew } from './crew.js'
import { lifeOf } from './life.js'
import { strayFilesIn, totalsOf } from './totals.js'

type Kind = RunCommand['kind']

/** What a supervisor has heard of all processes of a campaign. */
interface Ledger {
  acknowledged: number
  /** Increments that were under way when their process was killed. */
  unknown: number
  kills: number
}

interface Campaign {
  readonly kind: Kind
  readonly lanes: number
  readonly args: ContenderArguments
  readonly random: () => number
  readonly kills: number
}

const processes = 4
const between = (random: () => number, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1))

/** Keeps one of the processes going: killed at a random moment, started again. */
async function supervise(crew: Crew, campaign: Campaign, ledger: Ledger): Promise<void> {
  const { kind, lanes, args, random, kills } = campaign
  while (ledger.kills < kills) {
    // Half of them kill themselves, between any two of their file-system calls.
    const dieAtCall = random() < 0.5 ? between(random, 0, 150) : undefined
    const worker = crew.add({ ...args, dieAtCall })
    await worker.next('ready')
    worker.send({ type: 'run', kind, lanes, tells: true })
    const acknowledgements = dieAtCall === undefined ? between(random, 0, 12) : Infinity
    const acknowledged = await lifeOf(worker, { acknowledgementsMax: acknowledgements })
    ledger.acknowledged += acknowledged
    ledger.unknown += lanes
    ledger.kills += 1
  }
}

async function run(campaign: Campaign): Promise<Ledger> {
  const { args, kind, lanes } = campaign
  const ledger: Ledger = { acknowledged: 0, unknown: 0, kills: 0 }
  await using crew = await Crew.start('torture/contender.worker.ts', [{ ...args }])
  const [survivor] = crew.workers
  if (survivor === undefined) throw new Error('nobody there')
  // One is never killed, so that the others always meet somebody who goes on.
  survivor.send({ type: 'run', kind, lanes, tells: false })
  const finished = survivor.next('finished')
  const mortal = Array.from({ length: processes - 1 }, () => supervise(crew, campaign, ledger))
  await Promise.race([Promise.all(mortal), finished.then(() => Promise.all(mortal))])
  survivor.send({ type: 'stop' })
  const { acknowledged } = await finished
  ledger.acknowledged += Number(acknowledged)
  return ledger
}

describe.each<[Kind, number]>([
  ['update', 1],
  ['update', 5],
  ['transaction', 1],
  ['transaction', 3],
  ['lock', 1],
])('%s, %i in flight, while processes are killed', (kind, lanes) => {
  it('loses nothing that was acknowledged and makes nothing twice', async () => {
    const seed = campaignSeed + kind.length * 10 + lanes
    const directory = scratchDirectory()
    const outside = join(scratchDirectory(), 'count')
    writeFileSync(outside, '0 0')
    const args: ContenderArguments = { directory, outside, durability: 'process' }
    const random = seededRandom(seed)
    const ledger = await run({ kind, lanes, args, random, kills: rounds(8, 300) })
    const totals = await totalsOf(args)
    const { acknowledged, kills, unknown } = ledger
    report('killed processes', { kind, lanes, seed, kills, acknowledged, ...figuresOf(totals) })
    const counted = { update: totals.counter, transaction: totals.a.moves, lock: totals.outside }
    expect(counted[kind]).toBeGreaterThanOrEqual(acknowledged)
    expect(counted[kind]).toBeLessThanOrEqual(acknowledged + unknown)
    expect(totals.a.amount + totals.b.amount).toBe(0)
    expect(totals.b).toEqual({ amount: totals.a.moves, moves: totals.a.moves })
    expect(await strayFilesIn(directory)).toEqual([])
  })
})

const figuresOf = ({ counter, a, outside }: Awaited<ReturnType<typeof totalsOf>>) => ({
  counter,
  moves: a.moves,
  outside,
})
