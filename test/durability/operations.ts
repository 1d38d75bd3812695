/** Everything in a store that writes, to be cut off at any moment. */
import { isStateStoreError } from '../../src/errors/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import type { StateStore } from '../../src/store/index.js'
import type { DataRule } from '../../src/testing/index.js'
import { refusalOf } from '../faults/opened-store.js'
import { perform, type State, stateOf } from '../faults/states.js'
import { writing } from '../faults/store-operations.js'
import { Computer, type ComputerOptions, directory, type Subject } from './computer.js'
import { type Issued, keepIssued, type Moment, type Recording } from './recording.js'

/** What an operation is performed with. */
export interface Bench {
  readonly store: StateStore
  readonly computer: Computer
  /** The state is one of these from now on. */
  allow(...states: readonly State[]): void
  /** Somebody has been told of this lock. */
  told(lock: { readonly name: string; readonly token: number }): void
}

export interface CrashOperation {
  /** Documents, each written twice, and logs, each record a commit, that are there before. */
  readonly before: State
  /** Who wrote them died, holding the write lease. */
  readonly crashed?: boolean
  readonly prepare?: (computer: Computer) => void
  /** Brings the open store into position. */
  readonly position?: (bench: Bench) => Promise<unknown>
  readonly act: (bench: Bench, positioned: unknown) => Promise<unknown>
  /**
   * Default: `any`. With `prefix`: of a commit of several events whose sectors reach the disk in another
   * order than they were written in, the last may be shown alone.
   */
  readonly dataRule?: DataRule
  /** What may be found while it is under way; by default what was before and what is afterwards. */
  readonly during?: (before: State, after: State) => State[]
}

const documents = { 'tasks/a': { n: 1 }, 'tasks/b': [1], 'notes/c': 'c' }
const logged = { 'log:x': [{ n: 1 }, { n: 2 }] }
const long = 'x'.repeat(700)
const yaml = { serializer: yamlSerializer() }

/** Each of the names that differ, by itself. */
function separately(before: State, after: State): State[] {
  let states: State[] = [before]
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (JSON.stringify(before[name]) === JSON.stringify(after[name])) continue
    states = states.flatMap((state) => [state, withOnly(state, name, after[name])])
  }
  return states
}

/** Any of the events that were added to a log. */
function anyEvents(name: string): (before: State, after: State) => State[] {
  return (before, after) => {
    const old = (before[name] ?? []) as unknown[]
    const added = (after[name] as unknown[]).slice(old.length)
    return Array.from({ length: 2 ** added.length }, (_, chosen) =>
      withOnly(before, name, [...old, ...added.filter((_, index) => (chosen >> index) & 1)]),
    )
  }
}

function withOnly(state: State, name: string, value: unknown): State {
  const { [name]: _, ...rest } = state
  return value === undefined ? rest : { ...rest, [name]: value }
}

/** A file whose next sync fails; what becomes of the operation that needs it, and the next one. */
function failingSync(
  place: string,
  first: (store: StateStore) => Promise<unknown>,
  second: (store: StateStore) => Promise<unknown>,
): CrashOperation['act'] {
  return async ({ store, computer, allow }) => {
    const before = await stateOf(store)
    computer.disk.failNextSync((path) => path.includes(place))
    const error = await refusalOf(first(store))
    if (error !== undefined && !isStateStoreError(error)) throw error
    if (error !== undefined && error.commitState !== 'not-committed') throw error
    allow(error === undefined ? await stateOf(store) : before)
    await second(store)
  }
}

const ownOperations: Readonly<Record<string, CrashOperation>> = {
  'sets of several documents at once': {
    before: documents,
    during: separately,
    act: ({ store }) =>
      Promise.all([
        store.collection('tasks').set('a', 2),
        store.collection('tasks').set('new', 2),
        store.collection('notes').delete('c'),
      ]),
  },
  'a merge': {
    before: documents,
    act: ({ store }) => store.collection<object>('tasks').merge('a', { m: long } as object),
  },
  'a document of several sectors': {
    before: documents,
    act: ({ store }) => store.collection('tasks').set('a', { text: long.repeat(4) }),
  },
  'a transaction that deletes': {
    before: documents,
    act: ({ store }) =>
      store.transaction((transaction) => {
        transaction.delete(store.collection('tasks'), 'a')
        transaction.delete(store.collection('notes'), 'c')
        transaction.set(store.collection('tasks'), 'b', 2)
      }),
  },
  'appends at once': {
    before: logged,
    dataRule: 'prefix',
    during: anyEvents('log:x'),
    act: ({ store }) =>
      Promise.all([3, 4, 5].map((n) => store.log<object>('x').append({ n, long }))),
  },
  'an append of several events over several sectors': {
    before: logged,
    dataRule: 'prefix',
    act: ({ store }) => store.log('x').appendAll([3, 4, 5].map((n) => ({ data: { n, long } }))),
  },
  'a transaction of events over several sectors': {
    before: { ...documents, ...logged },
    act: ({ store }) =>
      store.transaction((transaction) => {
        for (const n of [3, 4]) transaction.append(store.log<object>('x'), { n, long })
        transaction.set(store.collection('tasks'), 'a', 2)
      }),
  },
  'an increment': {
    before: {},
    position: ({ store }) => store.counters.increment('sent', 2),
    act: ({ store }) => store.counters.increment('sent', 3, { per: ['day'] } as object),
  },
  'a blocking increment': {
    before: {},
    position: ({ store }) => store.counters.increment('sent', 2),
    act: async ({ store }) => store.counters.incrementSync('sent', 3),
  },
  'the reset of a counter': {
    before: {},
    position: ({ store }) => store.counters.increment('sent', 2),
    act: ({ store }) => store.counters.reset('sent'),
  },
  'a record of health': {
    before: {},
    position: ({ store }) => store.health.record('mail', 'ok'),
    act: ({ store }) => store.health.record('mail', 'error', { unread: 5 }),
  },
  'the first record of health': {
    before: {},
    act: ({ store }) => store.health.record('mail', 'ok', { unread: 5 }),
  },
  'a flush': {
    before: documents,
    during: separately,
    act: async ({ store }) => {
      const writes = [
        store.collection('tasks').set('a', 2),
        store.log<object>('x').append({ n: 3 }),
      ]
      store.flushSync()
      await Promise.all(writes)
    },
  },
  'the restoring of a backup': {
    before: documents,
    position: async ({ store }) => {
      await store.collection('tasks').set('a', { n: 2 })
      return (await store.collection('tasks').backups('a'))[0]?.id
    },
    act: ({ store }, id) => store.collection('tasks').restore('a', String(id)),
  },
  'a repair of what is damaged': {
    before: documents,
    prepare: (computer) => {
      const path = `${directory}/tasks/a.json`
      const { blocking } = computer.disk
      const modified = blocking.status(path)?.modifiedMicros ?? 0
      const file = blocking.open(path, 'update')
      blocking.truncate(file, 20)
      blocking.setModifiedTime(file, modified)
      blocking.close(file)
    },
    act: ({ store }) => store.verify({ repair: true }),
  },
  'a document in YAML': {
    before: {},
    position: ({ store }) => store.collection('plans', yaml).set('a', { n: 1 }),
    act: ({ store }) => store.collection('plans', yaml).set('a', { n: 2, text: long }),
  },
  'taking a lock, keeping it, giving it back': {
    before: documents,
    act: async ({ store, computer, told }) => {
      const lock = await store.lock('mail', { ttlMs: 60 })
      told(lock)
      for (let renewals = 0; renewals < 3; renewals++) computer.clock.advance(30)
      await store.collection('tasks').set('a', documents['tasks/a'], { lease: lock })
      await lock.release()
    },
  },
  'a takeover of a lock': {
    before: documents,
    position: async ({ computer, told }) => {
      const dead = computer.machine.start()
      const { store } = await computer.open({}, dead)
      told(await store.lock('mail', { ttlMs: 60 }))
      computer.machine.kill(dead)
    },
    act: async ({ store, told }) => {
      const lock = await store.lock('mail', { ttlMs: 60 })
      told(lock)
      await store.collection('tasks').set('a', 2, { lease: lock })
    },
  },
  'a takeover of the right to write': {
    before: {
      ...documents,
      'log:x': [
        { n: 1, long },
        { n: 2, long },
      ],
      'log:y': [{ n: 1 }],
    },
    crashed: true,
    act: ({ store }) => store.collection('tasks').set('a', 2),
  },
  'opening, and closing': {
    before: { ...documents, ...logged },
    act: async ({ store, computer }) => {
      await store.close()
      const opened = await computer.open()
      await opened.store.close()
    },
  },
  'opening after a death': {
    before: { ...documents, ...logged },
    crashed: true,
    act: async ({ computer }) => {
      const { store } = await computer.open()
      await store.verify({ repair: true })
      await store.close()
    },
  },
  'a set after one whose sync failed': {
    before: documents,
    during: (before, after) => [before, withOnly(before, 'tasks/a', 2), after],
    act: failingSync(
      '/writers/',
      (store) => store.collection('tasks').set('a', 2),
      (store) => store.collection('tasks').set('a', 3),
    ),
  },
  'an append after one whose sync failed': {
    before: logged,
    during: (before, after) => [before, { 'log:x': [...logged['log:x'], { n: 3 }] }, after],
    act: failingSync(
      '/logs/x.jsonl',
      (store) => store.log<object>('x').append({ n: 3 }),
      (store) => store.log<object>('x').append({ n: 4 }),
    ),
  },
}

export const operations: Readonly<Record<string, CrashOperation>> = {
  ...Object.fromEntries(
    Object.entries(writing).map(([name, operation]): [string, CrashOperation] => [
      name,
      {
        before: operation.before,
        ...(operation.crashed === undefined ? {} : { crashed: operation.crashed }),
        prepare: ({ disk }) => operation.prepare?.(disk.blocking),
        position: async ({ store }) => operation.position?.(store),
        act: ({ store }, positioned) => operation.act(store, positioned),
      },
    ]),
  ),
  ...ownOperations,
}

/** Performs the operation on a disk on which all before it is stable. */
export async function recordOperation(
  { act, before, crashed, dataRule = 'any', during, position, prepare }: CrashOperation,
  subject: Subject = {},
  options: ComputerOptions = {},
): Promise<Recording & { readonly from: number }> {
  const computer = new Computer({ dataRule, ...options })
  const { disk, machine } = computer
  const issued: Issued[] = []
  const moments: Moment[] = []
  const first = machine.start()
  const earlier = await computer.open({}, first)
  for (const [name, value] of Object.entries(before)) {
    const isLog = name.startsWith('log:')
    const values = isLog ? (value as unknown[]).map((each) => [each]) : [value, value]
    for (const each of values) await perform(earlier.store, { changes: { [name]: each } })
  }
  if (crashed === true) machine.kill(first)
  else await earlier.store.close()
  prepare?.(computer)
  const { store } = await computer.open(subject)
  keepIssued(store, disk, issued)
  const bench: Bench = {
    store,
    computer,
    allow: (...allowed) => moments.push({ at: disk.moment, allowed }),
    told: ({ name, token }) => issued.push({ at: disk.moment, token: { name, token } }),
  }
  const positioned = await position?.(bench)
  const known = await observe(computer)
  disk.settle()
  const from = disk.moment
  const open = moments.length
  await act(bench, positioned)
  const acted = disk.moment
  const after = await observe(computer)
  const allowed = during?.(known, after) ?? [known, after]
  moments.splice(open, 0, { at: from, allowed })
  // What it allowed on its way holds until then; what it has yet to do may be there as well.
  const phases = moments.slice(open).map(({ at, allowed: states }) => ({
    at,
    allowed: at === from ? allowed : [...states, after],
  }))
  return { disk, from, issued, moments: [...phases, { at: acted, allowed: [after] }] }
}

/** What somebody else sees, on a copy of the disk. */
async function observe(computer: Computer): Promise<State> {
  const clock = computer.clock
  const state = [...computer.disk.crashStates({ from: computer.disk.moment, combinations: 0 })]
  const whole = state.find((each) => each.describe() === 'everything is kept')
  if (whole === undefined) throw new Error('The disk has no state in which everything is kept')
  const copy = new Computer({ clock, disk: whole.restart({ clock }) })
  const { store } = await copy.open()
  const found = await stateOf(store)
  await store.close()
  return found
}
