import type { FileOperations } from '../../src/file-system/index.js'
import type { StateStore } from '../../src/store/index.js'
import type { State } from './states.js'

export interface Operation {
  /** Documents and logs that are there before; each record of a log is a commit. */
  readonly before: State
  /** Who wrote them died at it, holding the write lease. */
  readonly crashed?: boolean
  /** What stands once it is in position. Default: the same. */
  readonly from?: State
  /** What stands after it has succeeded. Default: the same. */
  readonly after?: State
  /** Prepares the disk while no store is open. */
  readonly prepare?: (fs: FileOperations) => void
  /** Brings an open store into position; what it returns is given to `act`. */
  readonly position?: (store: StateStore) => Promise<unknown>
  readonly act: (store: StateStore, positioned: unknown) => Promise<unknown>
  /** What it resolves to, or a function that knows: whatever goes wrong, it is this or an error. */
  readonly answer?: unknown
  /** The store is closed after the operation. */
  readonly ends?: boolean
}

/** Of the locks that operations take. */
export const lockTtlMs = 150
