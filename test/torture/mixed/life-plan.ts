import { seededRandom } from '../../support/random.js'
import type { MixedArguments, Work } from './mixed.worker.js'
import type { Mutant } from './mixed-work.js'

export interface MixedPlan {
  readonly directory: string
  readonly seed: number
  readonly processes: number
  /** Of each process. All but the last end by a kill. */
  readonly lives: number
  /** The most operations of a life. */
  readonly longestLife: number
  /** The part of lives that are stopped once or more often. */
  readonly stopped: number
  readonly only?: Work
  readonly mutant?: Mutant
}

/** What is to become of a process from when it starts until it ends. */
export interface LifePlan {
  readonly args: MixedArguments
  /** Whether it dies by a kill, its own or the supervisor's, and not by having done its work. */
  readonly isKilled: boolean
  /** Operations that have returned after which the supervisor kills it, or stops it. */
  readonly killAt: number | undefined
  readonly stopAt: number | undefined
  /** How long it stands still when it is stopped. */
  readonly stopMs: number
}

const writeTtlMs = 150
const leaseTtlMs = 150

const between = (random: () => number, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1))

/** The same for the same seed, process and life. */
export function planLife(
  plan: MixedPlan,
  process: number,
  life: number,
  heard: Pick<MixedArguments, 'origin' | 'cursors'>,
): LifePlan {
  const { directory, lives, longestLife, mutant, only, seed, stopped } = plan
  const random = seededRandom(seed * 10_000 + process * 100 + life)
  const isKilled = life < lives
  const killsItself = isKilled && random() < 0.5
  const isStopped = random() < stopped
  const stopsItself = isStopped && random() < 0.6
  const args: MixedArguments = {
    ...{ directory, writeTtlMs, leaseTtlMs, ...heard },
    logSegmentBytes: 8192,
    durability: random() < 0.2 ? 'power' : 'process',
    writer: `p${process}.${life}`,
    seed: between(random, 0, 2 ** 31),
    lanes: between(random, 1, 3),
    count: isKilled ? Number.MAX_SAFE_INTEGER : longestLife,
    // Between any two of its file-system calls.
    ...(killsItself && { dieAtCall: between(random, 1, longestLife * 15) }),
    ...(stopsItself && { stopAtCall: between(random, 1, longestLife * 8) }),
    ...(only && { only }),
    ...(mutant && { mutant }),
  }
  return {
    args,
    isKilled,
    killAt: isKilled && !killsItself ? between(random, 1, longestLife) : undefined,
    stopAt: isStopped ? between(random, 1, longestLife) : undefined,
    stopMs: writeTtlMs * (1.2 + random()),
  }
}
