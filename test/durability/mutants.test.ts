import { describe, expect, it } from 'vitest'
import { report } from '../support/campaign.js'
import { careless, type Mutant, mutants, shortWrites } from './mutants.js'
import { operations, recordOperation } from './operations.js'
import { record } from './recording.js'
import { everything } from './stories.js'
import { cutEverywhere, type TrialOptions } from './trial.js'

const options: TrialOptions = { seed: 7, combinations: 4, stopEarly: true }

/** The first violation of what is promised that the mutant leads to. */
async function violationOf({ steps, operation, subject }: Mutant): Promise<string | undefined> {
  const chosen = operation === undefined ? undefined : operations[operation]
  if (chosen !== undefined) {
    const recording = await recordOperation(chosen, subject)
    const trials = await cutEverywhere(recording, { ...options, from: recording.from })
    return trials.violations[0]
  }
  const recording = await record(steps ?? everything, subject, { dataRule: 'prefix' })
  return (await cutEverywhere(recording, options)).violations[0]
}

/** What was wrong, without what it was found in. */
const gist = (violation: string): string =>
  violation
    .replace(/^.*?\(\d+\), .*?: (?=found|it cannot|verify|the next)/, '')
    .replace(/found (\{.*?\}), allowed .*/, 'found $1, which may not be')
    .slice(0, 120)

describe('a write path that leaves something out', () => {
  it.each(Object.entries(mutants))('is caught when %s', async (mutant, details) => {
    const violation = await violationOf(details)
    expect(violation).toBeDefined()
    report('mutant of the write path', { mutant, caught: 1, by: gist(violation ?? '') })
  })

  it('is caught when a short write is taken for a whole one', async () => {
    const subject = { writer: careless, alter: shortWrites(100) }
    // The second step would meet the damage by itself.
    const violation = await violationOf({ steps: everything.slice(0, 1), subject })
    expect(violation).toBeDefined()
    const mutant = 'a short write is taken for a whole one'
    report('mutant of the write path', { mutant, caught: 1, by: gist(violation ?? '') })
  })

  it('is not seen in what the mutants are made with', async () => {
    const subject = { alter: shortWrites(100) }
    for (const operation of ['a set of a new document', 'an append']) {
      expect(await violationOf({ operation, subject })).toBeUndefined()
    }
  })
})
