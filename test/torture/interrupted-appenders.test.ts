import { describe, expect, it } from 'vitest'
import { campaignSeed, isLong, report } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import type { InterceptedCall } from './intercepted-file-system.js'
import { type Deed, deeds, strikeAt, Trial } from './simulated-appenders.js'

interface Interruption {
  readonly deed: Deed
  readonly by: 'an append' | 'a flush'
  /** The call of the deed that is on its way to the thread pool meanwhile. */
  readonly at: number
  /** The call of what interrupts it, before which another process appends, and a write that is on its way lands. */
  readonly otherAt: number
  /** The process dies then. */
  readonly dies: boolean
}

interface Ending {
  readonly wasInterrupted: boolean
  readonly otherCame: boolean
  readonly complaints: readonly string[]
}

async function interrupt({ at, by, deed, dies, otherAt }: Interruption): Promise<Ending> {
  const trial = new Trial()
  const [blocking, interrupted] = await trial.start('blocking', { isSlow: true })
  const [other] = await trial.start('other')
  await trial.prepare('a log')
  let otherCame = false
  const wasInterrupted = strikeAt(
    interrupted,
    at,
    (onTheWay: InterceptedCall) => {
      strikeAt(interrupted, otherAt, () => {
        otherCame = true
        interrupted.looksDead()
        other.appendNow('of another length')
        if (onTheWay.operation === 'write') trial.disk.perform(onTheWay)
        if (dies) interrupted.die()
      })
      try {
        if (by === 'an append') blocking.appendNow()
        else blocking.store.flushSync()
      } catch (error) {
        if (!dies) throw error
      }
    },
    ({ form }) => form === 'promised',
  )
  const { kinds, padding } = deed
  const ended = Promise.all(kinds.map((kind) => blocking.append(kind, padding)))
  if (dies) await ended.catch(() => undefined)
  else await ended
  wasInterrupted()
  other.appendNow()
  return { wasInterrupted: wasInterrupted(), otherCame, complaints: await trial.complaints() }
}

const random = seededRandom(campaignSeed)
const below = (limit: number): number => Math.floor(random() * limit)
const asynchronous = Object.entries(deeds).filter(([, { blocks }]) => blocks !== true)

describe.each(asynchronous)('what interrupts %s', (what, deed) => {
  it.each([
    ['an append', false],
    ['a flush', false],
    ['an append', true],
  ] as const)('%s, dying: %s, loses and spoils nothing', async (by, dies) => {
    const [stride, otherStride] = isLong ? [1, 1] : [3, 29]
    let trials = 0
    for (let at = below(stride); ; at += stride) {
      let wasInterrupted = false
      for (let otherAt = below(otherStride); ; otherAt += otherStride) {
        const ending = await interrupt({ at, by, deed, dies, otherAt })
        const where = `${by} at call ${at} of ${what}, another at call ${otherAt} of that`
        expect(ending.complaints, where).toEqual([])
        wasInterrupted = ending.wasInterrupted
        if (!ending.otherCame) break
        trials += 1
      }
      if (!wasInterrupted) break
    }
    expect(trials).toBeGreaterThan(0)
    report('interrupted appenders', { what, by, dies, seed: campaignSeed, trials })
  })
})
