import { describe, expect, it } from 'vitest'
import { campaignSeed, report, rounds } from '../support/campaign.js'
import { operations, recordOperation } from './operations.js'
import { cutEverywhere } from './trial.js'

const seed = campaignSeed

describe('a power cut at any moment of', () => {
  it.each(Object.entries(operations))('%s', async (name, operation) => {
    const recording = await recordOperation(operation)
    const { from } = recording
    const combinations = rounds(16, 4000)
    const again = rounds(0.02, 0.02)
    const trials = await cutEverywhere(recording, { seed, from, combinations, again })
    const { cuts, disks, violations } = trials
    report('crash states', { of: name, seed, cuts, disks })
    expect(violations.slice(0, 3)).toEqual([])
    expect(cuts).toBeGreaterThan(1)
  })
})
