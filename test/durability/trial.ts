/** Cutting the power at every moment of a recording, and judging every disk that may be left. */
import type { CrashState, DiskChange } from '../../src/testing/index.js'
import { seededRandom } from '../support/random.js'
import { complaint, type Found, openAfterCut, textOf } from './judge.js'
import { type Recording, toldAt } from './recording.js'

export interface Trials {
  /** Disks that may be left by a cut: each once a moment. */
  cuts: number
  /** Different disks among them, each of which was opened, read, verified and written to. */
  disks: number
  readonly violations: string[]
}

export interface TrialOptions {
  readonly seed: number
  /** Up to so many combinations of what may be left are all tried at a moment; of more, so many. */
  readonly combinations: number
  /** How many of the disks are judged, from 0 to 1, chosen by chance. Default: all. */
  readonly share?: number
  /** Ends at the first violation. */
  readonly stopEarly?: boolean
  /** First moment at which the power fails. */
  readonly from?: number
  /** From this moment on only where another begins, not after every change. */
  readonly sparselyFrom?: number
  /** How much of what opening a disk does is cut again: the share of disks, from 0 to 1. Default: 0. */
  readonly again?: number
}

const combinationsAgain = 8
const shareAgain = 0.03

// Opening meets thousands of files that are not there; where each was missed takes half of the time.
Error.stackTraceLimit = 0

/** `powerCuts` counts this one. */
export async function cutEverywhere(
  { disk, issued, moments }: Recording,
  options: TrialOptions,
  powerCuts = 1,
): Promise<Trials> {
  const { again = 0, combinations, from = 0, seed, share = 1, sparselyFrom = Infinity } = options
  const random = seededRandom(seed)
  const known = new Map<string, Found | string>()
  const trials: Trials = { cuts: 0, disks: 0, violations: [] }
  let judged = -1
  let allowedTexts: ReadonlySet<string> = new Set()
  let moment = moments[0]
  let told = toldAt(issued, 0)
  const locks = new Set(issued.flatMap(({ token }) => token?.name ?? []))
  const begins = new Set(moments.map(({ at }) => at))
  const at = (each: number): boolean => each <= sparselyFrom || begins.has(each)
  for (const state of disk.crashStates({ at, from, seed, combinations, share })) {
    if (state.moment !== judged) {
      judged = state.moment
      // Of moments that begin at the same change, only the last can be told from outside.
      moment = moments.findLast(({ at }) => at <= judged)
      allowedTexts = new Set(moment?.allowed.map(textOf))
      told = toldAt(issued, judged)
    }
    trials.cuts += 1
    let found = known.get(state.id)
    if (found === undefined) {
      const opened = await openAfterCut(state, moment?.allowed ?? [], locks, powerCuts)
      found = typeof opened === 'string' ? opened : opened.found
      known.set(state.id, found)
      trials.disks += 1
      if (typeof opened !== 'string' && random() < again) {
        const second = { seed: seed + judged, combinations: combinationsAgain, share: shareAgain }
        const { cuts, disks, violations } = await cutEverywhere(
          opened.recording,
          second,
          powerCuts + 1,
        )
        trials.cuts += cuts
        trials.disks += disks
        for (const each of violations)
          trials.violations.push(`${placeOf(state)}, and again ${each}`)
      }
    }
    const wrong = complaint(found, allowedTexts, told)
    if (wrong !== undefined) trials.violations.push(`${placeOf(state)}: ${wrong}`)
    if (options.stopEarly === true && trials.violations.length > 0) return trials
  }
  return trials

  function placeOf(state: CrashState): string {
    const change = disk.changes[state.moment - 1]
    const what = change === undefined || change.kind === 'settled' ? 'before' : spell(change)
    return `cut after ${what} (${state.moment}), ${state.describe()}`
  }
}

function spell(change: DiskChange): string {
  return 'path' in change ? `${change.kind} ${change.path}` : change.kind
}
