/** Writing to a store on a disk that is written down, and what may be found on it afterwards. */
import { isDeepStrictEqual } from 'node:util'
import type { AtomicWriter } from '../../src/atomic-write/index.js'
import { type FileOperations, MemoryFileSystem } from '../../src/file-system/index.js'
import type { Durability } from '../../src/storage/index.js'
import type { StateStore } from '../../src/store/index.js'
import { buildImage, type Image } from '../faults/image.js'
import { Machine } from '../faults/machine.js'
import { openStore } from '../faults/opened-store.js'
import { overBlocking } from '../faults/operations.js'
import { SimulatedClock } from '../faults/simulated-clock.js'
import { DiskLog } from './disk-log.js'

/** All documents, `collection/key` to value. */
export type State = Readonly<Record<string, unknown>>

export interface Step {
  /** What the step changes; undefined removes. */
  readonly changes: Readonly<Record<string, unknown>>
  /** Without it the changes are independent of each other. */
  readonly atomic?: boolean
}

export const writeTtlMs = 50
const directory = '/home/store'

/** What a step does to the disk's image of a state. */
export function after(state: State, changes: Step['changes']): State {
  const next = { ...state, ...changes }
  return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined))
}

/** The states that may be found while a step is under way. */
export function statesDuring(before: State, { atomic = false, changes }: Step): State[] {
  if (atomic) return [before, after(before, changes)]
  let states: State[] = [before]
  for (const [name, value] of Object.entries(changes)) {
    states = [...states, ...states.map((state) => after(state, { [name]: value }))]
  }
  return states
}

const placeOf = (name: string): [string, string] => {
  const [collection = '', key = ''] = name.split('/')
  return [collection, key]
}

export async function perform(store: StateStore, { atomic, changes }: Step): Promise<void> {
  const entries = Object.entries(changes)
  if (atomic === true) {
    await store.transaction((transaction) => {
      for (const [name, value] of entries) {
        const [collection, key] = placeOf(name)
        if (value === undefined) transaction.delete(store.collection(collection), key)
        else transaction.set(store.collection(collection), key, value)
      }
    })
    return
  }
  await Promise.all(
    entries.map(([name, value]) => {
      const [collection, key] = placeOf(name)
      if (value === undefined) return store.collection(collection).delete(key)
      return store.collection(collection).set(key, value)
    }),
  )
}

export async function stateOf(store: StateStore): Promise<State> {
  const state: Record<string, unknown> = {}
  for (const collection of await store.collections()) {
    for (const key of await store.collection(collection).list()) {
      const value = await store.collection(collection).get(key)
      if (value !== undefined) state[`${collection}/${key}`] = value
    }
  }
  return state
}

export interface Moment {
  /** Events on the disk when it began. */
  readonly at: number
  readonly allowed: readonly State[]
}

export interface Recording {
  readonly log: DiskLog
  /** In order; each holds until the next. */
  readonly moments: Moment[]
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
      { kind: 'entry', directory, name: 'home', node, change: 0 },
      { kind: 'sync', node: directory, path: '/' },
    )
  }

  open({ alter, ...options }: Subject = {}, processes = this.machine.start()) {
    const operations = alter?.(this.log.operations, this.log) ?? this.log.operations
    const fileSystem = overBlocking(operations, this.clock.touch)
    return openStore({ clock: this.clock, directory, fileSystem, processes, writeTtlMs, ...options })
  }
}

/** Performs the steps, one after the other, on a new disk. */
export async function record(steps: readonly Step[], subject: Subject = {}): Promise<Recording> {
  const computer = new Computer()
  const { log } = computer
  const moments: Moment[] = [{ at: 0, allowed: [{}] }]
  const { store } = await computer.open(subject)
  let state: State = {}
  for (const step of steps) {
    moments.push({ at: log.events.length, allowed: statesDuring(state, step) })
    await perform(store, step)
    state = after(state, step.changes)
    moments.push({ at: log.events.length, allowed: [state] })
  }
  await store.close()
  return { log, moments }
}

/** Opens the store on what a power cut left, after a reboot, and tells what is in it. */
export async function stateOn(image: Image): Promise<State | string> {
  const clock = new SimulatedClock(Date.UTC(2026, 10, 22))
  const disk = buildImage(image)
  const machine = new Machine()
  machine.reboot()
  try {
    const fileSystem = overBlocking(disk.blocking, clock.touch)
    const processes = machine.start()
    const { store } = await openStore({ fileSystem, clock, directory, processes, writeTtlMs })
    const state = await stateOf(store)
    await store.collection('afterwards').set('works', true)
    await store.close()
    return state
  } catch (error) {
    return `cannot be opened: ${String(error)}`
  }
}

export const isAllowed = (found: State | string, allowed: readonly State[]): boolean =>
  allowed.some((state) => isDeepStrictEqual(found, state))
