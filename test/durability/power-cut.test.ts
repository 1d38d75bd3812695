import { describe, expect, it } from 'vitest'
import { campaignSeed, report, rounds } from '../support/campaign.js'
import { record } from './recording.js'
import { everything, logging } from './stories.js'
import { cutEverywhere } from './trial.js'

const seed = campaignSeed

describe('a power cut', () => {
  it.each([
    ['documents', everything],
    ['logs', logging],
  ])(
    'at any moment loses nothing acknowledged of %s and shows nothing half',
    async (name, steps) => {
      const recording = await record(steps)
      const combinations = rounds(8, 1000)
      const trials = await cutEverywhere(recording, { seed, combinations, again: 0.02 })
      const { cuts, disks, violations } = trials
      report('crash states', { of: `a story of ${name}`, seed, cuts, disks })
      expect(violations.slice(0, 3)).toEqual([])
      expect(disks).toBeGreaterThan(500)
    },
  )
})
