import { describe, expect, it } from 'vitest'
import { FileSystemError } from '../../src/errors/index.js'
import { campaignSeed, isLong, report, rounds } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import {
  type Amount,
  appendMeanwhile,
  type Deed,
  deeds,
  type Scene,
  scenes,
  strikeAt,
  Trial,
} from './simulated-appenders.js'

interface Held {
  readonly deed: Deed
  readonly scene: Scene
  readonly amount: Amount
  readonly at: number
  /** Where the one who takes over is held for a third, who takes over from him. */
  readonly thenAt?: number
  /** The call fails when it is made in the end. */
  readonly fails?: boolean
}

/** Holds one at a call of its deed while others append; undefined when it makes fewer calls. */
async function hold(how: Held): Promise<string[] | undefined> {
  const { amount, at, deed, fails = false, scene, thenAt } = how
  const trial = new Trial()
  const [victim, held] = await trial.start('victim')
  const [rescuer, heldThen] = await trial.start('rescuer')
  const [third] = await trial.start('third')
  await trial.prepare(scene)
  if (scene === 'a log') await victim.append('one')
  const wasHeld = strikeAt(held, at, ({ operation }) => {
    held.looksDead()
    if (thenAt !== undefined) {
      strikeAt(heldThen, thenAt, () => {
        heldThen.looksDead()
        appendMeanwhile(third, 'little')
      })
    }
    appendMeanwhile(rescuer, amount)
    if (fails) throw new FileSystemError('EIO', operation, undefined)
  })
  const { kinds, padding } = deed
  const ended = await Promise.allSettled(kinds.map((kind) => victim.append(kind, padding)))
  // Whoever loses a turn begins another by itself: that alone refuses nobody.
  const refused = ended.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
  if (!fails) expect(refused).toEqual([])
  if (!wasHeld()) return undefined
  appendMeanwhile(rescuer, 'little')
  await victim.append('one')
  return await trial.complaints()
}

const random = seededRandom(campaignSeed)
const below = (limit: number): number => Math.floor(random() * limit)

describe.each(Object.entries(deeds))('a process that is held in %s', (what, deed) => {
  it.each(scenes)(
    'loses and spoils nothing while others append, where there is: %s',
    async (scene) => {
      let calls = 0
      const stride = isLong ? 1 : 9
      for (const amount of ['little', 'much'] as const) {
        for (let at = below(stride); ; at += stride) {
          const complaints = await hold({ amount, at, deed, scene })
          if (complaints === undefined) break
          expect(complaints, `held at call ${at} of ${what}, ${scene}, ${amount}`).toEqual([])
          calls += 1
        }
      }
      expect(calls).toBeGreaterThan(0)
      report('held appenders', { what, scene, seed: campaignSeed, calls })
    },
  )
})

describe('a process that takes over from one that was held', () => {
  it('may be held itself', async () => {
    const all = Object.entries(deeds)
    let trials = 0
    for (let left = rounds(150, 2000); left > 0; left--) {
      const [what, deed] = all[below(all.length)] as [string, Deed]
      const scene = scenes[below(scenes.length)] as Scene
      const [at, thenAt] = [below(90), below(120)]
      const complaints = await hold({ amount: 'little', at, deed, scene, thenAt })
      if (complaints === undefined) continue
      expect(complaints, `held at ${at} of ${what}, ${scene}, then at ${thenAt}`).toEqual([])
      trials += 1
    }
    expect(trials).toBeGreaterThan(0)
    report('held appenders', { what: 'twice', seed: campaignSeed, trials })
  })
})

describe('a process whose call fails after it was held', () => {
  it('tells the truth of what it has appended', async () => {
    const all = Object.entries(deeds)
    let trials = 0
    for (let left = rounds(150, 2000); left > 0; left--) {
      const [what, deed] = all[below(all.length)] as [string, Deed]
      const scene = scenes[below(scenes.length)] as Scene
      const at = below(90)
      const complaints = await hold({ amount: 'little', at, deed, fails: true, scene })
      if (complaints === undefined) continue
      expect(complaints, `held at ${at} of ${what}, ${scene}, which fails then`).toEqual([])
      trials += 1
    }
    expect(trials).toBeGreaterThan(0)
    report('held appenders', { what: 'failing', seed: campaignSeed, trials })
  })
})
