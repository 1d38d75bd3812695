import type { DurabilityFinding } from './durability.js'
import type { Options } from './options.js'
import type { Problems } from './problems.js'
import type { Random } from './statistics.js'

/** What every suite is given. */
export interface RunContext {
  readonly options: Options
  readonly random: Random
  readonly problems: Problems
  /** The data directory of the run. */
  readonly directory: string
  readonly durability: ReadonlyMap<string, DurabilityFinding>
  /** Tells the reader at the terminal what runs now. */
  progress(text: string): void
}
