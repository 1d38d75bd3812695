import type { SequentialModel } from '../../../src/testing/index.js'
import type { CounterInput, Output } from './operations.js'

const valueIn = (output: Output | undefined): number | undefined =>
  typeof output === 'object' && 'value' in output ? output.value : undefined

/** One counter by name. */
export const counterModel: SequentialModel<number, CounterInput, Output> = {
  initial: 0,
  step: (state, input, returned) => {
    const value = valueIn(returned?.output)
    const next = input.do === 'increment' ? state + 1 : input.do === 'read' ? state : 0
    // A reset tells what the counter was.
    const told = input.do === 'reset' ? state : next
    return value === undefined || value === told ? next : undefined
  },
  digest: String,
  partition: ({ name }) => name,
}
