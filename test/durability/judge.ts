/** Opening a store on what a power cut left, and what is wrong with what is found. */
import { isDeepStrictEqual } from 'node:util'
import { compareRevisions, type Revision } from '../../src/storage/index.js'
import type { StateStore } from '../../src/store/index.js'
import type { CrashState } from '../../src/testing/index.js'
import { SimulatedClock } from '../faults/simulated-clock.js'
import { after, perform, type State, type Step, stateOf, statesDuring } from '../faults/states.js'
import { Computer } from './computer.js'
import { type Issued, keepIssued, type Moment, type Recording, type Told } from './recording.js'

/** What was found on a disk, by opening it, reading it, and writing to it. */
export interface Found {
  /** The state as text. */
  readonly text: string
  /** That the first write afterwards was given. */
  readonly revision: Revision
  /** Of each lock that was taken afterwards. */
  readonly tokens: ReadonlyMap<string, number>
  /** What went wrong, whatever had been there before. */
  readonly wrong?: string | undefined
}

export interface Opened {
  readonly found: Found
  /** What opening and going on did to the disk: the power may fail again. */
  readonly recording: Recording
}

const lockTtlMs = 60

/** Opens the store after a reboot, in a boot that there has not been before, and goes on with it. */
export async function openAfterCut(
  crash: Pick<CrashState, 'restart'>,
  allowed: readonly State[],
  locks: Iterable<string>,
  powerCuts: number,
): Promise<Opened | string> {
  const clock = new SimulatedClock(Date.UTC(2026, 10, 22))
  const computer = new Computer({ clock, disk: crash.restart({ clock }) })
  const { disk } = computer
  for (let boots = 0; boots < powerCuts; boots++) computer.machine.reboot()
  const moments: Moment[] = [{ at: 0, allowed }]
  const issued: Issued[] = []
  try {
    const { store } = await computer.open()
    keepIssued(store, disk, issued)
    const state = await stateOf(store)
    const wrong = await complaintAboutDamage(store)
    const step = nextStep(state)
    const during = allowed.flatMap((each) => statesDuring(each, step))
    moments.push({ at: disk.moment, allowed: [...during, ...statesDuring(state, step)] })
    await perform(store, step)
    const expected = after(state, step.changes)
    moments.push({ at: disk.moment, allowed: [expected] })
    const tokens = await takeAll(store, locks)
    const went = isDeepStrictEqual(await stateOf(store), expected)
    const revision = issued.at(-1)?.revision
    await store.close()
    if (revision === undefined) return 'nothing was told of the next write'
    const spoiled = went ? undefined : 'the next writes spoil what was there'
    const found = { text: textOf(state), revision, tokens, wrong: wrong ?? spoiled }
    return { found, recording: { disk, moments, issued } }
  } catch (error) {
    return `it cannot be opened and written: ${String(error)}`
  }
}

async function complaintAboutDamage(store: StateStore): Promise<string | undefined> {
  const { findings } = await store.verify()
  return findings.length === 0 ? undefined : `verify finds ${JSON.stringify(findings)}`
}

/** A document, and something behind each log. */
function nextStep(state: State): Step {
  const logs = Object.keys(state).filter((name) => name.startsWith('log:'))
  const appends = logs.map((name) => [name, [{ afterwards: true }]])
  return { changes: { 'afterwards/works': true, ...Object.fromEntries(appends) } }
}

async function takeAll(store: StateStore, locks: Iterable<string>): Promise<Map<string, number>> {
  const tokens = new Map<string, number>()
  for (const name of locks) {
    const lock = await store.lock(name, { ttlMs: lockTtlMs })
    tokens.set(name, lock.token)
    await lock.release()
  }
  return tokens
}

/** The same for equal states, whatever the order of their members. */
export function textOf(state: State): string {
  return JSON.stringify(state, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** What is wrong with what was found. `allowed` are the texts of the states that may be. */
export function complaint(
  found: Found | string,
  allowed: ReadonlySet<string>,
  { revision, tokens }: Told,
): string | undefined {
  if (typeof found === 'string') return found
  if (found.wrong !== undefined) return found.wrong
  if (!allowed.has(found.text)) return `found ${found.text}, allowed ${[...allowed].join(' or ')}`
  if (revision !== undefined && compareRevisions(found.revision, revision) <= 0) {
    return `the next revision is ${found.revision} after ${revision}`
  }
  for (const [name, token] of tokens) {
    const next = found.tokens.get(name) ?? 0
    if (next <= token) return `the next token of ${name} is ${next} after ${token}`
  }
  return undefined
}
