import { describe, expect, it } from 'vitest'
import { pickSeed } from '../faults/random.js'
import { everything, record } from './scenario.js'
import { cutEverywhere } from './trial.js'

const seed = pickSeed()

describe('a power cut', () => {
  it('at any moment loses nothing that was acknowledged and shows nothing half', async () => {
    const recording = await record(everything)
    const { cuts, disks, violations } = await cutEverywhere(recording, { seed, mixtures: 4 })
    console.info(`${recording.log.events.length} events, ${cuts} power cuts, ${disks} disks`)
    expect(violations.slice(0, 3)).toEqual([])
    expect(disks).toBeGreaterThan(500)
  })
})
