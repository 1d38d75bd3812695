import { createHash } from 'node:crypto'
import type { Image } from '../faults/image.js'
import { seededRandom } from '../support/random.js'
import { fatesOf } from './fates.js'
import { FragileDisk } from './power-cut.js'
import { complaint, type Found, openAfterCut, type Recording } from './scenario.js'

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
  /** From this event on only where a moment begins, not after every event. */
  readonly sparselyFrom?: number
}

function identify(image: Image): string {
  const hash = createHash('sha256').update(JSON.stringify([image.directories, image.internals]))
  for (const { paths, bytes, modifiedMicros } of image.files) {
    if (paths.some((path) => path.endsWith('/reserve'))) continue
    hash.update(JSON.stringify([paths, modifiedMicros])).update(bytes)
  }
  return hash.digest('hex')
}

/** Cuts the power after every event of a recording. */
export async function cutEverywhere(
  { issued, log, moments }: Recording,
  { from = 0, mixtures, seed, sparselyFrom = Infinity, stopEarly = false }: TrialOptions,
): Promise<Trials> {
  const random = seededRandom(seed)
  const disk = new FragileDisk(log.rootNode)
  const known = new Map<string, Found | string>()
  const trials: Trials = { cuts: 0, disks: 0, violations: [] }
  for (const [index, event] of log.events.entries()) {
    disk.apply(event)
    if (event.kind === 'node' || index + 1 < from) continue
    if (index + 1 > sparselyFrom && !moments.some(({ at }) => at === index + 1)) continue
    // Of moments that begin at the same event, only the last can be told from outside.
    const allowed = moments.findLast(({ at }) => at <= index + 1)?.allowed ?? []
    const told = issued.filter(({ at }) => at <= index + 1).map(({ revision }) => revision)
    for (const fate of fatesOf(disk, random, mixtures)) {
      const image = disk.survivors(fate)
      const id = identify(image)
      const found = known.get(id) ?? (await openAfterCut(image))
      trials.cuts += 1
      if (!known.has(id)) trials.disks += 1
      known.set(id, found)
      const wrong = complaint(found, allowed, told)
      if (wrong === undefined) continue
      trials.violations.push(`${JSON.stringify(event).slice(0, 160)} (${index + 1}): ${wrong}`)
      if (stopEarly) return trials
    }
  }
  return trials
}
