import type { Log, LogFilter } from 'holdfast'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Desk, dataOf, failure, openDesk, thrown } from './log-stores.js'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

describe('query', () => {
  let desk: Desk
  let log: Log<number>
  let startMs: number
  let ids: string[]

  /** Ten events, an hour apart, of which the last is an hour old. */
  beforeEach(async () => {
    desk = await openDesk()
    log = desk.store.log<number>('events')
    startMs = desk.clock.now()
    ids = []
    for (let n = 0; n < 10; n++) {
      const type = n % 3 === 0 ? 'third' : 'other'
      const { id } = await log.append(type, n, { agent: n % 2 === 0 ? 'even' : 'odd' })
      ids.push(id)
      desk.clock.advance(hourMs)
    }
  })

  const answer = (filter?: LogFilter<number>): Promise<number[]> => dataOf(log.query(filter))
  const fromTo = (from: number, to: number): number[] =>
    Array.from({ length: Math.max(to - from, 0) }, (_, index) => from + index)

  it('gives everything, oldest first', async () => {
    expect(await answer()).toEqual(fromTo(0, 10))
    expect(await answer({})).toEqual(fromTo(0, 10))
    expect((await log.query().toArray()).map(({ id }) => id)).toEqual(ids)
    expect(await dataOf(desk.store.log<number>('absent').query())).toEqual([])
  })

  it('takes milliseconds, dates and ISO times', async () => {
    const at = (n: number): number => startMs + n * hourMs
    for (const time of [at(4), new Date(at(4)), new Date(at(4)).toISOString()]) {
      expect(await answer({ since: time })).toEqual(fromTo(4, 10))
      expect(await answer({ until: time })).toEqual(fromTo(0, 4))
      expect(await answer({ since: time, until: at(6) })).toEqual([4, 5])
    }
    expect(await answer({ since: at(4) + 1 })).toEqual(fromTo(5, 10))
    expect(await answer({ until: at(4) + 1 })).toEqual(fromTo(0, 5))
    expect(new Date(startMs).toISOString()).toBe('2026-01-01T00:00:00.000Z')
    expect(await answer({ since: '2026-01-01T06:00+02:00' })).toEqual(fromTo(4, 10))
    expect(await answer({ since: '2026-01-01T04:00:00Z' })).toEqual(fromTo(4, 10))
    expect(await answer({ since: '2026-01-01', until: '2026-01-02' })).toEqual(fromTo(0, 10))
    expect(await answer({ since: '2026-01-02' })).toEqual([])
    expect(await answer({ since: at(6), until: at(2) })).toEqual([])
  })

  it('takes durations back from now', async () => {
    const cases: readonly [duration: string, from: number][] = [
      ['3600s', 9],
      ['3599s', 10],
      ['90m', 9],
      ['120m', 8],
      ['2h', 8],
      ['1.5h', 9],
      ['0.1d', 8],
      ['1d', 0],
      ['0s', 10],
    ]
    for (const [duration, from] of cases) {
      expect(await answer({ since: duration }), duration).toEqual(fromTo(from, 10))
      expect(await answer({ until: duration }), duration).toEqual(fromTo(0, from))
      expect(await dataOf(log.recent(duration)), duration).toEqual(fromTo(from, 10))
    }
    desk.clock.advance(13 * 24 * hourMs)
    expect(await answer({ since: '1w' })).toEqual([])
    expect(await answer({ since: '2w' })).toEqual(fromTo(0, 10))
    expect(await dataOf(log.recent('2w', { type: 'third', limit: 2 }))).toEqual([0, 3])
  })

  it('looks at the clock when it is asked, not when it is read', async () => {
    const query = log.query({ since: '2h' })
    desk.clock.advance(24 * hourMs)
    expect(await dataOf(query)).toEqual([8, 9])
  })

  it('refuses what is no time', async () => {
    const wrong: readonly unknown[] = [
      ...[Number.NaN, Number.POSITIVE_INFINITY, new Date(Number.NaN), '', 'yesterday', '1', 'h'],
      ...['1 h', '1y', '-1h', '1H', '1h30m', '2026', '2026-13-01', '12:00', '2026-01-01T00:00:00'],
      ...['Jan 1 2026', null, {}, true, 1n],
    ]
    for (const time of wrong) {
      const since = time as string
      const { hint } = thrown('STATE_INVALID_OPTION', () => log.query({ since }))
      expect(hint).toContain('1h')
      thrown('STATE_INVALID_OPTION', () => log.query({ until: since }))
      await failure('STATE_INVALID_OPTION', log.last(1, { since }))
      await failure('STATE_INVALID_OPTION', log.count({ since }))
    }
    for (const time of ['2026-01-01', 5 as never, '', undefined as never]) {
      thrown('STATE_INVALID_OPTION', () => log.recent(time))
    }
  })

  it('goes by type and agent', async () => {
    expect(await answer({ type: 'third' })).toEqual([0, 3, 6, 9])
    expect(await answer({ type: ['third', 'absent'] })).toEqual([0, 3, 6, 9])
    expect(await answer({ type: ['third', 'other'] })).toEqual(fromTo(0, 10))
    expect(await answer({ type: [] })).toEqual([])
    expect(await answer({ agent: 'odd' })).toEqual([1, 3, 5, 7, 9])
    expect(await answer({ agent: 'odd', type: 'third' })).toEqual([3, 9])
    expect(await answer({ agent: 'absent' })).toEqual([])
  })

  it('goes by a function, which sees what meets the rest', async () => {
    const seen: unknown[] = []
    const where: LogFilter<number>['where'] = (event) => {
      seen.push([event.data, event.type, event.agent, event.id === ids[event.data]])
      return event.data > 4
    }
    expect(await answer({ type: 'third', where })).toEqual([6, 9])
    expect(seen).toEqual([0, 3, 6, 9].map((n) => [n, 'third', n % 2 ? 'odd' : 'even', true]))
  })

  it('begins after an id', async () => {
    expect(await answer({ after: ids[3] })).toEqual(fromTo(4, 10))
    expect(await answer({ after: '0.0' })).toEqual(fromTo(0, 10))
    expect(await answer({ after: ids[9] })).toEqual([])
    expect(await answer({ after: ids[3], reverse: true })).toEqual(fromTo(4, 10).reverse())
  })

  it('goes back, and stops at a limit', async () => {
    expect(await answer({ reverse: true })).toEqual(fromTo(0, 10).reverse())
    for (const limit of [0, 1, 2, 9, 10, 11, Number.POSITIVE_INFINITY]) {
      const from = Math.max(10 - limit, 0)
      expect(await answer({ limit })).toEqual(fromTo(0, Math.min(limit, 10)))
      expect(await answer({ limit, reverse: true })).toEqual(fromTo(from, 10).reverse())
      expect(await log.query({ limit }).toArray()).toHaveLength(Math.min(limit, 10))
      expect(await log.count({ limit })).toBe(Math.min(limit, 10))
    }
    expect(await answer({ limit: 2, type: 'third', where: ({ data }) => data > 0 })).toEqual([3, 6])
  })

  it('refuses options of other kinds', () => {
    const wrong: readonly Record<string, unknown>[] = [
      { limit: -1 },
      { limit: 1.5 },
      { limit: Number.NaN },
      { limit: '1' },
      { type: 7 },
      { type: ['a', 7] },
      { type: null },
      { agent: 7 },
      { after: 'soon' },
      { after: 12 },
      { where: true },
    ]
    for (const filter of wrong) {
      const { message } = thrown('STATE_INVALID_OPTION', () => log.query(filter))
      expect(message).toContain(Object.keys(filter)[0])
    }
  })

  it('last gives the newest, newest first', async () => {
    expect((await log.last()).map(({ data }) => data)).toEqual([9])
    expect((await log.last(3)).map(({ data }) => data)).toEqual([9, 8, 7])
    expect(await log.last(0)).toEqual([])
    expect((await log.last(2, { type: 'third' })).map(({ data }) => data)).toEqual([9, 6])
    expect((await log.last(1, { until: '5h' })).map(({ data }) => data)).toEqual([4])
    expect(await desk.store.log('absent').last()).toEqual([])
    await failure('STATE_INVALID_OPTION', log.last(-1))
  })

  it('count counts what meets all conditions', async () => {
    expect(await log.count()).toBe(10)
    expect(await log.count({ type: 'third' })).toBe(4)
    expect(await log.count({ since: '3h', where: ({ data }) => data % 2 === 1 })).toBe(2)
  })

  it('can be iterated again, and reads anew', async () => {
    const query = log.query({ type: 'third' })
    expect(await dataOf(query)).toEqual([0, 3, 6, 9])
    await log.append('third', 10)
    expect(await dataOf(query)).toEqual([0, 3, 6, 9, 10])
    expect((await query.toArray()).map(({ data }) => data)).toEqual([0, 3, 6, 9, 10])
  })
})
