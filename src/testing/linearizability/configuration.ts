import { isDeepStrictEqual } from 'node:util'
import type { History, Operation } from './history.js'

/** An operation that returned. */
export interface Completed<Input, Output> {
  readonly operation: Operation<Input, Output>
  readonly calledAt: number
  readonly returnedAt: number
}

/** Operations on one object, as the search wants them. */
export interface Agenda<Input, Output> {
  /** In the order of their calls. */
  readonly completed: readonly Completed<Input, Output>[]
  /**
   * Those of unknown outcome, equal inputs together, each in the order of their calls. Of equal ones the
   * earlier can stand in for the later everywhere, so only the first that is left is ever tried.
   */
  readonly unknown: readonly (readonly Operation<Input, Output>[])[]
}

export function agendaOf<Input, Output>(history: History<Input, Output>): Agenda<Input, Output> {
  const inOrder = [...history].sort((left, right) => left.calledAt - right.calledAt)
  const completed: Completed<Input, Output>[] = []
  const unknown: Operation<Input, Output>[][] = []
  for (const operation of inOrder) {
    const { calledAt, input, returned } = operation
    if (returned !== undefined) {
      completed.push({ operation, calledAt, returnedAt: returned.at })
      continue
    }
    const equals = unknown.find(([first]) => isDeepStrictEqual(first?.input, input))
    if (equals === undefined) unknown.push([operation])
    else equals.push(operation)
  }
  return { completed, unknown }
}

/** Some operations put in an order that the model and the clock allow. */
export interface Configuration<State, Input, Output> {
  readonly state: State
  /** All completed operations before this index have their place. */
  readonly low: number
  /** Indexes above `low` that have their place as well, rising. */
  readonly beyond: readonly number[]
  /** How many of each kind of unknown outcome have their place. */
  readonly used: readonly number[]
  readonly usedCount: number
  /** The operation placed last, and what went before. */
  readonly last?: Operation<Input, Output>
  readonly before?: Configuration<State, Input, Output>
}

export const placedIn = ({ low, beyond }: Configuration<unknown, unknown, unknown>): number =>
  low + beyond.length

/** The operations in their order. */
export function orderOf<Input, Output>(
  configuration: Configuration<unknown, Input, Output>,
): Operation<Input, Output>[] {
  const order: Operation<Input, Output>[] = []
  let each: Configuration<unknown, Input, Output> | undefined = configuration
  for (; each?.last !== undefined; each = each.before) order.push(each.last)
  return order.reverse()
}

export interface Candidates {
  /** Indexes of completed operations, in the order of their calls. */
  readonly completed: readonly number[]
  /** When the first of them returned: what was called later cannot come before it. */
  readonly untilAt: number
}

/** The completed operations of which each may come next, as far as the clock is concerned. */
export function candidatesAfter(
  { completed }: Agenda<unknown, unknown>,
  { low, beyond }: Configuration<unknown, unknown, unknown>,
): Candidates {
  const indexes: number[] = []
  let untilAt = Number.POSITIVE_INFINITY
  let skipped = 0
  for (let index = low; index < completed.length; index++) {
    if (beyond[skipped] === index) {
      skipped += 1
      continue
    }
    const { calledAt, returnedAt } = completed[index] as Completed<unknown, unknown>
    if (calledAt > untilAt) break
    untilAt = Math.min(untilAt, returnedAt)
    indexes.push(index)
  }
  return { completed: indexes, untilAt }
}

/** With one more completed operation in its place. */
export function placing(
  { low, beyond }: Configuration<unknown, unknown, unknown>,
  index: number,
): Pick<Configuration<unknown, unknown, unknown>, 'low' | 'beyond'> {
  const indexes = [...beyond, index].sort((left, right) => left - right)
  let [at, passed] = [low, 0]
  while (indexes[passed] === at) {
    at += 1
    passed += 1
  }
  return { low: at, beyond: indexes.slice(passed) }
}
