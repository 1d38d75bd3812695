/**
 * A call that a client made of a shared object, and what came of it. Times are numbers of one clock that all
 * clients share, in any unit, and must not go backwards: `process.hrtime.bigint()` is such a clock for all
 * processes of a Linux machine. To be on the safe side `calledAt` is taken before the call, `returned.at` after.
 */
export interface Operation<Input, Output> {
  /** Who called, for people to read. One client may have several calls under way. */
  readonly client: string
  readonly calledAt: number
  readonly input: Input
  /**
   * Absent when the outcome is not known, because the client died or was told so: the operation may have
   * taken effect at any time after the call, may still do so, or never.
   */
  readonly returned?: { readonly at: number; readonly output: Output } | undefined
}

/** What clients did, in no particular order. */
export type History<Input, Output> = readonly Operation<Input, Output>[]
