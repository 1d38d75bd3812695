/** The commands that sequences are made of. Each does something to a world and to its model, and compares. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import type { LogFilter, StateStore } from '../../src/index.js'
import { compareRevisions } from '../../src/storage/index.js'
import { collections, counters, isPlainKey, logs, patterns, refusedKeys } from './hostile-names.js'
import { asStored, refusedValues, values } from './hostile-values.js'
import { shown, snapshotOf, snapshotOfModel } from './snapshot.js'
import { identify, type StoreModel } from './store-model.js'
import { type Foreseen, foresee, perform, performBlocking, type Work } from './work.js'
import { blockingWorks, newEvents, places, works } from './work-arbitraries.js'
import type { SeatNumber, World } from './world.js'

/** Holds the model, which a command replaces as a whole. */
export interface Ideal {
  state: StoreModel
  /** How many seats are taken. */
  isTaken: [boolean, boolean]
  readonly supports: Supports
}

export interface Supports {
  /** Closing and opening again, several openers, crashes. */
  readonly processes: boolean
  /** A process may die at any of its file-system calls. */
  readonly deathInTurn: boolean
  readonly backups: number
}

/** How many commands of each name were run, in all sequences. */
export const ran = new Map<string, number>()

class Command<Input> implements fc.AsyncCommand<Ideal, World> {
  readonly #name: string
  readonly #input: Input
  readonly #isPossible: (ideal: Ideal, input: Input) => boolean
  readonly #run: (ideal: Ideal, world: World, input: Input) => Promise<void>

  constructor(
    name: string,
    input: Input,
    run: (ideal: Ideal, world: World, input: Input) => Promise<void>,
    isPossible: (ideal: Ideal, input: Input) => boolean,
  ) {
    this.#name = name
    this.#input = input
    this.#run = run
    this.#isPossible = isPossible
  }

  check(ideal: Ideal): boolean {
    return this.#isPossible(ideal, this.#input)
  }

  async run(ideal: Ideal, world: World): Promise<void> {
    ran.set(this.#name, (ran.get(this.#name) ?? 0) + 1)
    await this.#run(ideal, world, this.#input)
  }

  toString(): string {
    return `${this.#name}(${fc.stringify(this.#input)})`
  }
}

const always = (): boolean => true

function command<Input>(
  name: string,
  input: fc.Arbitrary<Input>,
  run: (ideal: Ideal, world: World, input: Input) => Promise<void>,
  isPossible: (ideal: Ideal, input: Input) => boolean = always,
): fc.Arbitrary<fc.AsyncCommand<Ideal, World>> {
  return input.map((each) => new Command(name, each, run, isPossible))
}

const seats = fc.constantFrom<SeatNumber>(0, 1)

/** What a call was refused with; undefined when it was not. */
async function codeOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call()
    return undefined
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (typeof code !== 'string') throw error
    return code
  }
}

async function compare(
  ideal: Ideal,
  { after, refusal, result }: Foreseen,
  call: () => unknown,
): Promise<void> {
  let found: unknown
  const code = await codeOf(async () => {
    found = await call()
  })
  assert.equal(code, refusal)
  if (refusal === undefined && result !== undefined) assert.deepStrictEqual(found, result)
  ideal.state = after
}

/** A backup that may or may not have been made cannot be counted on. */
const isForeseeable = ({ state }: Ideal, work: Work): boolean =>
  work.kind !== 'restore' || !state.unsure.has(identify(work.place))

const doWork = command(
  'work',
  fc.record({ seat: seats, work: works }),
  (ideal, world, { seat, work }) =>
    compare(ideal, foresee(work, ideal.state, world), () =>
      perform(work, world.at(seat).store, world),
    ),
  (ideal, { work }) => isForeseeable(ideal, work),
)

const doBlocking = command(
  'workBlocking',
  fc.record({ seat: seats, work: blockingWorks, flushes: fc.boolean() }),
  async (ideal, world, { flushes, seat, work }) => {
    const { store } = world.at(seat)
    await compare(ideal, foresee(work, ideal.state, world), () =>
      performBlocking(work, store, world),
    )
    if (flushes) store.flushSync()
  },
)

const refuse = command(
  'refuse',
  fc.record({ seat: seats, place: places, value: refusedValues, key: refusedKeys }),
  async (_, world, { key, place, seat, value }) => {
    const { store } = world.at(seat)
    const documents = store.collection(place.collection)
    assert.equal(await codeOf(() => documents.set(place.key, value)), 'STATE_INVALID_VALUE')
    assert.equal(
      await codeOf(() => store.transaction((tx) => tx.set(documents, place.key, value))),
      'STATE_INVALID_VALUE',
    )
    const bad = key as string
    assert.equal(await codeOf(() => documents.set(bad, 1)), 'STATE_INVALID_KEY')
    assert.equal(await codeOf(() => documents.get(bad)), 'STATE_INVALID_KEY')
    assert.equal(await codeOf(() => documents.delete(bad)), 'STATE_INVALID_KEY')
    assert.equal(await codeOf(() => store.lock(bad, { waitMs: 0 })), 'STATE_INVALID_KEY')
    assert.equal(await codeOf(async () => store.log(bad)), 'STATE_INVALID_KEY')
    assert.equal(await codeOf(async () => store.collection(bad)), 'STATE_INVALID_KEY')
  },
)

const read = command(
  'read',
  fc.record({ seat: seats, place: places }),
  async ({ state }, world, { place, seat }) => {
    const documents = world.at(seat).store.collection(place.collection)
    const expected = state.get(place)
    const found = await documents.read(place.key)
    assert.deepStrictEqual(found?.value, expected?.value)
    assert.equal(await documents.has(place.key), expected !== undefined)
    if (found === undefined || expected === undefined) return
    assert.equal(found.origin, 'store')
    world.remembered.set(identify(place), {
      revision: found.revision,
      version: expected.version,
    })
    // What was read is the reader's: changing it changes nobody else's.
    if (typeof found.value === 'object' && found.value !== null)
      Object.assign(found.value, { a: 0 })
    assert.deepStrictEqual(await documents.get(place.key), expected.value)
  },
)

const list = command(
  'list',
  fc.record({
    seat: seats,
    collection: collections,
    pattern: fc.constantFrom(...Object.keys(patterns)),
  }),
  async ({ state }, world, { collection, pattern, seat }) => {
    const documents = world.at(seat).store.collection(collection)
    const all = state.keysOf(collection)
    assert.deepStrictEqual(await documents.list(), all)
    const matching = patterns[pattern] ?? /^/
    const isCertain = (key: string): boolean => pattern === '**' || isPlainKey(key)
    const found = (await documents.list({ pattern })).filter(isCertain)
    assert.deepStrictEqual(
      found,
      all.filter((key) => isCertain(key) && matching.test(key)),
    )
  },
)

const query = command(
  'query',
  fc.record({
    seat: seats,
    log: logs,
    reverse: fc.boolean(),
    limit: fc.option(fc.nat({ max: 5 }), { nil: undefined }),
    type: fc.option(fc.constantFrom('sent', 'seen', '__proto__', ''), { nil: undefined }),
    agent: fc.option(fc.constantFrom('sent', ''), { nil: undefined }),
    /** At which event the time, or the id, begins or ends. */
    since: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
    until: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
    after: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
  }),
  async ({ state }, world, { agent, after, limit, log, reverse, seat, since, type, until }) => {
    const events = state.eventsOf(log)
    const found = await world.at(seat).store.log(log).query().toArray()
    const withoutIds = (some: typeof found): unknown[] => some.map(({ id: _, ...event }) => event)
    assert.deepStrictEqual(withoutIds(found), events.map(shown))
    for (const [index, { id }] of found.entries()) {
      const before = found[index - 1]?.id ?? '0.0'
      assert(compareRevisions(id, before) > 0, `${id} stands behind ${before}`)
    }
    const timeOf = (index: number | undefined): number | undefined =>
      index === undefined ? undefined : (events[index]?.at ?? world.clock.now())
    const filter: LogFilter<unknown> = {
      since: timeOf(since),
      until: timeOf(until),
      after: after === undefined ? undefined : (found[after]?.id ?? found.at(-1)?.id ?? '0.0'),
      type,
      agent,
      reverse,
      limit,
    }
    const start = after === undefined ? 0 : Math.min(after, events.length - 1) + 1
    const wanted = events
      .slice(start)
      .filter(
        (event) =>
          event.at >= (timeOf(since) ?? Number.NEGATIVE_INFINITY) &&
          event.at < (timeOf(until) ?? Number.POSITIVE_INFINITY) &&
          (type === undefined || event.type === type) &&
          (agent === undefined || event.agent === agent),
      )
    if (reverse) wanted.reverse()
    const limited = wanted.slice(0, limit)
    const asked = world.at(seat).store.log(log)
    assert.deepStrictEqual(withoutIds(await asked.query(filter).toArray()), limited.map(shown))
    assert.equal(await asked.count(filter), limited.length)
  },
)

const count = command(
  'counters',
  fc.record({ seat: seats, name: counters }),
  async ({ state }, world, { name, seat }) => {
    const { store } = world.at(seat)
    assert.equal(await store.counters.get(name), state.counters.get(name) ?? 0)
    const all = new Map(Object.entries(await store.counters.all()))
    assert.deepStrictEqual(all, new Map([...state.counters].sort(byNameAsObjects)))
  },
)

/** Of an object, names that are whole numbers come first. */
const byNameAsObjects = ([left]: [string, number], [right]: [string, number]): number =>
  Number(/^\d+$/.test(right)) - Number(/^\d+$/.test(left)) || (left < right ? -1 : 1)

const backups = command(
  'backups',
  fc.record({ seat: seats, place: places }),
  async ({ state, supports }, world, { place, seat }) => {
    const documents = world.at(seat).store.collection(place.collection)
    const earlier = state.earlier.get(identify(place)) ?? []
    const kept = await documents.backups(place.key)
    // Older ones are dropped a few at a time.
    assert(
      kept.length >= Math.min(earlier.length, supports.backups),
      `only ${kept.length} are kept`,
    )
    assert(kept.length <= earlier.length, `${kept.length} are kept of ${earlier.length}`)
    const found: unknown[] = []
    for (const { id } of kept) found.push((await documents.readBackup(place.key, id)).value)
    assert.deepStrictEqual(found, earlier.slice(earlier.length - kept.length))
  },
  ({ state }, { place }) => !state.unsure.has(identify(place)),
)

const together = command(
  'together',
  fc.record({
    name: counters,
    increments: fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 5 }),
    log: logs,
    events: fc.array(fc.tuple(seats, newEvents), { maxLength: 5 }),
    place: places,
    values: fc.array(values, { minLength: 1, maxLength: 4 }),
    seat: seats,
  }),
  async (ideal, world, { events, increments, log, name, place, seat, values }) => {
    const after = ideal.state.copy()
    const documents = world.at(seat).store.collection(place.collection)
    const at = world.clock.now()
    const counting = increments.map((by, index) =>
      world.at((index % 2) as SeatNumber).store.counters.increment(name, by),
    )
    const appending = events.map(async ([from, event]) => {
      const [receipt] = await world.at(from).store.log(log).appendAll([event])
      return { id: receipt?.id ?? '', from, event }
    })
    const setting = values.map((value) => documents.set(place.key, value))
    await Promise.all(counting)
    const appended = await Promise.all(appending)
    const receipts = await Promise.all(setting)
    if (increments.length > 0) {
      const sum = increments.reduce((total, by) => total + by, 0)
      assert(after.count([[name, sum]]))
    }
    const inOrder = [...appended].sort((left, right) => compareRevisions(left.id, right.id))
    for (const from of [0, 1]) {
      const ofOne = (all: typeof appended) => all.filter((each) => each.from === from)
      assert.deepStrictEqual(ofOne(inOrder), ofOne(appended), 'one caller, one order')
    }
    for (const { event } of inOrder) {
      const { agent, data, type } = event
      const stored = data === undefined ? undefined : asStored(data)
      after.append(log, [{ at, agent, type, data: stored }])
    }
    for (const [index, { superseded }] of receipts.entries()) {
      assert(index < receipts.length - 1 || !superseded, 'the last one stands')
      if (!superseded) after.put(place, asStored(values[index]))
    }
    for (const revision of [
      ...receipts.map((each) => each.revision),
      ...inOrder.map(({ id }) => id),
    ])
      world.noteAmong(revision)
    ideal.state = after
  },
  ({ state }, { name, increments }) =>
    increments.every((by) => Number.isSafeInteger((state.counters.get(name) ?? 0) + by * 5)),
)

const lockNames = fc.constantFrom('job', 'Job', '__proto__', 'a/b', 'k'.repeat(300))

const lock = command(
  'lock',
  fc.record({ seat: seats, name: lockNames }),
  async (_, world, { name, seat: wanted }) => {
    const { seat, store } = world.at(wanted)
    const held = world.locks.get(name)
    if (held !== undefined && !held.orphaned) {
      const code = await codeOf(() => store.lock(name, { waitMs: 0 }))
      assert.equal(code, 'STATE_LEASE_TIMEOUT')
      return
    }
    const taken = await store.lock(name, { waitMs: held === undefined ? 0 : 10_000 })
    assert(taken.token > (world.tokens.get(name) ?? 0), 'tokens rise')
    world.tokens.set(name, taken.token)
    if (held !== undefined) world.lostClaims.push(held.lock)
    world.locks.set(name, { lock: taken, seat, orphaned: false })
    const shownLocks = await store.locks()
    assert.equal(shownLocks.find((each) => each.name === name)?.token, taken.token)
  },
)

const release = command('release', lockNames, async (_, world, name) => {
  const held = world.locks.get(name)
  if (held === undefined || held.orphaned) return
  await held.lock.release()
  world.locks.delete(name)
  world.lostClaims.push(held.lock)
})

const writeUnderLock = command(
  'writeUnderLock',
  fc.record({ seat: seats, place: places, value: values, isLost: fc.boolean() }),
  async (ideal, world, { isLost, place, seat, value }) => {
    const { store } = world.at(seat)
    const held = [...world.locks.values()].find(({ orphaned }) => !orphaned)?.lock
    const lease = isLost ? world.lostClaims.at(-1) : held
    if (lease === undefined) return
    const { name, token } = lease
    const documents = store.collection(place.collection)
    const set = () => documents.set(place.key, value, { lease: { name, token } })
    const code = await codeOf(set)
    assert.equal(code, isLost ? 'STATE_LEASE_LOST' : undefined)
    if (isLost) return
    ideal.state = ideal.state.copy()
    ideal.state.put(place, asStored(value))
  },
)

const withLock = command(
  'withLock',
  fc.record({ seat: seats, name: lockNames, other: lockNames, counter: counters }),
  async (ideal, world, { counter, name, other, seat }) => {
    if (world.locks.has(name) || world.locks.has(other)) return
    const { store } = world.at(seat)
    await store.withLock([name, other], { ttlMs: 1000 }, async (first, locks) => {
      assert.equal(locks.length, new Set([name, other]).size)
      for (const each of locks) {
        assert(each.token > (world.tokens.get(each.name) ?? 0))
        world.tokens.set(each.name, each.token)
      }
      assert.equal(first.token, locks[0]?.token)
      await store.counters.increment(counter, 1, { lease: first })
    })
    ideal.state = ideal.state.copy()
    assert(ideal.state.count([[counter, 1]]))
  },
  ({ state }, { counter }) => Number.isSafeInteger((state.counters.get(counter) ?? 0) + 1),
)

/** Everything that users can see, and that nothing is wrong with the files. */
export async function compareAll(
  state: StoreModel,
  store: StateStore,
  world: World,
): Promise<void> {
  assert.deepStrictEqual(await snapshotOf(store), snapshotOfModel(state))
  const { documents, findings, intact, records } = await store.verify()
  assert.deepStrictEqual(findings, [])
  assert.equal(intact, documents)
  assert.equal(documents, state.documents.size + state.counters.size)
  const events = [...state.logs.values()].reduce((sum, each) => sum + each.length, 0)
  assert.equal(records, events)
  assert.deepStrictEqual(world.alarms, [])
}

const verify = command('verify', seats, ({ state }, world, seat) =>
  compareAll(state, world.at(seat).store, world),
)

const letTimePass = command(
  'letTimePass',
  fc.constantFrom(1, 1000, 10_000, 86_400_000),
  async (_, world, durationMs) => world.clock.advance(durationMs),
)

const setClock = command(
  'setClock',
  fc.constantFrom(-3_600_000, -1, 3_600_000),
  async (_, world, byMs) => world.clock.jump(byMs),
)

const openBeside = command(
  'openBeside',
  seats,
  async ({ isTaken }, world, seat) => {
    await world.open(seat)
    isTaken[seat] = true
  },
  ({ isTaken, supports }, seat) => supports.processes && !isTaken[seat],
)

const close = command(
  'close',
  seats,
  async ({ isTaken }, world, seat) => {
    const closed = await world.close(seat)
    isTaken[seat] = false
    assert.equal(await codeOf(() => closed.collection('tasks').get('a')), 'STATE_CLOSED')
  },
  ({ isTaken }, seat) => isTaken[0] && isTaken[1] && isTaken[seat],
)

const reopen = command(
  'reopen',
  seats,
  async (_, world, seat) => {
    await world.close(seat)
    await world.open(seat)
    world.reopenings += 1
  },
  ({ isTaken, supports }, seat) => supports.processes && isTaken[seat],
)

const crash = command(
  'crash',
  seats,
  async (_, world, seat) => {
    world.crash(seat)
    await world.open(seat)
  },
  ({ isTaken, supports }, seat) => supports.processes && isTaken[seat],
)

/** A process dies at one of the calls that a work takes: all of it was done, or nothing. */
const dieAtWork = command(
  'dieAtWork',
  fc.record({ seat: seats, work: works, call: fc.nat({ max: 60 }) }),
  async (ideal, world, { call, seat, work }) => {
    const before = ideal.state
    const foreseen = foresee(work, before, world)
    const { store } = world.at(seat)
    const life = world.lifeAt(seat)
    life.dieAt(call)
    const work_ = codeOf(() => perform(work, store, world))
    const outcome = await life.until(work_.then((code) => ({ code })))
    world.crash(seat)
    const next = await world.open(seat)
    const found = await snapshotOf(next)
    const isDone = isDeepStrictEqual(found, snapshotOfModel(foreseen.after))
    if (outcome !== undefined) {
      // It was told before it died.
      assert.equal(outcome.code, foreseen.refusal)
      assert(isDone, 'what was acknowledged is there')
    } else if (!isDone) {
      assert.deepStrictEqual(found, snapshotOfModel(before))
    }
    ideal.state = (isDone ? foreseen.after : before).copy()
    if (outcome !== undefined) return
    for (const id of touchedBy(work)) ideal.state.unsure.add(id)
  },
  (ideal, { seat, work }) =>
    ideal.supports.deathInTurn && ideal.isTaken[seat] === true && isForeseeable(ideal, work),
)

function touchedBy(work: Work): string[] {
  if (work.kind === 'transaction') {
    return work.steps.flatMap((step) => ('place' in step ? identify(step.place) : []))
  }
  return 'place' in work ? [identify(work.place)] : []
}

/** With their weights: `fc.commands` draws evenly. */
const weighted: readonly (readonly [number, fc.Arbitrary<fc.AsyncCommand<Ideal, World>>])[] = [
  [10, doWork],
  [2, doBlocking],
  [1, refuse],
  [3, read],
  [2, list],
  [3, query],
  [1, count],
  [2, backups],
  [3, together],
  [2, lock],
  [1, release],
  [2, writeUnderLock],
  [1, withLock],
  [1, verify],
  [1, letTimePass],
  [1, setClock],
  [2, openBeside],
  [1, close],
  [2, reopen],
  [2, crash],
  [4, dieAtWork],
]

export const commands: readonly fc.Arbitrary<fc.AsyncCommand<Ideal, World>>[] = weighted.flatMap(
  ([weight, each]) => Array.from({ length: weight }, () => each),
)
