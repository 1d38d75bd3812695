import type { Contender } from './contender.js'
import { databases } from './databases.js'
import { fileStores } from './file-stores.js'
import { fileWriters } from './file-writers.js'
import { holdfastContenders } from './holdfast.js'
import { rawCallbacks, rawPromises } from './raw-loop.js'

export { type Contender, type Durability, names, type Session } from './contender.js'

/** All that write documents. Their order is that of nothing: every round shuffles them. */
export const contenders: readonly Contender[] = [
  ...holdfastContenders,
  rawPromises,
  rawCallbacks,
  ...fileWriters,
  ...fileStores,
  ...databases,
]
