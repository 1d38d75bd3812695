import { StateStoreError } from '../../errors/index.js'
import { agendaOf, candidatesAfter, orderOf } from './configuration.js'
import type { History, Operation } from './history.js'
import { Search, type SearchResult } from './search.js'
import type { SequentialModel } from './sequential-model.js'

export interface LinearizabilityOptions {
  /**
   * How many configurations, which are operations put in an order and the state they lead to, the search may
   * come to for one object before it gives up. Each takes some hundred bytes and some microseconds.
   * Default: 500,000.
   */
  readonly configurationsMax?: number
}

/** How far one object's operations could be put in order. */
export interface Counterexample<State, Input, Output> {
  /** What {@link SequentialModel.partition} named; empty without one. */
  readonly partition: string
  /** The longest order that was found. */
  readonly order: readonly Operation<Input, Output>[]
  /** What it leads to. */
  readonly state: State
  /** Operations of which one had to come next, in the order of their calls; none fits the state. */
  readonly unplaced: readonly Operation<Input, Output>[]
}

export interface LinearizabilityReport<State, Input, Output> {
  /**
   * `undecided`: the search was given up for some object and found no fault with the others. To a test that
   * is a failure: nothing has been shown.
   */
  readonly verdict: 'linearizable' | 'not-linearizable' | 'undecided'
  readonly operations: number
  /** Objects that were looked at. */
  readonly partitions: number
  /** Configurations that the search came to, over all objects. */
  readonly configurations: number
  /** Of each object that is not linearizable. */
  readonly counterexamples: readonly Counterexample<State, Input, Output>[]
  /** Of each object for which the search was given up: how far it had come. */
  readonly undecided: readonly Counterexample<State, Input, Output>[]
}

const defaultConfigurationsMax = 500_000

/**
 * Whether clients that used an object side by side saw what they could have seen had each operation taken effect
 * at one moment between its call and its return. Operations of unknown outcome may take effect at any moment
 * after the call, or never.
 *
 * Objects are looked at one by one, as {@link SequentialModel.partition} tells them apart. The time it takes
 * grows with the number of operations and steeply with how many are under way at once; it and the memory are
 * bounded by `configurationsMax`. Throws `STATE_INVALID_OPTION` for an operation that returns before it is
 * called and for a limit that is no positive whole number.
 *
 * @example
 * const history = [
 *   { client: 'a', calledAt: 1, returned: { at: 2, output: undefined }, input: { key: 'x', write: 'one' } },
 *   { client: 'b', calledAt: 3, returned: { at: 4, output: '' }, input: { key: 'x' } },
 * ]
 * const { verdict, counterexamples } = checkLinearizability(history, registers)
 * // 'not-linearizable': what `a` was told is written, `b` did not see.
 */
export function checkLinearizability<State extends NonNullable<unknown> | null, Input, Output>(
  history: History<Input, Output>,
  model: SequentialModel<State, Input, Output>,
  options: LinearizabilityOptions = {},
): LinearizabilityReport<State, Input, Output> {
  const { configurationsMax = defaultConfigurationsMax } = options
  refuseInvalid(history, configurationsMax)
  const counterexamples: Counterexample<State, Input, Output>[] = []
  const undecided: Counterexample<State, Input, Output>[] = []
  let configurations = 0
  const partitions = partitioned(history, model)
  for (const [partition, operations] of partitions) {
    const agenda = agendaOf(operations)
    const result = new Search(model, agenda, configurationsMax).run()
    configurations += result.configurations
    if (result.isLinearizable === true) continue
    const { furthest }: SearchResult<State, Input, Output> = result
    const { completed } = candidatesAfter(agenda, furthest)
    const counterexample = {
      partition,
      order: orderOf(furthest),
      state: furthest.state,
      unplaced: completed.flatMap((index) => agenda.completed[index]?.operation ?? []),
    }
    if (result.isLinearizable === false) counterexamples.push(counterexample)
    else undecided.push(counterexample)
  }
  const verdict =
    counterexamples.length > 0
      ? 'not-linearizable'
      : undecided.length > 0
        ? 'undecided'
        : 'linearizable'
  return {
    verdict,
    operations: history.length,
    partitions: partitions.size,
    configurations,
    counterexamples,
    undecided,
  }
}

function partitioned<State extends NonNullable<unknown> | null, Input, Output>(
  history: History<Input, Output>,
  model: SequentialModel<State, Input, Output>,
): Map<string, Operation<Input, Output>[]> {
  const partitions = new Map<string, Operation<Input, Output>[]>()
  for (const operation of history) {
    const name = model.partition?.(operation.input) ?? ''
    const operations = partitions.get(name)
    if (operations === undefined) partitions.set(name, [operation])
    else operations.push(operation)
  }
  return partitions
}

function refuseInvalid(history: History<unknown, unknown>, configurationsMax: number): void {
  if (!Number.isSafeInteger(configurationsMax) || configurationsMax < 1) {
    throw invalid(`configurationsMax must be a positive whole number, not ${configurationsMax}`)
  }
  for (const { calledAt, client, returned } of history) {
    const isInOrder = Number.isFinite(calledAt) && (returned?.at ?? calledAt) >= calledAt
    if (isInOrder) continue
    throw invalid(
      `An operation of ${client} was called at ${calledAt} and returned at ${returned?.at}`,
    )
  }
}

const invalid = (message: string): StateStoreError =>
  new StateStoreError({ code: 'STATE_INVALID_OPTION', message, operation: 'checkLinearizability' })
