/** Writing to a store on a disk that is written down, and what may be found on it afterwards. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { AtomicWriter } from '../../src/atomic-write/index.js'
import { type FileOperations, MemoryFileSystem } from '../../src/file-system/index.js'
import { compareRevisions, type Durability, type Revision } from '../../src/storage/index.js'
import type { StateStore } from '../../src/store/index.js'
import { buildImage, type Image } from '../faults/image.js'
import { Machine } from '../faults/machine.js'
import { openStore } from '../faults/opened-store.js'
import { overBlocking } from '../faults/operations.js'
import { SimulatedClock } from '../faults/simulated-clock.js'
import { after, perform, type State, type Step, stateOf, statesDuring } from '../faults/states.js'
import { DiskLog } from './disk-log.js'

export const writeTtlMs = 50
const directory = '/home/store'

const longKey = `${'long '.repeat(50)}key`

export const everything: readonly Step[] = [
  { changes: { 'tasks/a': { n: 1 } } },
  { changes: { 'tasks/b': [1, 2, 3] } },
  { changes: { 'tasks/a': { n: 2 } } },
  { atomic: true, changes: { 'tasks/a': { n: 3 }, 'tasks/b': 4, 'notes/c': 'new' } },
  { changes: { 'tasks/a': undefined } },
  { atomic: true, changes: { 'tasks/a': { n: 5 }, 'tasks/b': undefined } },
  { changes: { 'notes/c': 'newer', 'extra/x': 1, 'tasks/a': { n: 6 } } },
  { changes: { 'extra/x': undefined } },
  { atomic: true, changes: { 'extra/x': 2, [`tasks/${longKey}`]: 'long', 'notes/c': undefined } },
  { changes: { 'extra/x': undefined, [`tasks/${longKey}`]: undefined } },
]

const long = 'x'.repeat(1500)

/** Logs, by themselves and with documents; of a size that closes segments of {@link logSegmentBytes}. */
export const logging: readonly Step[] = [
  { changes: { 'log:sent': [{ n: 1 }] } },
  { changes: { 'log:sent': [{ n: 2 }, { n: 3 }] } },
  { changes: { 'log:sent': [{ n: 4 }], 'log:seen': [{ n: 1 }], 'tasks/a': 1 } },
  { atomic: true, changes: { 'log:sent': [{ n: 5 }], 'log:seen': [{ n: 2 }], 'tasks/a': 2 } },
  {
    changes: {
      'log:sent': [
        { n: 6, long },
        { n: 7, long },
      ],
    },
  },
  { changes: { 'log:sent': [{ n: 8, long }] } },
  { changes: { 'log:sent': [{ n: 9 }] } },
  {
    atomic: true,
    changes: {
      'log:sent': [
        { n: 10, long },
        { n: 11, long },
      ],
      'notes/c': 1,
    },
  },
  { atomic: true, changes: { 'log:sent': [{ n: 12, long }], 'log:seen': [{ n: 3 }] } },
  { changes: { 'log:sent': [{ n: 13 }] } },
]
export const logSegmentBytes = 4096

export interface Moment {
  /** Events on the disk when it began. */
  readonly at: number
  readonly allowed: readonly State[]
}

export interface Recording {
  readonly log: DiskLog
  /** In order; each holds until the next. */
  readonly moments: readonly Moment[]
  /** Revisions that somebody was told of, and the events on the disk at that time. */
  readonly issued: readonly Issued[]
}

export interface Issued {
  readonly at: number
  readonly revision: Revision
}

/** Keeps the revisions that a store tells of from now on. */
export function keepIssued(store: StateStore, log: DiskLog, issued: Issued[]): void {
  store.on('state:saved', ({ revision }) => {
    issued.push({ at: log.events.length, revision })
  })
}

export interface Subject {
  readonly writer?: AtomicWriter
  readonly durability?: Durability
  /** Stands between the store and the written-down disk. */
  readonly alter?: (operations: FileOperations, log: DiskLog) => FileOperations
}

/** A computer with a disk that is written down. */
export class Computer {
  readonly clock = new SimulatedClock()
  readonly machine = new Machine()
  readonly log: DiskLog

  constructor() {
    const { blocking } = new MemoryFileSystem({ clock: this.clock })
    blocking.makeDirectory('/home', 0o755)
    this.log = new DiskLog(blocking)
    const { rootNode: directory, events } = this.log
    const node = blocking.status('/home')?.inode ?? ''
    events.push(
      { kind: 'node', node, type: 'directory', mode: 0o755 },
      { kind: 'entry', directory, name: 'home', path: '/home', node, change: 0 },
      { kind: 'sync', node: directory, path: '/' },
    )
  }

  open({ alter, ...options }: Subject = {}, processes = this.machine.start()) {
    const operations = alter?.(this.log.operations, this.log) ?? this.log.operations
    const fileSystem = overBlocking(operations, this.clock.touch)
    return openStore({
      clock: this.clock,
      directory,
      fileSystem,
      processes,
      writeTtlMs,
      logSegmentBytes,
      ...options,
    })
  }
}

/** Performs the steps, one after the other, on a new disk. */
export async function record(steps: readonly Step[], subject: Subject = {}): Promise<Recording> {
  const computer = new Computer()
  const { log } = computer
  const moments: Moment[] = [{ at: 0, allowed: [{}] }]
  const issued: Issued[] = []
  const { store } = await computer.open(subject)
  keepIssued(store, log, issued)
  let state: State = {}
  for (const step of steps) {
    moments.push({ at: log.events.length, allowed: statesDuring(state, step) })
    await perform(store, step)
    state = after(state, step.changes)
    moments.push({ at: log.events.length, allowed: [state] })
  }
  await store.close()
  return { log, moments, issued }
}

/** What is found after a power cut. */
export interface Found {
  readonly state: State
  /** That the first write afterwards was given. */
  readonly revision: Revision
}

/** Opens the store on what a power cut left, after a reboot. Undefined with a reason when it cannot. */
export async function openAfterCut(image: Image): Promise<Found | string> {
  const clock = new SimulatedClock(Date.UTC(2026, 10, 22))
  const disk = buildImage(image)
  const machine = new Machine()
  machine.reboot()
  try {
    const fileSystem = overBlocking(disk.blocking, clock.touch)
    const processes = machine.start()
    const options = { fileSystem, clock, directory, processes, writeTtlMs, logSegmentBytes }
    const { store } = await openStore(options)
    const state = await stateOf(store)
    await appendAndLook(store, state)
    const { revision } = await store.collection('afterwards').set('works', true)
    await store.close()
    return { state, revision }
  } catch (error) {
    return `it cannot be opened: ${String(error)}`
  }
}

/** What is appended next stands behind what was there, and spoils none of it. */
async function appendAndLook(store: StateStore, state: State): Promise<void> {
  const names = Object.keys(state).filter((name) => name.startsWith('log:'))
  if (names.length === 0) return
  const step = { changes: Object.fromEntries(names.map((name) => [name, [{ afterwards: true }]])) }
  await perform(store, step)
  assert.deepEqual(await stateOf(store), after(state, step.changes))
}

/** What is wrong with what was found. */
export function complaint(
  found: Found | string,
  allowed: readonly State[],
  issued: readonly Revision[],
): string | undefined {
  if (typeof found === 'string') return found
  const { revision, state } = found
  if (!allowed.some((each) => isDeepStrictEqual(state, each))) {
    return `found ${JSON.stringify(state)}, allowed ${JSON.stringify(allowed)}`
  }
  const repeated = issued.find((each) => compareRevisions(revision, each) <= 0)
  return repeated === undefined ? undefined : `the next revision is ${revision} after ${repeated}`
}
