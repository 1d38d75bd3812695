import { describe, expect, it } from 'vitest'
import { pickSeed } from '../faults/random.js'
import { everything, logging, record } from './scenario.js'
import { cutEverywhere } from './trial.js'

const seed = pickSeed()

describe('a power cut', () => {
  it.each([
    ['documents', everything],
    ['logs', logging],
  ])('at any moment loses nothing acknowledged of %s and shows nothing half', async (_, steps) => {
    const recording = await record(steps)
    const { cuts, disks, violations } = await cutEverywhere(recording, { seed, mixtures: 4 })
    console.info(`${recording.log.events.length} events, ${cuts} power cuts, ${disks} disks`)
    expect(violations.slice(0, 3)).toEqual([])
    expect(disks).toBeGreaterThan(500)
  })
})
