import { describe, expect, it } from 'vitest'
import { openStateStore, type StateStore } from '../../src/index.js'
import { campaignSeed, isLong, report, scratchDirectory } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import type { WorkerMessage, WorkerProcess } from '../support/workers.js'
import { Crew } from './crew.js'
import { logNames } from './log-ledger.js'
import { untilStopped } from './stopped-process.js'
import type { LogDeed, WriteCommand } from './writer.worker.js'

const writeTtlMs = 100
const logSegmentBytes = 4096

type Told = Omit<WriteCommand, 'type'>

const write = (worker: WorkerProcess, command: Told): void =>
  worker.send({ type: 'write', ...command })

/** Resolves once the worker stands still at the call it was told, or else has done its deed. */
async function stopOrEnd(worker: WorkerProcess, command: Told): Promise<WorkerMessage> {
  write(worker, command)
  const said = await worker.next('answer')
  if (said.how === 'stopping') await untilStopped(worker.pid)
  return said
}

interface Stop {
  readonly deed: LogDeed
  readonly key: string
  readonly at: number
  /** Where the rescuer is stopped as well, counted from its takeover, until the victim has gone on and ended. */
  readonly thenAt: number | undefined
}

interface Outcome {
  readonly before: string
  readonly wasStoppedTwice: boolean
  readonly ended: readonly [victim: WorkerMessage, rescuer: WorkerMessage]
}

/** Undefined when the victim makes fewer calls than that. */
async function stopAt(
  victim: WorkerProcess,
  rescuer: WorkerProcess,
  { at, deed, key, thenAt }: Stop,
): Promise<Outcome | undefined> {
  const stopping = await stopOrEnd(victim, { deed, key, mark: `victim-${key}`, at })
  if (stopping.how !== 'stopping') return undefined
  const stops = thenAt === undefined ? {} : { at: thenAt, fromTakeover: true }
  const command = { deed, key, mark: `rescuer-${key}`, ...stops }
  const said = await stopOrEnd(rescuer, command)
  victim.continue()
  const ended = await victim.next('answer')
  const wasStoppedTwice = said.how === 'stopping'
  if (wasStoppedTwice) rescuer.continue()
  const rescued = wasStoppedTwice ? await rescuer.next('answer') : said
  return { before: String(stopping.before), wasStoppedTwice, ended: [ended, rescued] }
}

/** What stands in the logs under these marks, as `type id`. */
async function linesOf(store: StateStore, key: string): Promise<string[][]> {
  return await Promise.all(
    logNames.map(async (name) => {
      const events = await store.log(name).query().toArray()
      const ids = events.map(({ id }) => id.split('.').map(Number) as [number, number])
      const rising = [...ids].sort(([a, b], [c, d]) => a - c || b - d)
      expect(ids).toEqual(rising)
      return events.flatMap(({ id, type = '' }) =>
        type.includes(`-${key}.`) || type.endsWith(`-${key}`) ? [`${type} ${id}`] : [],
      )
    }),
  )
}

/** Everybody has ended well, and what each was told is what stands: once, together, unspoilt. */
async function judge(store: StateStore, { deed, key }: Stop, { ended }: Outcome): Promise<void> {
  for (const each of ended) expect(each.how, `${each.stack}`).toBe('done')
  const [sent = [], seen] = await linesOf(store, key)
  const marks = ['victim', 'rescuer'].map((who) => `${who}-${key}`)
  if (deed.startsWith('log pair') || deed === 'log two') {
    const types = (lines: readonly string[] = []) => lines.map((line) => line.split(' ')[0])
    expect([marks, [...marks].reverse()]).toContainEqual(types(sent))
    expect(types(seen)).toEqual(types(sent))
    const list = await store.collection('lists').get(key)
    expect(list).toEqual(deed === 'log two' ? undefined : types(sent))
    return
  }
  const told = ended.map(({ value }, index) =>
    (value as string[]).map((id, part) =>
      deed === 'log' ? `${marks[index]} ${id}` : `${marks[index]}.${part} ${id}`,
    ),
  )
  expect([told.flat(), [...told].reverse().flat()]).toContainEqual(sent)
}

const deeds: readonly LogDeed[] = [
  'log',
  'log group',
  'log pair',
  'log two',
  'log group, flushed',
  'log pair, flushed',
]

describe.each(deeds)('a writer stopped in: %s', (deed) => {
  it('appends exactly once, and spoils nothing of its successor', async () => {
    const directory = scratchDirectory()
    const args = { directory, writeTtlMs, durability: 'power', logSegmentBytes }
    await using crew = await Crew.start('torture/writer.worker.ts', [args, args])
    const [victim, rescuer] = crew.workers
    if (victim === undefined || rescuer === undefined) throw new Error('nobody there')
    const store = await openStateStore(directory)
    const damage: unknown[] = []
    store.on('log:damaged', (place) => damage.push(place))
    for (const name of logNames) await store.log(name).append('first')
    // Few calls are promised ones.
    const stride = isLong || deed.endsWith('flushed') ? 1 : deed === 'log pair' ? 7 : 3
    const seed = campaignSeed
    const random = seededRandom(seed)
    let stops = 0
    let twice = 0
    for (let at = Math.floor(random() * stride); ; at += stride) {
      const thenAt = random() < 0.5 ? Math.floor(random() * 80) : undefined
      const stop: Stop = { deed, key: `key${at}`, at, thenAt }
      const outcome = await stopAt(victim, rescuer, stop)
      if (outcome === undefined) break
      try {
        await judge(store, stop, outcome)
      } catch (error) {
        const where = `stopped at call ${at}, before ${outcome.before}, then at ${thenAt}`
        throw new Error(where, { cause: error })
      }
      stops += 1
      if (outcome.wasStoppedTwice) twice += 1
    }
    const [{ segments = 0 } = {}] = await store.logs()
    await store.close()
    expect(stops).toBeGreaterThan(0)
    expect(damage).toEqual([])
    report('stopped appenders', { deed, seed, stops: stops + twice, twice, segments })
  })
})
