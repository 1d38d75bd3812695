import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { openStateStore } from '../../src/index.js'
import { campaignSeed, isLong, report, scratchDirectory } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import type { WorkerMessage, WorkerProcess } from '../support/workers.js'
import { Crew } from './crew.js'
import { untilStopped } from './stopped-process.js'
import type { Deed, WriteCommand } from './writer.worker.js'

const writeTtlMs = 100

interface Pair {
  readonly victim: WorkerProcess
  readonly rescuer: WorkerProcess
}

const tell = (worker: WorkerProcess, command: Omit<WriteCommand, 'type'>): void =>
  worker.send({ type: 'write', ...command })

/** What one stop led to. */
interface Outcome {
  readonly before: string
  readonly rescued: WorkerMessage
  readonly ended: WorkerMessage
}

/** Stops the victim before its call number `at`; undefined when it makes fewer calls than that. */
async function stopAt(
  { victim, rescuer }: Pair,
  deed: Deed,
  key: string,
  at: number,
): Promise<Outcome | undefined> {
  tell(victim, { deed, key, mark: `victim-${key}`, at })
  const said = await victim.next('answer')
  if (said.how !== 'stopping') return undefined
  await untilStopped(victim.pid)
  tell(rescuer, { deed: deed === 'remove' ? 'append' : deed, key, mark: `rescuer-${key}` })
  const rescued = await rescuer.next('answer')
  victim.continue()
  return { before: String(said.before), rescued, ended: await victim.next('answer') }
}

/** The lists that a deed writes to. */
function listsOf(deed: Deed, key: string): [collection: string, key: string][] {
  if (deed.startsWith('pair')) return [`${key}-left`, `${key}-right`].map((half) => ['lists', half])
  return [[deed === 'create' ? `new-${key}` : 'lists', key]]
}

/** Nothing lost, nothing made twice, and everybody was told the truth. */
function judge(
  deed: Deed,
  key: string,
  lists: readonly unknown[],
  { rescued, ended }: Outcome,
): void {
  expect(rescued.how, `${rescued.stack}`).toBe('done')
  const [list] = lists
  const ours = `victim-${key}`
  const theirs = `rescuer-${key}`
  if (deed === 'remove') {
    // Its condition holds before the rescuer's mark only.
    const isRefused = ended.how === 'failed' && ended.code === 'STATE_REVISION_CONFLICT'
    const removedLast = ended.value === true && list === undefined
    const removedFirst = ended.value === true && isDeepStrictEqual(list, [theirs])
    const stayed = isRefused && isDeepStrictEqual(list, ['old', theirs])
    expect({ removedLast, removedFirst, stayed, ended, list }).toMatchObject({
      ...[{ removedLast: true }, { removedFirst: true }, { stayed: true }][
        [removedLast, removedFirst, stayed].indexOf(true)
      ],
    })
    return
  }
  if (deed.startsWith('locked')) {
    judgeLocked(ended, list as string[], [ours, theirs])
    return
  }
  expect(ended.how, `${ended.stack}`).toBe('done')
  const before = deed === 'create' ? [] : ['old']
  expect([
    [...before, ours, theirs],
    [...before, theirs, ours],
  ]).toContainEqual(list)
  for (const other of lists) expect(other).toEqual(list)
}

/** Marks under rising tokens; ours is missing if, and only if, it was refused for the loss of the lock. */
function judgeLocked(
  ended: WorkerMessage,
  list: readonly string[],
  [ours, theirs]: readonly [string, string],
): void {
  const [, ...entries] = list.map((entry) => entry.split(' '))
  const tokens = entries.map(([token]) => Number(token))
  const marks = entries.map(([, mark]) => mark)
  expect(tokens).toEqual([...new Set(tokens)].sort((left, right) => left - right))
  if (ended.how === 'failed') {
    expect(ended).toMatchObject({ code: 'STATE_LEASE_LOST', commitState: 'not-committed' })
    expect(marks).toEqual([theirs])
  } else {
    expect([...marks].sort()).toEqual([theirs, ours].sort())
  }
}

const deeds: readonly Deed[] = [
  'append',
  'create',
  'pair',
  'remove',
  'locked',
  'locked again',
  'append, flushed',
  'pair, flushed',
]

describe.each(deeds)('a writer stopped in: %s', (deed) => {
  it('does what it began exactly once, and harms nothing of its successor', async () => {
    const directory = scratchDirectory()
    const args = { directory, writeTtlMs, durability: 'power' }
    await using crew = await Crew.start('torture/writer.worker.ts', [args, args])
    const [victim, rescuer] = crew.workers
    if (victim === undefined || rescuer === undefined) throw new Error('nobody there')
    const store = await openStateStore(directory)
    const stride = isLong ? 1 : 5
    const seed = campaignSeed
    const first = Math.floor(seededRandom(seed)() * stride)
    const stops: string[] = []
    for (let at = first; ; at += stride) {
      const key = `${deed.replace(/\W+/g, '')}${at}`
      const lists = listsOf(deed, key)
      for (const [collection, each] of deed === 'create' ? [] : lists) {
        await store.collection(collection).set(each, ['old'])
      }
      const outcome = await stopAt({ victim, rescuer }, deed, key, at)
      if (outcome === undefined) break
      const values = lists.map(([collection, each]) => store.collection(collection).get(each))
      try {
        judge(deed, key, await Promise.all(values), outcome)
      } catch (error) {
        throw new Error(`stopped at call ${at}, before ${outcome.before}`, { cause: error })
      }
      stops.push(outcome.before)
    }
    await store.close()
    expect(stops.length).toBeGreaterThan(0)
    report('stopped writers', { deed, seed, stops: stops.length })
  })
})
