/**
 * The lock port: who may write next, among the processes that opened one store. All calls block the
 * thread for some tens of microseconds and never wait; waiting is the caller's, which may be doing it
 * with timers or, in an exit handler, without.
 */
import type { GenerationOwner } from './generation-owner.js'

/** The right to write until `leave`. */
export interface Turn {
  /** Rises with every change of the holder; never used twice in a store. */
  readonly generation: number
  /** Somebody else may have written since our last turn. */
  readonly fresh: boolean
  /** A holder had not finished: it was superseded to get here, or has abandoned its turn. */
  readonly tookOver: boolean
}

export interface FileLock {
  readonly name: string
  readonly supports: {
    /** Whoever is superseded cannot make anything visible afterwards. */
    readonly fencing: boolean
  }
  /** Begins a turn, or stays in line for one: call again after a moment. Undefined: not yet. */
  tryEnter(): Turn | undefined
  /** Ends the turn; others may go. */
  leave(): void
  /** Shows others that we live. To be called four times a TTL while waiting or in a turn. */
  beat(): void
  /** Leaves the line, keeps what is held. */
  stopWaiting(): void
  /** Lets go of everything. */
  release(): void
  /**
   * Lets go in the middle of a turn, with writes that may still land: whoever is next, we ourselves
   * perhaps, is told that it took over.
   */
  abandon(): void
  /** Whom we wait for. */
  readonly blockedBy: GenerationOwner | undefined
}

/** What a lock needs to know of the store it serves. */
export interface LockContext {
  /** Describes us in the lock's files. */
  owner(): GenerationOwner
  /** A path in our staging directory that was never used. */
  draftPath(): string
  /** Whether somebody revoked us. */
  isRevoked(): boolean
  /**
   * Makes sure that the owner can make nothing visible any more; returns when that is so. Throws
   * `STATE_TAKEOVER_FAILED` when it cannot be done.
   */
  revoke(owner: GenerationOwner, reason: string): void
}
