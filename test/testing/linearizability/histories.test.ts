import { describe, expect, it } from 'vitest'
import { checkLinearizability, type SequentialModel } from '../../../src/testing/index.js'
import { operation, type RegisterOperation, read, registers, write } from './register.js'

const verdictOn = (...history: RegisterOperation[]) =>
  checkLinearizability(history, registers).verdict

describe('a history of a register', () => {
  it('is linearizable when it is empty', () => {
    expect(verdictOn()).toBe('linearizable')
  })

  it('is linearizable when each operation is over before the next', () => {
    expect(verdictOn(write('a', [1, 2], 1), read('b', [3, 4], 1))).toBe('linearizable')
  })

  it('is not when a read is stale', () => {
    expect(verdictOn(write('a', [1, 2], 1), read('b', [3, 4], 0))).toBe('not-linearizable')
  })

  it('lets a read beside a write see either value, in the order of time', () => {
    const writing = write('a', [1, 10], 1)
    expect(verdictOn(writing, read('b', [2, 3], 0), read('b', [4, 5], 1))).toBe('linearizable')
    expect(verdictOn(writing, read('b', [2, 3], 1), read('b', [4, 5], 0))).toBe('not-linearizable')
    expect(verdictOn(writing, read('b', [2, 5], 1), read('c', [4, 6], 0))).toBe('linearizable')
  })

  it('takes what touches for side by side', () => {
    expect(verdictOn(write('a', [1, 2], 1), read('b', [2, 3], 0))).toBe('linearizable')
  })

  it('is not when a value is read that nobody wrote', () => {
    expect(verdictOn(write('a', [1, 10], 1), read('b', [2, 3], 7))).toBe('not-linearizable')
  })

  it('is not when a value is read before it is written', () => {
    expect(verdictOn(read('b', [1, 2], 1), write('a', [3, 4], 1))).toBe('not-linearizable')
  })

  it('is not when a value comes back', () => {
    const history = [write('a', [1, 2], 1), write('b', [3, 4], 2), read('c', [5, 6], 1)]
    expect(verdictOn(...history)).toBe('not-linearizable')
  })

  it('needs no order among its entries', () => {
    const history = [read('c', [5, 6], 2), write('b', [3, 4], 2), write('a', [1, 2], 1)]
    expect(verdictOn(...history)).toBe('linearizable')
  })

  it('tells keys apart', () => {
    const other = operation('c', [5, 6] as const, { key: 'y' }, 0)
    expect(verdictOn(write('a', [1, 2], 1), other as RegisterOperation)).toBe('linearizable')
    const stale = [write('a', [1, 2], 1), read('b', [3, 4], 0), other as RegisterOperation]
    const { counterexamples, partitions, operations } = checkLinearizability(stale, registers)
    expect(counterexamples.map(({ partition }) => partition)).toEqual(['x'])
    expect({ partitions, operations }).toEqual({ partitions: 2, operations: 3 })
  })
})

describe('an operation of unknown outcome', () => {
  const unknown = write('a', [1, 'unknown'], 1)

  it('may have taken effect', () => {
    expect(verdictOn(unknown, read('b', [2, 3], 1))).toBe('linearizable')
  })

  it('may never take effect', () => {
    expect(verdictOn(unknown, read('b', [2, 3], 0), read('b', [4, 5], 0))).toBe('linearizable')
  })

  it('may take effect late', () => {
    expect(verdictOn(unknown, read('b', [2, 3], 0), read('b', [4, 5], 1))).toBe('linearizable')
  })

  it('takes effect once', () => {
    const history = [
      unknown,
      read('b', [2, 3], 1),
      write('b', [4, 5], 2),
      read('b', [6, 7], 2),
      read('b', [8, 9], 1),
    ]
    expect(verdictOn(...history)).toBe('not-linearizable')
  })

  it('takes no effect before its call', () => {
    const late = write('a', [4, 'unknown'], 1)
    expect(verdictOn(read('b', [2, 3], 1), late)).toBe('not-linearizable')
  })

  it('may be one of many, of which few took effect', () => {
    const lost = Array.from({ length: 200 }, (_, at) =>
      write(`lost ${at}`, [at, 'unknown'], at + 1),
    )
    const reads = [150, 30, 199].map((value, at) => read('b', [300 + 2 * at, 301 + 2 * at], value))
    const report = checkLinearizability([...lost, ...reads], registers)
    expect(report.verdict).toBe('linearizable')
    expect(report.configurations).toBeLessThan(10_000)
    const again = read('b', [400, 401], 30)
    expect(verdictOn(...lost, ...reads, again)).toBe('not-linearizable')
  })
})

/** Adds to a number; tells the sum. */
const counter: SequentialModel<number, { readonly by: number }, number> = {
  initial: 0,
  step: (state, { by }, returned) =>
    returned === undefined || returned.output === state + by ? state + by : undefined,
  digest: String,
}

describe('a history of a counter', () => {
  const add = (client: string, times: readonly [number, number | 'unknown'], sum: number) =>
    operation(client, times, { by: 1 }, sum)

  it('is not linearizable when an update is lost', () => {
    const history = [add('a', [1, 5], 1), add('b', [2, 6], 1)]
    expect(checkLinearizability(history, counter).verdict).toBe('not-linearizable')
    expect(checkLinearizability([add('a', [1, 5], 2), add('b', [2, 6], 1)], counter).verdict).toBe(
      'linearizable',
    )
  })

  it('is found right among many equal increments of unknown outcome', () => {
    const unknown = Array.from({ length: 300 }, (_, at) => add(`lost ${at}`, [at, 'unknown'], 0))
    const right = checkLinearizability([...unknown, add('b', [400, 401], 101)], counter)
    expect(right.verdict).toBe('linearizable')
    const wrong = checkLinearizability([...unknown, add('b', [400, 401], 302)], counter)
    expect(wrong.verdict).toBe('not-linearizable')
    expect(wrong.configurations).toBeLessThan(1000)
  })
})

/** Who has the lock; nobody: an empty text. */
const lock: SequentialModel<
  string,
  { readonly who: string; readonly what: 'take' | 'give' },
  null
> = {
  initial: '',
  step: (holder, { who, what }) => {
    if (what === 'take') return holder === '' ? who : undefined
    return holder === who ? '' : undefined
  },
  digest: (holder) => holder,
}

describe('a history of a lock', () => {
  const take = (who: string, times: readonly [number, number | 'unknown']) =>
    operation(who, times, { who, what: 'take' as const }, null)
  const give = (who: string, times: readonly [number, number | 'unknown']) =>
    operation(who, times, { who, what: 'give' as const }, null)

  it('is not linearizable when two take it', () => {
    const report = checkLinearizability([take('a', [1, 2]), take('b', [3, 4])], lock)
    expect(report.verdict).toBe('not-linearizable')
  })

  it('lets another take it that was perhaps given back', () => {
    const history = [take('a', [1, 2]), give('a', [3, 'unknown']), take('b', [4, 5])]
    expect(checkLinearizability(history, lock).verdict).toBe('linearizable')
    expect(checkLinearizability([...history, take('c', [6, 7])], lock).verdict).toBe(
      'not-linearizable',
    )
  })
})

describe('a counterexample', () => {
  it('tells how far an order was found, what that leads to, and what then fits no more', () => {
    const [first, second] = [write('a', [1, 2], 1), read('b', [3, 4], 1)]
    const [stale, beside] = [read('b', [5, 8], 0), read('c', [6, 9], 7)]
    const later = read('d', [10, 11], 1)
    const { counterexamples } = checkLinearizability(
      [first, second, stale, beside, later],
      registers,
    )
    expect(counterexamples).toEqual([
      { partition: 'x', order: [first, second], state: 1, unplaced: [stale, beside] },
    ])
  })
})

describe('a search', () => {
  it('is undecided beyond its limit', () => {
    const writes = Array.from({ length: 16 }, (_, at) => write(`w${at}`, [at, 100 + at], at + 1))
    const history = [...writes, read('r', [200, 201], 77)]
    const report = checkLinearizability(history, registers, { configurationsMax: 100 })
    expect(report.verdict).toBe('undecided')
    expect(report.counterexamples).toEqual([])
    expect(report.undecided.map(({ partition }) => partition)).toEqual(['x'])
    expect(report.configurations).toBeLessThan(150)
  })

  it('finds fault with one object though it gave up another', () => {
    const writes = Array.from({ length: 16 }, (_, at) => write(`w${at}`, [at, 100 + at], at + 1))
    const stale = operation<RegisterOperation['input'], number | boolean>(
      'y',
      [1, 2],
      { key: 'y' },
      5,
    )
    const history = [...writes, read('r', [200, 201], 77), stale]
    const report = checkLinearizability(history, registers, { configurationsMax: 100 })
    expect(report.verdict).toBe('not-linearizable')
    expect(report.undecided.length).toBe(1)
  })

  it('refuses a limit and times that are none', () => {
    const invalid = { code: 'STATE_INVALID_OPTION' }
    const check = (configurationsMax: number) => () =>
      checkLinearizability([], registers, { configurationsMax })
    expect(check(0)).toThrow(expect.objectContaining(invalid))
    expect(check(1.5)).toThrow(expect.objectContaining(invalid))
    const backwards = () => checkLinearizability([write('a', [2, 1], 1)], registers)
    expect(backwards).toThrow(expect.objectContaining(invalid))
    const never = () => checkLinearizability([write('a', [Number.NaN, 1], 1)], registers)
    expect(never).toThrow(expect.objectContaining(invalid))
  })
})
