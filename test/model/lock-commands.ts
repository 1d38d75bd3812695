import assert from 'node:assert/strict'
import fc from 'fast-check'
import { codeOf, command, seats } from './command.js'
import { counters } from './hostile-names.js'
import { asStored, values } from './hostile-values.js'
import { places } from './work-arbitraries.js'

const lockNames = fc.constantFrom('job', 'Job', '__proto__', 'a/b', 'k'.repeat(300))

export const lock = command(
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

export const release = command('release', lockNames, async (_, world, name) => {
  const held = world.locks.get(name)
  if (held === undefined || held.orphaned) return
  await held.lock.release()
  world.locks.delete(name)
  world.lostClaims.push(held.lock)
})

export const writeUnderLock = command(
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

export const withLock = command(
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
