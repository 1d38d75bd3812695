import { settleDisk } from './disk.js'
import type { Problems } from './problems.js'
import { type Random, shuffled } from './statistics.js'

interface Named {
  readonly name: string
  readonly own?: boolean
}

/**
 * Runs the contenders turn by turn, in another order every round, so that a slow minute of the
 * machine falls on all of them. Whoever fails is reported and is out.
 */
export async function interleave<C extends Named, R>(
  contenders: readonly C[],
  rounds: number,
  random: Random,
  problems: Problems,
  slice: (contender: C, round: number) => Promise<R>,
): Promise<Map<string, R[]>> {
  const results = new Map<string, R[]>()
  const out = new Set<string>()
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of shuffled(contenders, random)) {
      const { name, own } = contender
      if (out.has(name)) continue
      settleDisk()
      try {
        const result = await slice(contender, round)
        results.set(name, [...(results.get(name) ?? []), result])
      } catch (error) {
        problems.report(`${name}: could not be measured`, error, own === true)
        results.delete(name)
        out.add(name)
      }
    }
  }
  return results
}
