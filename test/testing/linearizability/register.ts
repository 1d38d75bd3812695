/** Registers, counters and locks as models, and short words for what clients do with them. */
import type { History, Operation, SequentialModel } from '../../../src/testing/index.js'

export interface RegisterInput {
  readonly key: string
  /** Absent: reads. */
  readonly write?: number
  /** Writes only if this is what it holds. */
  readonly ifHolds?: number
}

/** What was read; whether it was written. */
export type RegisterOutput = number | boolean

export type RegisterOperation = Operation<RegisterInput, RegisterOutput>

export const registers: SequentialModel<number, RegisterInput, RegisterOutput> = {
  initial: 0,
  step: (state, { ifHolds, write }, returned) => {
    if (write === undefined) {
      return returned === undefined || returned.output === state ? state : undefined
    }
    const isWritten = ifHolds === undefined || ifHolds === state
    if (returned !== undefined && returned.output !== isWritten) return undefined
    return isWritten ? write : state
  },
  digest: (state) => String(state),
  partition: ({ key }) => key,
}

type Times = readonly [calledAt: number, returnedAt: number | 'unknown']

export const operation = <Input, Output>(
  client: string,
  [calledAt, returnedAt]: Times,
  input: Input,
  output: Output,
): Operation<Input, Output> => ({
  client,
  calledAt,
  input,
  ...(returnedAt === 'unknown' ? {} : { returned: { at: returnedAt, output } }),
})

export const write = (client: string, times: Times, value: number): RegisterOperation =>
  operation<RegisterInput, RegisterOutput>(client, times, { key: 'x', write: value }, true)

export const read = (client: string, times: Times, value: number): RegisterOperation =>
  operation<RegisterInput, RegisterOutput>(client, times, { key: 'x' }, value)

/** The objects of all partitions as one. */
export function together<State extends NonNullable<unknown> | null, Input, Output>(
  model: SequentialModel<State, Input, Output>,
): SequentialModel<ReadonlyMap<string, State>, Input, Output> {
  return {
    initial: new Map(),
    step: (states, input, returned) => {
      const name = model.partition?.(input) ?? ''
      const state = model.step(states.get(name) ?? model.initial, input, returned)
      return state === undefined ? undefined : new Map([...states, [name, state]])
    },
    digest: (states) =>
      JSON.stringify([...states].map(([name, state]) => [name, model.digest(state)]).sort()),
  }
}

/** All orders of all choices of the unknown operations: slow, and plainly right. */
export function isLinearizableByForce<State extends NonNullable<unknown> | null, Input, Output>(
  history: History<Input, Output>,
  model: SequentialModel<State, Input, Output>,
): boolean {
  const placeNext = (state: State, left: readonly Operation<Input, Output>[]): boolean =>
    left.every(({ returned }) => returned === undefined) ||
    left.some((next) => {
      const others = left.filter((other) => other !== next)
      const isOvertaking = others.some(
        ({ returned }) => returned !== undefined && returned.at < next.calledAt,
      )
      if (isOvertaking) return false
      const after = model.step(state, next.input, next.returned)
      return after !== undefined && placeNext(after, others)
    })
  return placeNext(model.initial, history)
}
