import { expect, it } from 'vitest'
import { campaignSeed, report, scratchDirectory } from '../../support/campaign.js'
import { judge } from './judge.js'
import type { Work } from './mixed.worker.js'
import { MixedCampaign } from './mixed-campaign.js'
import type { Mutant } from './mixed-work.js'

interface Case {
  readonly mutant: Mutant
  readonly only: Work
  /** What of it must be complained of. */
  readonly complaint: RegExp
  readonly stopped: number
  readonly longestLife: number
}

const cases: readonly Case[] = [
  {
    mutant: 'reads and writes back',
    only: 'documents',
    complaint: /^document .* is not linear/,
    stopped: 0,
    longestLife: 60,
  },
  {
    mutant: 'acknowledges before it writes',
    only: 'documents',
    complaint: /^document .* is not linear/,
    stopped: 0,
    longestLife: 60,
  },
  {
    mutant: 'writes without waiting for its turn',
    only: 'counters',
    complaint: /^counter .* is not linear/,
    stopped: 0,
    longestLife: 250,
  },
  {
    mutant: 'remembers what it read',
    only: 'documents',
    complaint: /^document .* is not linear/,
    stopped: 0,
    longestLife: 60,
  },
  {
    mutant: 'moves one side after the other',
    only: 'groups',
    complaint: /^group .* is not linear/,
    stopped: 0,
    longestLife: 60,
  },
  {
    mutant: 'writes without its lease',
    only: 'leases',
    complaint: /^lease .* is not linear/,
    stopped: 1,
    longestLife: 60,
  },
]

/** Chance spares the one without a lease every other time. */
const tries = 30

it.each(cases)(
  'a store that $mutant is found out',
  async ({ complaint, mutant, ...how }) => {
    for (let round = 1; round <= tries; round++) {
      const seed = campaignSeed + round
      const directory = scratchDirectory()
      const plan = { directory, seed, mutant, processes: 3, lives: 1, ...how }
      await using campaign = new MixedCampaign(plan)
      const { evidence, figures } = await campaign.run()
      const { complaints } = judge(evidence)
      const found = complaints.filter((each) => complaint.test(each))
      const { kills, stops } = figures
      report('mixed torture, mutants', { mutant, seed, round, kills, stops, found: found.length })
      if (found.length > 0) return
    }
    expect.fail(`${mutant} was not found out in ${tries} tries`)
  },
  600_000,
)
