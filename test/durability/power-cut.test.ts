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
      // Of commits over several sectors, see CrashOperation.
      const recording = await record(steps, {}, { dataRule: 'prefix' })
      const combinations = rounds(8, 200)
      const trials = await cutEverywhere(recording, {
        seed,
        combinations,
        again: 0.02,
        share: rounds(0.04, 1),
      })
      const { cuts, disks, violations } = trials
      report('crash states', { of: `a story of ${name}`, seed, cuts, disks })
      expect(violations.slice(0, 3)).toEqual([])
      expect(disks).toBeGreaterThan(500)
    },
    3_600_000,
  )
})
