/** Each thing that can be wrong is complained of, and nothing else. */
import { describe, expect, it } from 'vitest'
import type { Mark } from '../log-ledger.js'
import { type Evidence, judge } from './judge.js'
import type { StandingEvent } from './log-judge.js'
import type { Input, MixedOperation, Output } from './operations.js'

const mark = (seq: number, changes: Partial<Mark> = {}): Mark => ({
  ...{ writer: 'p0.1', lane: 0, seq, kind: 'one', part: 0, parts: 1, padding: '' },
  ...changes,
})

const event = (id: string, seq: number, changes?: Partial<Mark>): StandingEvent => ({
  id,
  data: mark(seq, changes),
})

const operation = (at: number, input: Input, output?: Output): MixedOperation => ({
  ...{ client: 'p0.1', calledAt: at, input },
  ...(output !== undefined && { returned: { at: at + 1, output } }),
})

const append = (at: number, seq: number, id?: string): MixedOperation =>
  operation(
    at,
    { on: 'log', log: 'sent', do: 'append', lane: 0, seq, parts: 1 },
    id === undefined ? undefined : { ids: [id] },
  )

const seen = (...records: readonly [id: string, seq: number][]) =>
  records.map(([id, seq]) => ({ id, name: `p0.1#${seq}.0` }))

const query = (at: number, after: string, ...records: readonly [string, number][]) =>
  operation(at, { on: 'log', log: 'sent', do: 'query', after }, { records: seen(...records) })

const move = (at: number, name: string, output?: Output): MixedOperation =>
  operation(at, { on: 'group', group: 'near', do: 'move', mark: name }, output)

const nothing: Evidence = {
  ...{ history: [], lastReadingsAt: 20, standing: new Map(), moved: [], followed: [], hits: 0 },
}

const complaintsAbout = (evidence: Partial<Evidence>): string =>
  judge({ ...nothing, ...evidence }).complaints.join('\n')

const sent = (...events: StandingEvent[]) => new Map([['sent', events]])

describe('a log', () => {
  const standing = sent(event('1.1', 1), event('1.2', 2))
  const appended = [append(1, 1, '1.1'), append(3, 2, '1.2')]

  it('is right when it holds what was acknowledged, once and in order', () => {
    const followed = [{ process: 'p1', log: 'sent', records: seen(['1.1', 1], ['1.2', 2]) }]
    const reads = [query(5, '0.0', ['1.1', 1], ['1.2', 2]), query(7, '1.1', ['1.2', 2])]
    const history = [...appended, ...reads]
    expect(complaintsAbout({ history, standing, followed })).toBe('')
  })

  it('may hold what was not acknowledged', () => {
    expect(complaintsAbout({ history: [append(1, 1, '1.1'), append(3, 2)], standing })).toBe('')
    const history = [append(1, 1, '1.1'), append(3, 2)]
    expect(complaintsAbout({ history, standing: sent(event('1.1', 1)) })).toBe('')
  })

  it.each<[string, StandingEvent[], RegExp]>([
    ['an event is missing', [event('1.1', 1)], /is missing/],
    ['one has another id', [event('1.1', 1), event('1.3', 2)], /is missing/],
    ['one stands twice', [event('1.1', 1), event('1.2', 2), event('1.3', 2)], /stands twice/],
    ['they stand in another order', [event('1.2', 2), event('1.1', 1)], /stands behind/],
    ['nobody has appended one', [event('1.1', 1), event('1.2', 2), event('1.3', 3)], /nobody/],
  ])('is wrong when %s', (_, events, complaint) => {
    expect(complaintsAbout({ history: appended, standing: sent(...events) })).toMatch(complaint)
  })

  it.each<[string, MixedOperation, RegExp]>([
    ['does not see what was acknowledged', query(9, '0.0', ['1.1', 1]), /acknowledged before/],
    ['leaves one out', query(9, '0.0', ['1.2', 2]), /saw 1.2, 0 after 0.0/],
    ['sees one twice', query(9, '1.1', ['1.1', 1], ['1.2', 2]), /saw 1.1, 0 after 1.1/],
    ['sees another under its id', query(9, '0.0', ['1.1', 7], ['1.2', 2]), /where another stands/],
  ])('is wrong when a query %s', (_, read, complaint) => {
    expect(complaintsAbout({ history: [...appended, read], standing })).toMatch(complaint)
  })

  it('need not be seen whole by a query that began before', () => {
    const history = [append(1, 1, '1.1'), append(3, 2, '1.2'), query(3.5, '0.0', ['1.1', 1])]
    expect(complaintsAbout({ history, standing })).toBe('')
  })

  it('is wrong when who follows misses one', () => {
    const followed = [{ process: 'p1', log: 'sent', records: seen(['1.2', 2]) }]
    expect(complaintsAbout({ history: appended, standing, followed })).toMatch(/p1 saw 1.2/)
  })

  it('may show a record under an id that passes and was told to nobody', () => {
    const followed = [
      {
        process: 'p1',
        log: 'sent',
        records: seen(['1.1', 1], ['1.1', 1], ['1.2', 2]).with(1, {
          id: '1.15',
          name: 'p0.1#2.0',
        }),
      },
    ]
    const { complaints, figures } = judge({ ...nothing, history: appended, standing, followed })
    expect(complaints).toEqual([])
    expect(figures.passing).toBe(1)
  })
})

describe('moves', () => {
  const moved = [event('1.1', 0, { padding: 'm1' })]
  const look = (at: number, moves: number, name: string | null): MixedOperation => {
    const side = name === null ? null : { mark: name, from: null }
    const output = { left: side, right: side, moves }
    return operation(at, { on: 'group', group: 'near', do: 'look' }, output)
  }

  it('have one event each', () => {
    const history = [move(1, 'm1', 'done'), look(3, 1, 'm1')]
    expect(complaintsAbout({ history, moved })).toBe('')
    expect(complaintsAbout({ history, moved: [] })).toMatch(/m1 has 0 events/)
    expect(complaintsAbout({ history, moved: [...moved, ...moved] })).toMatch(/m1 has 2 events/)
    expect(complaintsAbout({ history: [], moved })).toMatch(/nobody made the move m1/)
  })

  it('of unknown outcome show in the documents if, and only if, their event stands', () => {
    expect(complaintsAbout({ history: [move(1, 'm1'), look(3, 1, 'm1')], moved })).toBe('')
    expect(complaintsAbout({ history: [move(1, 'm1'), look(3, 0, null)], moved: [] })).toBe('')
    const missing = [move(1, 'm1'), look(3, 1, 'm1')]
    expect(complaintsAbout({ history: missing, moved: [] })).toMatch(/^group near is not linear/m)
    // Nobody may see it yet, but the last readings must.
    const forgotten = [move(1, 'm1'), look(3, 0, null), operation(21, counterRead, { value: 0 })]
    expect(complaintsAbout({ history: forgotten, moved })).toMatch(
      /^counter moves-near is not linear/m,
    )
  })

  const counterRead: Input = { on: 'counter', name: 'moves-near', do: 'read' }
})

describe('hits', () => {
  const increment: Input = { on: 'counter', name: 'hits', do: 'increment' }
  const history = [operation(1, increment, { value: 1 }), operation(3, increment)]

  it('are those that were acknowledged, and perhaps those of unknown outcome', () => {
    expect(complaintsAbout({ history, hits: 1 })).toBe('')
    expect(complaintsAbout({ history, hits: 2 })).toBe('')
    expect(complaintsAbout({ history, hits: 0 })).toMatch(/hits are 0/)
    expect(complaintsAbout({ history, hits: 3 })).toMatch(/hits are 3/)
  })
})

describe('a document', () => {
  const set: Input = { on: 'document', key: 'first', do: 'set', mark: 'a' }
  const read: Input = { on: 'document', key: 'first', do: 'read' }
  const setIf: Input = {
    ...{ on: 'document', key: 'first', do: 'set if' },
    mark: 'b',
    ifRevision: '1.1',
  }

  it('has one revision for each write', () => {
    const seen = { mark: 'a', from: null }
    const history = [
      operation(1, set, { written: '1.1' }),
      operation(3, read, { seen, revision: '1.2' }),
    ]
    expect(complaintsAbout({ history })).toMatch(/a has the revisions 1.1 and 1.2/)
  })

  it('is written on a condition if, and only if, that holds', () => {
    const refused = { refused: 'STATE_REVISION_CONFLICT' }
    const written = { written: '1.2' }
    const first = operation(1, set, { written: '1.1' })
    const removed = operation(3, { on: 'document', key: 'first', do: 'delete' }, { existed: true })
    expect(complaintsAbout({ history: [first, operation(5, setIf, written)] })).toBe('')
    expect(complaintsAbout({ history: [first, removed, operation(5, setIf, refused)] })).toBe('')
    expect(complaintsAbout({ history: [first, operation(5, setIf, refused)] })).toMatch(
      /not linear/,
    )
    const wrong = [first, removed, operation(5, setIf, written)]
    expect(complaintsAbout({ history: wrong })).toMatch(/not linear/)
  })
})

describe('a lease', () => {
  const take: Input = { on: 'lease', name: 'gate', do: 'take' }
  const write = (token: number, name: string): Input => ({
    ...{ on: 'lease', name: 'gate', do: 'write' },
    token,
    mark: name,
  })
  const wrote = (name: string, from: string | null) => ({ seen: { mark: name, from } })

  it('is written under by its newest holder alone', () => {
    const taken = [operation(1, take, { token: 1 }), operation(3, take, { token: 2 })]
    const right = [...taken, operation(5, write(2, 'b'), wrote('b', null))]
    expect(complaintsAbout({ history: right })).toBe('')
    const wrong = [...taken, operation(5, write(1, 'a'), wrote('a', null))]
    expect(complaintsAbout({ history: wrong })).toMatch(/lease gate is not linear/)
    const refused = [...taken, operation(5, write(1, 'a'), { refused: 'STATE_LEASE_LOST' })]
    expect(complaintsAbout({ history: refused })).toBe('')
    const groundless = [...taken, operation(5, write(2, 'b'), { refused: 'STATE_LEASE_LOST' })]
    expect(complaintsAbout({ history: groundless })).toMatch(/lease gate is not linear/)
    const seen = { seen: { mark: 'a', from: null } }
    const nonetheless = operation(7, { on: 'lease', name: 'gate', do: 'read' }, seen)
    expect(complaintsAbout({ history: [...refused, nonetheless] })).toMatch(/gate is not linear/)
  })

  it('has rising tokens', () => {
    const history = [operation(1, take, { token: 2 }), operation(3, take, { token: 2 })]
    expect(complaintsAbout({ history })).toMatch(/lease gate is not linear/)
  })

  it('is nobody’s once it was given back', () => {
    const given: Input = { on: 'lease', name: 'gate', do: 'give', token: 1 }
    const history = [
      operation(1, take, { token: 1 }),
      operation(3, given, 'done'),
      operation(5, write(1, 'a'), wrote('a', null)),
    ]
    expect(complaintsAbout({ history })).toMatch(/lease gate is not linear/)
  })
})
