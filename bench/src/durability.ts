import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Contender, Durability } from './contenders/index.js'
import type { Problems } from './problems.js'
import { runWorker } from './run-worker.js'

export interface DurabilityFinding {
  readonly durability: Durability
  /** False for native modules: what their settings promise. */
  readonly probed: boolean
}

/** Probes every contender; those that cannot be opened here are left out of the result. */
export async function probeDurability(
  contenders: readonly Contender[],
  directory: string,
  problems: Problems,
): Promise<Map<string, DurabilityFinding>> {
  const findings = new Map<string, DurabilityFinding>()
  const probe = async ({ name, own, declaredDurability }: Contender, index: number) => {
    const place = join(directory, `durability-${index}`)
    try {
      const seen = await runWorker<Durability>('durability-worker', [name, place])
      findings.set(name, {
        durability: declaredDurability ?? seen,
        probed: declaredDurability === undefined,
      })
    } catch (error) {
      problems.report(`${name}: cannot be opened`, error, own === true)
    }
  }
  const waiting = contenders.entries()
  const prober = async (): Promise<void> => {
    for (const [index, contender] of waiting) await probe(contender, index)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, prober))
  return findings
}
