import { describe, expect, it } from 'vitest'
import { careless, logMutants, mutants, shortWrites } from './mutants.js'
import { everything, logging, record } from './scenario.js'
import { cutEverywhere } from './trial.js'

const options = { seed: 7, mixtures: 2, stopEarly: true }

describe('a write path that leaves something out', () => {
  it.each(Object.entries(mutants))('is caught when %s', async (_name, subject) => {
    const { violations } = await cutEverywhere(await record(everything, subject), options)
    expect(violations).toHaveLength(1)
  })

  it.each(Object.entries(logMutants))('is caught when, of logs, %s', async (_name, subject) => {
    const { violations } = await cutEverywhere(await record(logging, subject), options)
    expect(violations).toHaveLength(1)
  })

  it('is caught when a short write is taken for a whole one', async () => {
    const subject = { writer: careless, alter: shortWrites(100) }
    // The second step would meet the damage by itself.
    const recording = await record(everything.slice(0, 1), subject)
    expect((await cutEverywhere(recording, options)).violations).toHaveLength(1)
  })

  it('is not seen in the real one, nor in what the mutants are made with', async () => {
    const real = await cutEverywhere(await record(everything), options)
    expect(real.violations).toEqual([])
    const short = await record(everything, { alter: shortWrites(100) })
    expect((await cutEverywhere(short, options)).violations).toEqual([])
  })
})
