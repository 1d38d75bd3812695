import { expect, it } from 'vitest'
import { campaignSeed, report, rounds, scratchDirectory } from '../../support/campaign.js'
import { judge } from './judge.js'
import type { MixedPlan } from './life-plan.js'
import { MixedCampaign } from './mixed-campaign.js'

const stores = rounds(1, 12)
const processes = rounds(4, 6)
const lives = rounds(5, 12)
const longestLife = rounds(60, 120)

/**
 * A lease that is lost, or a death in the middle of a transaction, is rare where there is much else to do.
 * Histories of groups alone are kept short: they take the most time to check.
 */
const focusOf = (store: number): Partial<MixedPlan> => {
  if (store % 4 === 1) return { only: 'groups', processes: 4, lives: 5, longestLife: 60 }
  return store % 4 === 3 ? { only: 'leases' } : {}
}

it(
  'processes that do mixed work, while they are killed and stopped and their clocks jump, see one store',
  async () => {
    for (let store = 0; store < stores; store++) {
      const seed = campaignSeed + store
      const directory = scratchDirectory()
      const plan: MixedPlan = {
        ...{ directory, seed, processes, lives, longestLife, stopped: 0.8 },
        ...focusOf(store),
      }
      await using campaign = new MixedCampaign(plan)
      const { evidence, figures, findings } = await campaign.run()
      const { complaints, figures: judged } = judge(evidence)
      report('mixed torture', { seed, processes: plan.processes, ...figures, ...judged })
      expect(findings.slice(0, 5), `seed ${seed}`).toEqual([])
      expect(complaints.slice(0, 5).join('\n'), `seed ${seed}`).toBe('')
      expect(judged.undecided).toBe(0)
      expect(figures.kills).toBe(plan.processes * (plan.lives - 1))
      expect(figures.stops).toBeGreaterThan(0)
    }
  },
  rounds(120_000, 3_600_000),
)
