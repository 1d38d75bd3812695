/** The real lock code, its file-system calls interleaved in every order that makes a difference. */
import { describe, expect, it } from 'vitest'
import type { FileOperations } from '../../src/file-system/index.js'
import { report, rounds } from '../support/campaign.js'
import { explore, Violation } from './interleaving/exploration.js'
import { type TurnModelOptions, turnModel } from './interleaving/turn-model.js'

const maximumStates = rounds(150_000, 1_000_000)

const scenarios: Readonly<Record<string, TurnModelOptions>> = {
  'two writers, one turn each': { turns: [1, 1] },
  'two that take only what is free': { turns: [1, 1], patienceMs: Number.POSITIVE_INFINITY },
  'two writers, one with two turns': { turns: [2, 1] },
  'two writers, one of which dies anywhere': { turns: [1, 1], mortal: [0] },
  'two writers, one taken for dead while it lives': {
    turns: [1, 1],
    wrongVerdicts: 1,
    patienceMs: 0,
  },
  'two writers on a disk whose listings are not atomic': { turns: [1, 1], strictListings: false },
}

/** Takes the staging directory away and leaves what is in it alone. */
const renameOnly = (fs: FileOperations, writers: string, id: string): void => {
  try {
    fs.rename(`${writers}/${id}`, `${writers}/${id}.revoked`)
  } catch {
    // Somebody else was faster.
  }
}

describe('turns of the write lease', () => {
  it.each(Object.entries(scenarios))('lose no update: %s', async (name, options) => {
    const { states, runs, complete } = await explore(turnModel(options), maximumStates)
    report('interleavings', { scenario: name, states, runs, orders: complete ? 'all' : 'bounded' })
    expect(states).toBeGreaterThan(100)
    expect(runs).toBeGreaterThan(0)
  })

  it('would lose one if a former writer were not drained', async () => {
    const model = turnModel({
      turns: [1, 1],
      wrongVerdicts: 1,
      patienceMs: 0,
      revoke: renameOnly,
    })
    await expect(explore(model, 3_000_000)).rejects.toThrow(Violation)
  })
})
