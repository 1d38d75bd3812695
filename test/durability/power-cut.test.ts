import { describe, expect, it } from 'vitest'
import { record, type Step } from './scenario.js'
import { cutEverywhere } from './trial.js'

const longKey = `${'long '.repeat(50)}key`

export const everything: readonly Step[] = [
  { changes: { 'tasks/a': { n: 1 } } },
  { changes: { 'tasks/b': [1, 2, 3] } },
  { changes: { 'tasks/a': { n: 2 } } },
  { atomic: true, changes: { 'tasks/a': { n: 3 }, 'tasks/b': 4, 'notes/c': 'new' } },
  { changes: { 'tasks/a': undefined } },
  { atomic: true, changes: { 'tasks/a': { n: 5 }, 'tasks/b': undefined } },
  { changes: { 'notes/c': 'newer', 'extra/x': 1, 'tasks/a': { n: 6 } } },
  { changes: { 'extra/x': undefined } },
  { atomic: true, changes: { 'extra/x': 2, [`tasks/${longKey}`]: 'long', 'notes/c': undefined } },
  { changes: { 'extra/x': undefined, [`tasks/${longKey}`]: undefined } },
]

const seed = Number(process.env.HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31))

describe('a power cut', () => {
  it('at any moment loses nothing that was acknowledged and shows nothing half', async () => {
    const recording = await record(everything)
    const { cuts, disks, violations } = await cutEverywhere(recording, { seed, mixtures: 4 })
    console.info(
      `seed ${seed}: ${recording.log.events.length} events, ${cuts} power cuts, ${disks} disks`,
    )
    expect(violations.slice(0, 3)).toEqual([])
    expect(disks).toBeGreaterThan(500)
  })
})
