/** What a store did to a disk, and what must be found at each moment. */
import { compareRevisions, type Revision } from '../../src/storage/index.js'
import type { StateStore } from '../../src/store/index.js'
import type { CrashSimulatingFileSystem } from '../../src/testing/index.js'
import { after, perform, type State, type Step, statesDuring } from '../faults/states.js'
import { Computer, type ComputerOptions, type Subject } from './computer.js'

export interface Moment {
  /** Changes of the disk when it began. */
  readonly at: number
  readonly allowed: readonly State[]
}

/** The highest numbers that somebody was told of up to a moment. */
export interface Issued {
  readonly at: number
  readonly revision?: Revision | undefined
  /** Of the lock of that name. */
  readonly token?: { readonly name: string; readonly token: number }
}

export interface Recording {
  readonly disk: CrashSimulatingFileSystem
  /** In order; each holds until the next. */
  readonly moments: readonly Moment[]
  readonly issued: readonly Issued[]
}

/** Keeps the revisions that a store tells of from now on. */
export function keepIssued(
  store: StateStore,
  disk: CrashSimulatingFileSystem,
  issued: Issued[],
): void {
  store.on('state:saved', ({ revision }) => issued.push({ at: disk.moment, revision }))
}

/** Performs the steps, one after the other, on a new disk. */
export async function record(
  steps: readonly Step[],
  subject: Subject = {},
  options: ComputerOptions = {},
): Promise<Recording> {
  const computer = new Computer(options)
  const { disk } = computer
  const moments: Moment[] = [{ at: 0, allowed: [{}] }]
  const issued: Issued[] = []
  const { store } = await computer.open(subject)
  keepIssued(store, disk, issued)
  let state: State = {}
  for (const step of steps) {
    moments.push({ at: disk.moment, allowed: statesDuring(state, step) })
    await perform(store, step)
    state = after(state, step.changes)
    moments.push({ at: disk.moment, allowed: [state] })
  }
  await store.close()
  return { disk, moments, issued }
}

/** What was told of up to a moment: the greatest revision, and the greatest token of each lock. */
export interface Told {
  readonly revision: Revision | undefined
  readonly tokens: ReadonlyMap<string, number>
}

export function toldAt(issued: readonly Issued[], moment: number): Told {
  let revision: Revision | undefined
  const tokens = new Map<string, number>()
  for (const each of issued) {
    if (each.at > moment) continue
    if (each.revision !== undefined) {
      if (revision === undefined || compareRevisions(each.revision, revision) > 0) {
        revision = each.revision
      }
    }
    if (each.token === undefined) continue
    const { name, token } = each.token
    tokens.set(name, Math.max(token, tokens.get(name) ?? 0))
  }
  return { revision, tokens }
}
