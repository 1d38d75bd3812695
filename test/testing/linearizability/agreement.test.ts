import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkLinearizability, type SequentialModel } from '../../../src/testing/index.js'
import { campaignSeed, report, rounds } from '../../support/campaign.js'
import { seededRandom } from '../../support/random.js'
import {
  isLinearizableByForce,
  operation,
  type RegisterInput,
  type RegisterOperation,
  type RegisterOutput,
  registers,
  together,
} from './register.js'

const settings = { seed: campaignSeed, numRuns: rounds(2000, 200_000) }

const input = fc.oneof(
  fc.record({ key: fc.constantFrom('x', 'y') }),
  fc.record({ key: fc.constantFrom('x', 'y'), write: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    key: fc.constantFrom('x', 'y'),
    write: fc.integer({ min: 1, max: 3 }),
    ifHolds: fc.integer({ min: 0, max: 3 }),
  }),
) as fc.Arbitrary<RegisterInput>

/** Of a register that takes each operation at one moment between its call and its return. */
const atomicHistory = fc
  .array(
    fc.record({
      input,
      before: fc.nat(8),
      after: fc.nat(8),
      isLost: fc.nat(5),
      took: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  .map((calls) => {
    const values = new Map<string, number>()
    return calls.map(({ input, before, after, isLost, took }, moment): RegisterOperation => {
      const { ifHolds, key, write } = input
      const held = values.get(key) ?? 0
      const isWritten = write !== undefined && (ifHolds === undefined || ifHolds === held)
      const returnedAt = isLost === 0 ? 'unknown' : moment + after
      if (isWritten && (isLost > 0 || took)) values.set(key, write)
      const output: RegisterOutput = write === undefined ? held : isWritten
      return operation(`c${moment}`, [moment - before, returnedAt], input, output)
    })
  })

/** Whatever clients may claim. */
const anyHistory = fc
  .array(
    fc.record({
      input,
      at: fc.nat(12),
      for: fc.nat(8),
      isLost: fc.nat(3),
      read: fc.integer({ min: 0, max: 3 }),
      isWritten: fc.boolean(),
    }),
    { maxLength: 7 },
  )
  .map((calls) =>
    calls.map((call, index): RegisterOperation => {
      const { at, input, isLost, isWritten, read } = call
      const output: RegisterOutput = input.write === undefined ? read : isWritten
      const returnedAt = isLost === 0 ? 'unknown' : at + call.for
      return operation(`c${index}`, [at, returnedAt], input, output)
    }),
  )

/** Adds several numbers to a list: the order in which unknown ones come shows for ever. */
const lists: SequentialModel<string, string, string> = {
  initial: '',
  step: (state, item, returned) =>
    returned === undefined || returned.output === state + item ? state + item : undefined,
  digest: (state) => state,
}

const listHistory = fc
  .array(
    fc.record({
      item: fc.constantFrom('a', 'b'),
      at: fc.nat(12),
      for: fc.nat(8),
      isLost: fc.boolean(),
      list: fc.array(fc.constantFrom('a', 'b'), { maxLength: 4 }),
    }),
    { maxLength: 7 },
  )
  .map((calls) =>
    calls.map(({ at, isLost, item, list, ...call }, index) =>
      operation(`c${index}`, [at, isLost ? 'unknown' : at + call.for], item, list.join('') + item),
    ),
  )

describe('the checker', () => {
  it('accepts whatever an atomic register does', () => {
    fc.assert(
      fc.property(atomicHistory, (history) => {
        expect(checkLinearizability(history, registers).verdict).toBe('linearizable')
      }),
      settings,
    )
  })

  it.each([
    ['registers', anyHistory, registers],
    ['lists', listHistory, lists],
  ] as const)('agrees with trying all orders of operations on %s', (what, histories, model) => {
    const verdicts = { linearizable: 0, 'not-linearizable': 0, undecided: 0 }
    fc.assert(
      fc.property(histories as fc.Arbitrary<never[]>, (history) => {
        const { verdict } = checkLinearizability(history, model as never)
        verdicts[verdict] += 1
        const isRight = isLinearizableByForce(history, together(model as never))
        expect(verdict).toBe(isRight ? 'linearizable' : 'not-linearizable')
      }),
      settings,
    )
    report('linearizability checker', { of: what, ...verdicts })
    expect(Math.min(verdicts.linearizable, verdicts['not-linearizable'])).toBeGreaterThan(100)
    expect(verdicts.undecided).toBe(0)
  })

  it('finds each history out in which one read was made stale', () => {
    const random = seededRandom(campaignSeed)
    let found = 0
    for (let round = 0; round < rounds(200, 5000); round++) {
      // Everybody writes values of his own, so that none can come back.
      const history: RegisterOperation[] = []
      for (let moment = 1; moment <= 40; moment++) {
        const times = [moment * 4 - Math.floor(random() * 6), moment * 4 + 1] as const
        const isRead = moment % 4 === 0
        const value = isRead ? moment - 1 : moment
        const input: RegisterInput = isRead ? { key: 'x' } : { key: 'x', write: moment }
        history.push(
          operation<RegisterInput, RegisterOutput>('c', times, input, isRead ? value : true),
        )
      }
      expect(checkLinearizability(history, registers).verdict).toBe('linearizable')
      const index = 3 + 4 * (1 + Math.floor(random() * 8))
      const fresh = history[index] as RegisterOperation
      const stale = { ...fresh, returned: { at: fresh.returned?.at ?? 0, output: index - 6 } }
      const verdict = checkLinearizability(history.with(index, stale), registers).verdict
      if (verdict === 'not-linearizable') found += 1
    }
    expect(found).toBe(rounds(200, 5000))
  })
})
