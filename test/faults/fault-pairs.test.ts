import { describe, expect, it } from 'vitest'
import { campaignSeed, rounds } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import { nameOf, placeOf, possibleMishaps, someOf } from './fault-table.js'
import { tryFaults } from './fault-trials.js'
import { operations } from './store-operations.js'
import { Tally } from './tally.js'
import { callsOf, diskBefore } from './trial-bench.js'

const random = seededRandom(campaignSeed)
const firstFaults = rounds(3, 9999)
/** For each first fault, how many of the calls that come after it go wrong as well, one in turn. */
const secondFaults = rounds(3, 14)

describe('two calls that go wrong', () => {
  it.each(Object.entries(operations))('in %s', async (name, operation) => {
    const image = await diskBefore(operation)
    const tally = new Tally()
    const singles = (await callsOf(operation, image)).flatMap((call) =>
      possibleMishaps(call.operation).map((mishap) => ({ call, mishap })),
    )
    for (const first of someOf(singles, firstFaults, random)) {
      const fault = { nth: first.call.number, ...first.mishap }
      // What the operation does after the first fault is another thing than what it does without.
      const { calls } = await tryFaults(operation, image, { faults: [fault], leavesFiles: true })
      const later = calls.filter(({ number }) => number > first.call.number)
      for (const call of someOf(later, secondFaults, random)) {
        const [mishap] = someOf(possibleMishaps(call.operation), 1, random)
        if (mishap === undefined) throw new Error(`Nothing can go wrong with ${call.operation}`)
        const verdict = await tryFaults(operation, image, {
          faults: [fault, { nth: call.number, ...mishap }],
          leavesFiles: true,
        })
        const both = `${nameOf(first.mishap)} in ${placeOf(first.call)}, ${nameOf(mishap)} in ${placeOf(call)}`
        tally.add(both, verdict)
      }
    }
    tally.report('two calls', name)
    expect(tally.wrong).toEqual([])
  })
})
