import type { Log, LogEvent } from 'holdfast'
import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import { anId, type Desk, failure, heard, openDesk, thrown } from './log-stores.js'

describe('append', () => {
  let desk: Desk
  let log: Log<unknown>
  beforeEach(async () => {
    desk = await openDesk()
    log = desk.store.log('events')
  })

  it('takes a type, with data and options or without', async () => {
    await log.append('a')
    await log.append('b', { n: 1 })
    await log.append('c', undefined, { agent: 'planner' })
    await log.append('d', 'text', {})
    expect(await log.query().toArray()).toStrictEqual([
      { id: anId, at: desk.clock.now(), type: 'a', data: undefined },
      { id: anId, at: desk.clock.now(), type: 'b', data: { n: 1 } },
      { id: anId, at: desk.clock.now(), type: 'c', agent: 'planner', data: undefined },
      { id: anId, at: desk.clock.now(), type: 'd', data: 'text' },
    ])
  })

  it('takes data that are no string, with a type in the options or without', async () => {
    await log.append({ channel: 'general' })
    await log.append([1], { type: 'list', agent: 'planner' })
    await log.append(null, { type: 'null' })
    await log.append(7, { agent: 'a' })
    expect(await log.query().toArray()).toStrictEqual([
      { id: anId, at: desk.clock.now(), data: { channel: 'general' } },
      { id: anId, at: desk.clock.now(), type: 'list', agent: 'planner', data: [1] },
      { id: anId, at: desk.clock.now(), type: 'null', data: null },
      { id: anId, at: desk.clock.now(), agent: 'a', data: 7 },
    ])
  })

  it('resolves to the id and the time of the event', async () => {
    const first = await log.append('a')
    desk.clock.advance(5)
    const second = await log.append({ n: 1 })
    expect(second.at - first.at).toBe(5)
    const events = await log.query().toArray()
    expect(events.map(({ id, at }) => ({ id, at }))).toStrictEqual([first, second])
  })

  it('copies the data before it returns', async () => {
    const data = { list: [1] }
    const appending = log.append(data)
    data.list.push(2)
    await appending
    expect((await log.last())[0]?.data).toEqual({ list: [1] })
  })

  it('refuses what cannot be appended, and writes nothing', async () => {
    const { details } = await failure('STATE_INVALID_VALUE', log.append('a', { when: new Date(0) }))
    expect(details.path).toBe('$.when')
    await failure('STATE_INVALID_OPTION', log.append('a', 1, { agent: 7 as never }))
    await failure('STATE_INVALID_OPTION', log.append({}, { type: 7 as never }))
    await failure('STATE_ABORTED', log.append('a', 1, { signal: AbortSignal.abort() }))
    const small = (await openDesk({ maxDocumentBytes: 100 })).store.log('events')
    await failure('STATE_DOCUMENT_TOO_LARGE', small.append('a', 'x'.repeat(100)))
    expect([...(await log.query().toArray()), ...(await small.query().toArray())]).toEqual([])
    expect(await desk.store.logs()).toEqual([])
  })

  it('is refused under a lock that was lost', async () => {
    const lease = await desk.store.lock('deploy')
    await log.append('a', 1, { lease })
    await log.append({ n: 2 }, { lease })
    await lease.release()
    await failure('STATE_LEASE_LOST', log.append('a', 3, { lease }))
    await failure('STATE_LEASE_LOST', log.append({ n: 4 }, { lease }))
    await failure('STATE_LEASE_LOST', log.appendAll([{ data: 5 }], { lease }))
    thrown('STATE_LEASE_LOST', () => log.appendSync('a', 6, { lease }))
    expect((await log.query().toArray()).map(({ data }) => data)).toEqual([1, { n: 2 }])
  })

  it('passes on how durable it is to be', async () => {
    const asked: unknown[] = []
    const { commit, commitBlocking } = desk.storage
    Object.assign(desk.storage, {
      commit: (given: Parameters<typeof commit>[0]) => {
        asked.push(given.durability)
        return commit.call(desk.storage, given)
      },
      commitBlocking: (given: Parameters<typeof commitBlocking>[0]) => {
        asked.push(given.durability)
        return commitBlocking.call(desk.storage, given)
      },
    })
    await log.append('a', 1, { durability: 'process' })
    expect(asked[0]).toBe('process')
    asked.length = 0
    log.appendSync({ n: 1 }, { durability: 'power' })
    expect(asked).toEqual(['power'])
  })

  it('tells those who listen', async () => {
    const appended = heard(desk.store, 'log:appended')
    const failed = heard(desk.store, 'log:append-error')
    const { id } = await log.append('a', 1)
    const both = await log.appendAll([{ data: 1 }, { data: 2 }])
    const sync = log.appendSync('b')
    const durationMs = expect.any(Number)
    expect(appended).toEqual([
      { log: 'events', ids: [id], durationMs },
      { log: 'events', ids: both.map((each) => each.id), durationMs },
      { log: 'events', ids: [sync.id], durationMs },
    ])
    expect(failed).toEqual([])
    const errors = [
      await failure('STATE_INVALID_VALUE', log.append(1n)),
      await failure('STATE_INVALID_VALUE', log.appendAll([{ data: 1n }])),
      thrown('STATE_INVALID_VALUE', () => log.appendSync('a', 1n)),
    ]
    expect(failed).toEqual(errors.map((error) => ({ log: 'events', error })))
    expect(appended).toHaveLength(3)
  })

  it('tells how long it took', async () => {
    const appended = heard(desk.store, 'log:appended')
    const { commit } = desk.storage
    Object.assign(desk.storage, {
      commit: (given: Parameters<typeof commit>[0]) => {
        desk.clock.advance(12)
        return commit.call(desk.storage, given)
      },
    })
    await log.append('a')
    expect(appended[0]?.durationMs).toBe(12)
  })
})

describe('appendAll', () => {
  it('appends all in their order, and resolves to their receipts', async () => {
    const { store, clock } = await openDesk()
    const log = store.log('events')
    const receipts = await log.appendAll([
      { type: 'a', data: 1 },
      { data: 2, agent: 'own' },
      { type: 'c' },
    ])
    const events = await log.query().toArray()
    expect(events.map(({ id, at }) => ({ id, at }))).toStrictEqual(receipts)
    expect(events).toStrictEqual([
      { id: anId, at: clock.now(), type: 'a', data: 1 },
      { id: anId, at: clock.now(), agent: 'own', data: 2 },
      { id: anId, at: clock.now(), type: 'c', data: undefined },
    ])
    expect(await log.appendAll([])).toEqual([])
  })

  it('gives the agent of the options to those without', async () => {
    const log = (await openDesk()).store.log('events')
    await log.appendAll([{ data: 1 }, { data: 2, agent: 'own' }], { agent: 'shared' })
    expect((await log.query().toArray()).map(({ agent }) => agent)).toEqual(['shared', 'own'])
  })

  it('appends none when one is refused', async () => {
    const log = (await openDesk()).store.log('events')
    await failure('STATE_INVALID_VALUE', log.appendAll([{ data: 1 }, { data: () => 1 }]))
    expect(await log.count()).toBe(0)
  })
})

describe('appendSync', () => {
  it('has appended when it returns, in either form', async () => {
    const { store } = await openDesk()
    const log = store.log('events')
    const first = log.appendSync('a', { n: 1 }, { agent: 'x' })
    const second = log.appendSync({ n: 2 }, { type: 'b' })
    expect(await log.query().toArray()).toStrictEqual([
      { ...first, type: 'a', agent: 'x', data: { n: 1 } },
      { ...second, type: 'b', data: { n: 2 } },
    ])
  })
})

describe('logs', () => {
  it('are listed by name, with what they take', async () => {
    const { store } = await openDesk()
    expect(await store.logs()).toEqual([])
    for (const name of ['b', 'a', 'c/d']) await store.log(name).append('x', 'y'.repeat(100))
    const statuses = await store.logs()
    expect(statuses.map(({ log }) => log)).toEqual(['a', 'b', 'c/d'])
    for (const { bytes } of statuses) expect(bytes).toBeGreaterThan(100)
  })

  it('need a name', async () => {
    const { store } = await openDesk()
    for (const name of ['', 'x'.repeat(8193), 7 as never]) {
      expect(thrown('STATE_INVALID_KEY', () => store.log(name)).message).toMatch(/log/)
    }
  })

  it('have types', async () => {
    interface Posted {
      channel: string
    }
    const { store } = await openDesk()
    const log = store.log<Posted>('posts')
    expectTypeOf(log).toEqualTypeOf<Log<Posted>>()
    expectTypeOf(store.log('any')).toEqualTypeOf<Log<unknown>>()
    expectTypeOf(log.query().toArray).returns.resolves.toEqualTypeOf<LogEvent<Posted>[]>()
    expectTypeOf(log.append('a', { channel: 'b' })).resolves.toEqualTypeOf<{
      readonly id: string
      readonly at: number
    }>()
    expectTypeOf<LogEvent<Posted>['type']>().toEqualTypeOf<string | undefined>()
    const check = async (): Promise<void> => {
      await log.append({ channel: 'b' }, { type: 'posted' })
      await log.append('posted')
      await log.append('posted', { channel: 'b' }, { agent: 'c' })
      // @ts-expect-error a channel is text
      await log.append('posted', { channel: 1 })
      // @ts-expect-error there is a channel
      await log.append({ canal: 'b' })
      // @ts-expect-error a type is text
      await log.append({ channel: 'b' }, { type: 1 })
      // @ts-expect-error a channel is text
      await log.appendAll([{ data: { channel: 1 } }])
      // @ts-expect-error what blocks cannot be aborted
      log.appendSync('posted', { channel: 'b' }, { signal: new AbortController().signal })
      for await (const event of log.query()) expectTypeOf(event).toEqualTypeOf<LogEvent<Posted>>()
      for await (const event of log.follow()) expectTypeOf(event).toEqualTypeOf<LogEvent<Posted>>()
    }
    expect(check).toBeTypeOf('function')
    expectTypeOf(log.last).returns.resolves.toEqualTypeOf<LogEvent<Posted>[]>()
    const texts = store.log<string>('texts')
    await texts.append('type', 'text')
    // @ts-expect-error what begins with a string begins with the type
    expectTypeOf(texts.append).toBeCallableWith(['text'])
  })
})
