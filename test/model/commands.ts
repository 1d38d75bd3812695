/** The commands that sequences are made of. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { LogFilter } from '../../src/index.js'
import { compareRevisions } from '../../src/storage/index.js'
import {
  codeOf,
  command,
  compare,
  compareAll,
  type Ideal,
  isForeseeable,
  seats,
} from './command.js'
import { collections, counters, isPlainKey, logs, patterns, refusedKeys } from './hostile-names.js'
import { asStored, refusedValues, values } from './hostile-values.js'
import { lock, release, withLock, writeUnderLock } from './lock-commands.js'
import { close, crash, dieAtWork, openBeside, reopen } from './process-commands.js'
import { shown } from './snapshot.js'
import { identify } from './store-model.js'
import { foresee, perform, performBlocking } from './work.js'
import { blockingWorks, newEvents, places, works } from './work-arbitraries.js'
import type { SeatNumber, World } from './world.js'

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
