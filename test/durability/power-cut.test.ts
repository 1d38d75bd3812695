import { describe, expect, it } from 'vitest'
import { campaignSeed, report } from '../support/campaign.js'
import { everything, logging, record } from './scenario.js'
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
      const { cuts, disks, violations } = await cutEverywhere(recording, { seed, mixtures: 4 })
      const { events } = recording.log
      report('power cuts', { of: name, seed, events: events.length, cuts, disks })
      expect(violations.slice(0, 3)).toEqual([])
      expect(disks).toBeGreaterThan(500)
    },
  )
})
