import { createHash } from 'node:crypto'
import type { Image } from '../faults/image.js'
import { fatesOf, seededRandom } from './fates.js'
import { FragileDisk } from './power-cut.js'
import { isAllowed, type Moment, type Recording, type State, stateOn } from './scenario.js'

export interface Trials {
  /** Power cuts that were tried. */
  cuts: number
  /** Disks that they left, each of which was opened. */
  disks: number
  readonly violations: string[]
}

export interface TrialOptions {
  readonly seed: number
  /** Random mixtures tried at each moment, beside the systematic ones. */
  readonly mixtures: number
  /** Ends at the first violation. */
  readonly stopEarly?: boolean
  /** First event after which the power fails. */
  readonly from?: number
  /** Only at the beginning of each moment, not after every event. */
  readonly onlyAtMoments?: boolean
}

function identify(image: Image): string {
  const hash = createHash('sha256').update(JSON.stringify([image.directories, image.internals]))
  for (const { paths, bytes, modifiedMicros } of image.files) {
    if (paths.some((path) => path.endsWith('/reserve'))) continue
    hash.update(JSON.stringify([paths, modifiedMicros])).update(bytes)
  }
  return hash.digest('hex')
}

function allowedAt(moments: readonly Moment[], events: number): readonly State[] {
  // Of moments that begin at the same event, only the last can be told from outside.
  const begun = moments.filter(({ at }) => at <= events)
  return begun.at(-1)?.allowed ?? []
}

/** Cuts the power after every event of a recording. */
export async function cutEverywhere(
  { log, moments }: Recording,
  { from = 0, mixtures, onlyAtMoments = false, seed, stopEarly = false }: TrialOptions,
): Promise<Trials> {
  const random = seededRandom(seed)
  const disk = new FragileDisk(log.rootNode)
  const known = new Map<string, State | string>()
  const trials: Trials = { cuts: 0, disks: 0, violations: [] }
  for (const [index, event] of log.events.entries()) {
    disk.apply(event)
    if (event.kind === 'node' || index + 1 < from) continue
    if (onlyAtMoments && !moments.some(({ at }) => at === index + 1)) continue
    const allowed = allowedAt(moments, index + 1)
    for (const fate of fatesOf(disk, random, mixtures)) {
      const image = disk.survivors(fate)
      const id = identify(image)
      const found = known.get(id) ?? (await stateOn(image))
      trials.cuts += 1
      if (!known.has(id)) trials.disks += 1
      known.set(id, found)
      if (isAllowed(found, allowed)) continue
      const told = `after event ${index + 1} (${JSON.stringify(event).slice(0, 160)})`
      trials.violations.push(
        `${told}: found ${JSON.stringify(found)}, allowed ${JSON.stringify(allowed)}`,
      )
      if (stopEarly) return trials
    }
  }
  return trials
}
