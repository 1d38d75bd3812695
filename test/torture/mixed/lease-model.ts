import type { SequentialModel } from '../../../src/testing/index.js'
import { digestOf, isRefused, isSame, seenIn } from './document-model.js'
import type { LeaseInput, Output, Seen } from './operations.js'

export interface LeaseState {
  /** No token up to this one is given again. */
  readonly floor: number
  /** Who may write; undefined when it was given back, or taken by who died before he told his token. */
  readonly holder: number | undefined
  readonly document: Seen
}

/**
 * A lease by name, with its document. Tokens rise, and who wants to write is refused if, and only if, he has given
 * the lease back or another has taken it since.
 */
export const leaseModel: SequentialModel<LeaseState, LeaseInput, Output> = {
  initial: { floor: 0, holder: undefined, document: null },
  step: (state, input, returned) => {
    const { document, floor, holder } = state
    const output = returned?.output
    if (isRefused(output)) return input.do === 'write' && holder === input.token ? undefined : state
    switch (input.do) {
      case 'take': {
        if (typeof output !== 'object' || !('token' in output))
          return { ...state, holder: undefined }
        const { token } = output
        return token > floor ? { floor: token, holder: token, document } : undefined
      }
      case 'give':
        return holder === input.token ? { ...state, holder: undefined } : state
      case 'read': {
        const seen = seenIn(output)
        return seen === undefined || isSame(seen, document) ? state : undefined
      }
      case 'write': {
        if (holder !== input.token) return returned === undefined ? state : undefined
        const next = { mark: input.mark, from: document?.mark ?? null }
        const seen = seenIn(output)
        return seen === undefined || isSame(seen, next) ? { ...state, document: next } : undefined
      }
    }
  },
  digest: ({ document, floor, holder }) => `${floor} ${holder} ${digestOf(document)}`,
  partition: ({ name }) => name,
}
