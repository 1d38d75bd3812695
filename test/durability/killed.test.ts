import { describe, expect, it } from 'vitest'
import type { FileOperations } from '../../src/file-system/index.js'
import { refusalOf } from '../faults/opened-store.js'
import { watched } from '../faults/operations.js'
import type { DiskLog } from './disk-log.js'
import {
  after,
  Computer,
  isAllowed,
  type Moment,
  perform,
  type State,
  type Step,
  stateOf,
  statesDuring,
} from './scenario.js'
import { cutEverywhere, type Trials } from './trial.js'

const steps: readonly Step[] = [
  { changes: { 'tasks/a': 1 } },
  { changes: { 'tasks/a': 2 } },
  { atomic: true, changes: { 'tasks/a': 3, 'notes/b': 1 } },
  { changes: { 'tasks/a': undefined } },
]

/** After so many events the process is gone: it changes nothing any more. */
const dyingAfter =
  (events: number) =>
  (operations: FileOperations, log: DiskLog): FileOperations =>
    watched(operations, ({ perform }) => {
      if (log.events.length >= events) throw new Error('the process is gone')
      return perform()
    })

/** Works until it is killed; tells what may be on the disk then, and whether it got to the end. */
async function workUntilKilled(computer: Computer, events: number) {
  const processes = computer.machine.start()
  const subject = { alter: dyingAfter(events) }
  let allowed: readonly State[] = [{}]
  let state: State = {}
  const work = async (): Promise<void> => {
    const { store } = await computer.open(subject, processes)
    for (const step of steps) {
      allowed = statesDuring(state, step)
      await perform(store, step)
      state = after(state, step.changes)
      allowed = [state]
    }
    await store.close()
  }
  const killed = (await refusalOf(work())) !== undefined
  computer.machine.kill(processes)
  return { allowed, killed }
}

/** The next process finds what was left, writes, and then the power fails. */
async function goOn(computer: Computer, allowed: readonly State[]): Promise<Trials> {
  const { log } = computer
  const from = log.events.length
  const { store } = await computer.open()
  const found = await stateOf(store)
  expect(isAllowed(found, allowed), `found ${JSON.stringify(found)} after the kill`).toBe(true)
  const moments: Moment[] = [{ at: from, allowed }]
  let state = found
  for (const step of [
    { changes: { 'notes/later': 1 } },
    { atomic: true, changes: { 'tasks/a': 9, 'fresh/c': 9 } },
  ]) {
    const before = moments.length === 1 ? allowed : [state]
    const during = before.flatMap((each) => statesDuring(each, step))
    moments.push({ at: log.events.length, allowed: [...during, ...statesDuring(state, step)] })
    await perform(store, step)
    state = after(state, step.changes)
    moments.push({ at: log.events.length, allowed: [state] })
  }
  await store.close()
  // Its acknowledgements are the moments that matter.
  return cutEverywhere({ log, moments }, { from, seed: 1, mixtures: 1, onlyAtMoments: true })
}

describe('a process that is killed, another that goes on, and then a power cut', () => {
  it('loses nothing that either was told', async () => {
    const totals = { kills: 0, cuts: 0, disks: 0 }
    for (let events = 3; ; events++) {
      const computer = new Computer(); console.log('kill', events, performance.now())
      const { allowed, killed } = await workUntilKilled(computer, events)
      if (!killed) break
      const { cuts, disks, violations } = await goOn(computer, allowed)
      expect(violations.slice(0, 3), `killed after event ${events}`).toEqual([])
      totals.kills += 1
      totals.cuts += cuts
      totals.disks += disks
    }
    console.info(`${totals.kills} kills, ${totals.cuts} power cuts, ${totals.disks} disks`)
    expect(totals.kills).toBeGreaterThan(100)
  })
})

