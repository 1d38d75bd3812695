import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileSystemError } from '../../src/errors/index.js'
import type { FileOperations } from '../../src/file-system/index.js'
import type { CrashSimulatingFileSystem, DiskChange } from '../../src/testing/index.js'
import { refusalOf } from '../faults/opened-store.js'
import { watched } from '../faults/operations.js'
import { after, perform, type State, type Step, stateOf, statesDuring } from '../faults/states.js'
import { campaignSeed, report, rounds } from '../support/campaign.js'
import { Computer, type Subject } from './computer.js'
import { without } from './mutants.js'
import { type Issued, keepIssued, type Moment } from './recording.js'
import { cutEverywhere, type Trials } from './trial.js'

const steps: readonly Step[] = [
  { changes: { 'tasks/a': 1 } },
  { changes: { 'tasks/a': 2 } },
  { atomic: true, changes: { 'tasks/a': 3, 'notes/b': 1 } },
  { changes: { 'tasks/a': undefined } },
]

const loggingSteps: readonly Step[] = [
  { changes: { 'log:sent': [{ n: 1 }] } },
  { changes: { 'log:sent': [{ n: 2 }, { n: 3 }] } },
  { atomic: true, changes: { 'tasks/a': 3, 'log:sent': [{ n: 4 }], 'log:seen': [{ n: 1 }] } },
  { changes: { 'log:sent': [{ n: 5, long: 'x'.repeat(4500) }] } },
  { changes: { 'log:sent': [{ n: 6 }] } },
]

/** After so many events the process is gone: it changes nothing any more. */
const dyingAfter =
  (events: number) =>
  (operations: FileOperations, disk: CrashSimulatingFileSystem): FileOperations =>
    watched(operations, ({ operation, path, perform }) => {
      if (disk.moment >= events) throw new FileSystemError('EIO', operation, path)
      return perform()
    })

/** Works until it is killed; tells what may be on the disk then, and whether it got to the end. */
async function workUntilKilled(computer: Computer, events: number, work: readonly Step[]) {
  const processes = computer.machine.start()
  const subject = { alter: dyingAfter(events) }
  let allowed: readonly State[] = [{}]
  let state: State = {}
  let inTransaction = false
  const issued: Issued[] = []
  const run = async (): Promise<void> => {
    const { store } = await computer.open(subject, processes)
    keepIssued(store, computer.disk, issued)
    for (const step of work) {
      allowed = statesDuring(state, step)
      inTransaction = step.atomic ?? false
      await perform(store, step)
      inTransaction = false
      state = after(state, step.changes)
      allowed = [state]
    }
    await store.close()
  }
  const killed = (await refusalOf(run())) !== undefined
  computer.machine.kill(processes)
  return { allowed, inTransaction, issued, killed }
}

interface Sample {
  readonly seed: number
  /** Of the disks that are judged, from 0 to 1. */
  readonly share: number
}

interface Left {
  readonly allowed: readonly State[]
  readonly inTransaction: boolean
  readonly issued: Issued[]
}

/** The next process finds what was left, writes, and then the power fails. */
async function goOn(
  computer: Computer,
  { allowed, inTransaction, issued }: Left,
  successor: Subject,
  { seed, share }: Sample,
): Promise<Trials> {
  const { disk } = computer
  const from = disk.moment
  const { store } = await computer.open(successor)
  keepIssued(store, disk, issued)
  const found = await stateOf(store)
  expect(allowed, 'after the kill').toContainEqual(found)
  const moments: Moment[] = [{ at: from, allowed }]
  let state = found
  for (const step of [
    { changes: { 'notes/later': 1, 'log:sent': [{ later: 1 }] } },
    { atomic: true, changes: { 'tasks/a': 9, 'fresh/c': 9 } },
  ]) {
    const before = moments.length === 1 ? allowed : [state]
    const during = before.flatMap((each) => statesDuring(each, step))
    moments.push({ at: disk.moment, allowed: [...during, ...statesDuring(state, step)] })
    await perform(store, step)
    state = after(state, step.changes)
    moments.push({ at: disk.moment, allowed: [state] })
  }
  await store.close()
  // What a dead writer left half done is the matter until the first acknowledgement.
  const recovered = inTransaction ? (moments[2]?.at ?? 0) : 0
  return cutEverywhere(
    { disk, issued, moments },
    { from, seed, combinations: 0, share, sparselyFrom: recovered },
  )
}

/**
 * Kills a process wherever that makes a difference, or after changes that `matters` names, until another
 * gets to see what it must not.
 */
async function killEverywhere(
  successor: Subject,
  work: readonly Step[],
  sample: Sample,
  matters: (change: DiskChange) => boolean = () => true,
) {
  const totals = { kills: 0, cuts: 0, disks: 0, violations: [] as string[] }
  for (let events = 2; totals.violations.length === 0; events++) {
    // Of commits over several sectors, see CrashOperation.
    const computer = new Computer({ dataRule: 'prefix' })
    const { killed, ...left } = await workUntilKilled(computer, events, work)
    if (!killed) break
    // Data and attributes of files that nobody can see yet make no difference.
    const last = computer.disk.changes.at(-1)
    if (last === undefined || (last.kind !== 'entry' && last.kind !== 'sync')) continue
    if (!matters(last)) continue
    const { cuts, disks, violations } = await goOn(computer, left, successor, sample)
    totals.kills += 1
    totals.cuts += cuts
    totals.disks += disks
    totals.violations.push(...violations.map((each) => `killed after event ${events}, ${each}`))
  }
  return totals
}

describe('a process that is killed, another that goes on, and then a power cut', () => {
  it.each([
    ['documents', steps],
    ['logs', loggingSteps],
  ])(
    'loses nothing of %s that either was told',
    async (name, work) => {
      const { violations, kills, cuts, disks } = await killEverywhere({}, work, {
        seed: campaignSeed,
        share: rounds(0.015, 1),
      })
      const of = `${name} after a kill`
      // Nobody was sent a signal here.
      report('crash states', { of, seed: campaignSeed, 'simulated kills': kills, cuts, disks })
      expect(violations.slice(0, 3)).toEqual([])
      expect(kills).toBeGreaterThan(80)
    },
    3_600_000,
  )

  it.each([
    ['the directories that the dead one changed', '/tasks'],
    ['the intents that the dead one published', '/intents'],
    ['the root that the dead one created', '/'],
  ])('would, did the other not sync %s', async (_, unsynced) => {
    const successor = without(
      ({ path, last }) =>
        (unsynced === '/' ? path === '/' : path.endsWith(unsynced)) && last === undefined,
    )
    const sample = { seed: 1, share: 0.2 }
    const isIn = (change: DiskChange): boolean =>
      change.kind === 'entry' && dirname(change.path).endsWith(unsynced)
    const { violations } = await killEverywhere(successor, steps, sample, isIn)
    expect(violations.length).toBeGreaterThan(0)
  })
})
