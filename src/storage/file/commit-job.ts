import type { Revision } from '../revision.js'
import type { Change, Commit, CommitResult, DocumentAddress } from '../storage.js'
import type { EncodedAppend } from './planned-logs.js'

/** What a document is to be once a batch has been written. */
export interface Landing {
  readonly address: DocumentAddress
  readonly change: Pick<Change, 'kind'>
  readonly revision: Revision
}

/** A commit on its way, and whom to tell. */
export class CommitJob {
  /** What its documents will be at, once they have been written in the present attempt. */
  revision: Revision | undefined
  /** Set once its redo intent stands: from then on it is committed. */
  intent: Revision | undefined
  /** What to tell the caller, once what `revision` or `intent` promise is seen to hold. */
  pendingResult: CommitResult | undefined
  /**
   * By which that is seen. Of one that was superseded: what it was superseded with, so that both have
   * landed or neither, and the earlier is not made again after the later.
   */
  landing: readonly Landing[] = []
  /** Its document was replaced in the present attempt: it is made, even if others have written since. */
  isShown = false
  /** How often somebody saved a file in the middle of its turn. */
  disturbances = 0
  /** A batch with others failed; it is tried by itself now. */
  alone = false
  /** Its turn has come; waiting can no longer be given up. */
  isStarted = false
  #settled = false

  /** What it was about to append in an attempt whose turn was taken away: by this id it is known to stand. */
  written: { readonly log: string; readonly id: Revision } | undefined

  constructor(
    /** Its constant values are storable copies. */
    readonly commit: Commit,
    readonly appends: readonly EncodedAppend[],
    readonly onResult: (result: CommitResult) => void,
    readonly onError: (error: unknown) => void,
  ) {}

  get isSettled(): boolean {
    return this.#settled
  }

  resolve(result: CommitResult): void {
    if (this.#settled) return
    this.#settled = true
    this.onResult(result)
  }

  reject(error: unknown): void {
    if (this.#settled) return
    this.#settled = true
    this.onError(error)
  }
}
