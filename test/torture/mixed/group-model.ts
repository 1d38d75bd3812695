import type { SequentialModel } from '../../../src/testing/index.js'
import { digestOf, isSame } from './document-model.js'
import type { GroupInput, Output, Seen } from './operations.js'

export interface GroupState {
  readonly left: Seen
  readonly right: Seen
  readonly moves: number
}

/** Two documents and a counter, by group: a move changes all three, a look sees them at one moment. */
export const groupModel: SequentialModel<GroupState, GroupInput, Output> = {
  initial: { left: null, right: null, moves: 0 },
  step: (state, input, returned) => {
    const { left, moves, right } = state
    switch (input.do) {
      case 'set':
        return { ...state, [input.side]: { mark: input.mark, from: null } }
      case 'move': {
        const { mark } = input
        return {
          left: { mark, from: left?.mark ?? null },
          right: { mark, from: right?.mark ?? null },
          moves: moves + 1,
        }
      }
      case 'look': {
        const output = returned?.output
        if (typeof output !== 'object' || !('left' in output)) return state
        const isSeen =
          isSame(output.left, left) && isSame(output.right, right) && output.moves === moves
        return isSeen ? state : undefined
      }
    }
  },
  digest: ({ left, right, moves }) => `${digestOf(left)} ${digestOf(right)} ${moves}`,
  partition: ({ group }) => group,
}
