/** Processes that come, go, and die. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { codeOf, command, isForeseeable, seats } from './command.js'
import { snapshotOf, snapshotOfModel } from './snapshot.js'
import { identify } from './store-model.js'
import { foresee, perform, type Work } from './work.js'
import { works } from './work-arbitraries.js'

export const openBeside = command(
  'openBeside',
  seats,
  async ({ isTaken }, world, seat) => {
    await world.open(seat)
    isTaken[seat] = true
  },
  ({ isTaken, supports }, seat) => supports.processes && !isTaken[seat],
)

export const close = command(
  'close',
  seats,
  async ({ isTaken }, world, seat) => {
    const closed = await world.close(seat)
    isTaken[seat] = false
    assert.equal(await codeOf(() => closed.collection('tasks').get('a')), 'STATE_CLOSED')
  },
  ({ isTaken }, seat) => isTaken[0] && isTaken[1] && isTaken[seat],
)

export const reopen = command(
  'reopen',
  seats,
  async (_, world, seat) => {
    await world.close(seat)
    await world.open(seat)
    world.reopenings += 1
  },
  ({ isTaken, supports }, seat) => supports.processes && isTaken[seat],
)

export const crash = command(
  'crash',
  seats,
  async (_, world, seat) => {
    world.crash(seat)
    await world.open(seat)
  },
  ({ isTaken, supports }, seat) => supports.processes && isTaken[seat],
)

/** A process dies at one of the calls that a work takes: all of it was done, or nothing. */
export const dieAtWork = command(
  'dieAtWork',
  fc.record({ seat: seats, work: works, call: fc.nat({ max: 60 }) }),
  async (ideal, world, { call, seat, work }) => {
    const before = ideal.state
    const foreseen = foresee(work, before, world)
    const { store } = world.at(seat)
    const life = world.lifeAt(seat)
    life.dieAt(call)
    const performing = codeOf(() => perform(work, store, world))
    const outcome = await life.until(performing.then((code) => ({ code })))
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
