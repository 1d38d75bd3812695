import { describe, expect, it } from 'vitest'
import { campaignSeed, report, rounds } from '../support/campaign.js'
import { type CrashOperation, operations, recordOperation } from './operations.js'
import { cutEverywhere } from './trial.js'

const seed = campaignSeed
const fewCuts = 25

describe('a power cut at any moment of', () => {
  it.each(Object.entries(operations))(
    '%s',
    async (name, operation) => {
      const recording = await recordOperation(operation)
      const { from } = recording
      const options = { seed, from, combinations: rounds(16, 1_500), again: 0.02 }
      const sampled = await cutEverywhere(recording, { ...options, share: rounds(0.12, 1) })
      // Where there are few, all of them.
      const isSmall = sampled.cuts < fewCuts
      const trials = isSmall ? await cutEverywhere(recording, options) : sampled
      const { cuts, disks, violations } = trials
      report('crash states', { of: name, seed, cuts, disks })
      expect(violations.slice(0, 3)).toEqual([])
      expect(cuts).toBeGreaterThan(1)
    },
    3_600_000,
  )
})

describe('a disk that writes the sectors of one append in any order', () => {
  it('can leave the end of a commit of several events without its beginning', async () => {
    const name = 'an append of several events over several sectors'
    const operation = { ...operations[name], dataRule: 'any' } as CrashOperation
    const recording = await recordOperation(operation)
    const options = { seed, from: recording.from, combinations: 16, stopEarly: true }
    const { violations } = await cutEverywhere(recording, options)
    // A known limit: whoever lifts it takes the rule out of the operations.
    expect(violations).toHaveLength(1)
  })
})
