/**
 * What an object does when it is used by one client at a time.
 *
 * @example
 * // Registers by key, each with a text in it.
 * const registers: SequentialModel<string, { key: string; write?: string }, string | undefined> = {
 *   initial: '',
 *   step: (state, { write }, returned) => {
 *     if (write !== undefined) return write
 *     return returned === undefined || returned.output === state ? state : undefined
 *   },
 *   digest: (state) => state,
 *   partition: ({ key }) => key,
 * }
 */
export interface SequentialModel<State extends NonNullable<unknown> | null, Input, Output> {
  /** Of every partition. */
  readonly initial: State
  /**
   * The state after the operation; undefined when it could not have had this output in this state.
   * `returned` is undefined for an operation whose outcome is not known: any output will do. Must neither
   * change `state` nor depend on anything else than its arguments.
   */
  step(
    state: State,
    input: Input,
    returned: { readonly output: Output } | undefined,
  ): State | undefined
  /** A text that two states share if, and only if, they are the same state. */
  digest(state: State): string
  /**
   * Names the object that an operation is about. Objects are checked one by one, which is as good as together
   * and much cheaper. Default: all operations are about one.
   */
  partition?(input: Input): string
}
