import { describe, expect, it } from 'vitest'
import { campaignSeed, rounds } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import { placeOf, someOf } from './fault-table.js'
import { tryHanging } from './hanging-calls.js'
import { writing } from './store-operations.js'
import { Tally } from './tally.js'
import { callsOf, diskBefore } from './trial-bench.js'

const random = seededRandom(campaignSeed)

describe('a call that hangs until others have gone on', () => {
  it('blocks nobody longer than silence does, and harms nothing when it goes on', async () => {
    const tally = new Tally()
    for (const [name, operation] of Object.entries(writing)) {
      const image = await diskBefore(operation)
      // A blocking call that hangs stops the process: that is what stopped processes are tortured for.
      const promised = (await callsOf(operation, image)).filter(({ form }) => form === 'promised')
      for (const call of someOf(promised, rounds(2, 999), random)) {
        const verdict = await tryHanging(operation, image, call.number)
        tally.add(`${name}, in ${placeOf(call)}`, verdict)
      }
    }
    tally.report('a call that hangs', 'all that change something')
    expect(tally.wrong).toEqual([])
    expect(tally.trials).toBeGreaterThan(50)
  })
})
