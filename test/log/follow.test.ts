import { type FollowOptions, type Log, type LogEvent, StateStoreError } from 'holdfast'
import { beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Desk, failure, heard, microtasks, nextRound, openDesk, thrown } from './log-stores.js'

interface Follower {
  readonly seen: unknown[]
  readonly events: LogEvent<unknown>[]
  /** Resolves when the following has ended. */
  readonly ended: Promise<void>
}

function follower<T>(log: Log<T>, options?: FollowOptions): Follower {
  const events: LogEvent<unknown>[] = []
  const seen: unknown[] = []
  const following = log.follow(options)
  const consume = async (): Promise<void> => {
    for await (const event of following) {
      events.push(event)
      seen.push(event.data)
    }
  }
  const ended = consume()
  ended.catch(() => undefined)
  return { seen, events, ended }
}

/** Lets everybody do what can be done without time passing. */
async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) await nextRound()
}

describe('follow', () => {
  let desk: Desk
  let log: Log<unknown>
  beforeEach(async () => {
    desk = await openDesk({ groupLength: 4 })
    log = desk.store.log('events')
  })

  async function pass(durationMs: number): Promise<void> {
    await settle()
    desk.clock.advance(durationMs)
    await settle()
  }

  it('gives what is committed from now on, as it comes', async () => {
    await log.append('before')
    const { seen, events } = follower(log)
    await pass(100)
    expect(seen).toEqual([])
    const { id, at } = await log.append('a', 1, { agent: 'x' })
    await pass(99)
    expect(seen).toEqual([])
    await pass(1)
    expect(events).toStrictEqual([{ id, at, type: 'a', agent: 'x', data: 1 }])
    await log.append('b', 2)
    await log.append('b', 3)
    await pass(100)
    expect(seen).toEqual([1, 2, 3])
    await pass(1000)
    expect(seen).toEqual([1, 2, 3])
  })

  it('takes the moment it is called for now', async () => {
    await log.append('a', 'before')
    const following = log.follow()
    await log.append('a', 1)
    const iterator = following[Symbol.asyncIterator]()
    await log.append('a', 2)
    expect((await iterator.next()).value?.data).toBe(1)
    expect((await iterator.next()).value?.data).toBe(2)
    await iterator.return?.()
  })

  it('follows a log that does not exist yet', async () => {
    const { seen } = follower(log)
    await pass(100)
    await log.append('a', 1)
    await pass(100)
    expect(seen).toEqual([1])
  })

  it('begins after an id', async () => {
    const { id } = await log.append('a', 1)
    await log.append('a', 2)
    const after = follower(log, { after: id })
    const all = follower(log, { after: '0.0' })
    await settle()
    expect([after.seen, all.seen]).toEqual([[2], [1, 2]])
    await log.append('a', 3)
    await pass(100)
    expect([after.seen, all.seen]).toEqual([
      [2, 3],
      [1, 2, 3],
    ])
  })

  it('gives everything once and in order, in whatever amounts it comes', async () => {
    const { seen } = follower(log)
    let next = 0
    for (const count of [1, 3, 4, 5, 9, 1, 0, 30]) {
      await log.appendAll(Array.from({ length: count }, () => ({ data: next++ })))
      await pass(100)
    }
    expect(seen).toEqual([...Array(next).keys()])
  })

  it('goes by type and agent, and reads nothing twice for it', async () => {
    const options = { type: ['a', 'b'], agent: 'x', after: '0.0' }
    const { seen } = follower(log, options)
    await log.append('a', 1, { agent: 'x' })
    await log.append('b', 2, { agent: 'x' })
    await log.append('c', 3, { agent: 'x' })
    await log.append('a', 4, { agent: 'y' })
    const { id } = await log.append('a', 5)
    await pass(100)
    expect(seen).toEqual([1, 2])
    await pass(100)
    expect(desk.readings.at(-1)?.query.after).toBe(id)
    await log.append('a', 6, { agent: 'x' })
    await pass(100)
    expect(seen).toEqual([1, 2, 6])
  })

  it('looks as often as it is told', async () => {
    const { seen } = follower(log, { pollMs: 1000 })
    await settle()
    const looked = desk.readings.length
    await pass(999)
    expect(desk.readings.length).toBe(looked)
    await log.append('a', 1)
    await pass(1)
    expect(seen).toEqual([1])
    expect(desk.readings.length).toBe(looked + 1)
  })

  it('waits without keeping the process alive', async () => {
    const asked: unknown[] = []
    const { clock } = desk
    const sleep = clock.sleep.bind(clock)
    Object.assign(clock, {
      sleep: (durationMs: number, options?: unknown) => {
        asked.push([durationMs, options])
        return sleep(durationMs)
      },
    })
    follower(log)
    await settle()
    expect(asked).toEqual([[100, undefined]])
  })

  it('ends when the signal aborts, without an error and at once', async () => {
    const controller = new AbortController()
    const { seen, ended } = follower(log, { signal: controller.signal })
    await log.append('a', 1)
    await pass(100)
    await log.append('a', 2)
    controller.abort()
    await ended
    expect(seen).toEqual([1])
    expect(desk.readings.every(({ isOver }) => isOver)).toBe(true)
    await pass(1000)
    expect(seen).toEqual([1])
    const looked = desk.readings.length
    await follower(log, { signal: controller.signal }).ended
    await follower(log, { signal: controller.signal, after: '0.0' }).ended
    expect(desk.readings.length).toBe(looked)
  })

  it('ends without an error at whatever moment the signal aborts', async () => {
    await log.appendAll([1, 2, 3, 4, 5].map((data) => ({ data })))
    for (let moment = 0; moment < 60; moment++) {
      const controller = new AbortController()
      const { ended } = follower(log, { after: '0.0', signal: controller.signal })
      await microtasks(moment)
      controller.abort()
      await ended
    }
    expect(desk.readings.every(({ isOver }) => isOver)).toBe(true)
  })

  it('ends without an error when that breaks off a reading', async () => {
    const controller = new AbortController()
    Object.assign(desk.storage, {
      async *readLog({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<never> {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        yield* []
        throw new StateStoreError({ code: 'STATE_ABORTED', message: 'no', operation: 'readLog' })
      },
    })
    const { ended } = follower(log, { after: '0.0', signal: controller.signal })
    await settle()
    controller.abort()
    await ended
  })

  it('gives nothing more once the signal has aborted, also of what was read', async () => {
    const controller = new AbortController()
    await log.appendAll([1, 2, 3].map((data) => ({ data })))
    const seen: unknown[] = []
    for await (const { data } of log.follow({ after: '0.0', signal: controller.signal })) {
      seen.push(data)
      if (data === 2) controller.abort()
    }
    expect(seen).toEqual([1, 2])
    expect(desk.readings[0]?.isOver).toBe(true)
  })

  it('stops reading when the consumer stops', async () => {
    const controller = new AbortController()
    await log.appendAll([1, 2, 3, 4, 5, 6].map((data) => ({ data })))
    for await (const _ of log.follow({ after: '0.0', signal: controller.signal })) break
    expect(desk.readings).toMatchObject([{ groups: 1, isOver: true }])

    const iterator = log.follow()[Symbol.asyncIterator]()
    const waiting = iterator.next()
    await settle()
    const looked = desk.readings.length
    await iterator.return?.()
    expect(await waiting).toEqual({ done: true, value: undefined })
    await pass(1000)
    expect(desk.readings.length).toBe(looked)
  })

  it('forgets the signal when it has ended', async () => {
    const { signal } = new AbortController()
    const listeners = new Set<unknown>()
    const { addEventListener, removeEventListener } = signal
    Object.assign(signal, {
      addEventListener: (...given: Parameters<typeof addEventListener>) => {
        listeners.add(given[1])
        addEventListener.apply(signal, given)
      },
      removeEventListener: (...given: Parameters<typeof removeEventListener>) => {
        listeners.delete(given[1])
        removeEventListener.apply(signal, given)
      },
    })
    await log.append('a', 1)
    const iterator = log.follow({ after: '0.0', signal })[Symbol.asyncIterator]()
    await iterator.next()
    expect(listeners.size).toBe(1)
    await iterator.return?.()
    expect(listeners.size).toBe(0)
  })

  it('fails when it cannot read, and when the store is closed', async () => {
    const problem = new StateStoreError({ code: 'STATE_IO', message: 'no', operation: 'read' })
    const { ended } = follower(log)
    await settle()
    Object.assign(desk.storage, {
      readLog: () => {
        throw problem
      },
    })
    await pass(100)
    await expect(ended).rejects.toBe(problem)
    Reflect.deleteProperty(desk.storage, 'readLog')

    const other = follower(log)
    await settle()
    await desk.store.close()
    await pass(100)
    await failure('STATE_CLOSED', other.ended)
  })

  it('works in a store that is only read', async () => {
    await log.append('a', 'before')
    const { commit } = desk.storage
    Object.assign(desk.storage, {
      commit: async () => {
        throw new StateStoreError({
          code: 'STATE_READ_ONLY',
          message: 'only read',
          operation: 'commit',
        })
      },
    })
    const { seen } = follower(log)
    const absent = follower(desk.store.log('absent'))
    await settle()
    Object.assign(desk.storage, { commit })
    await log.append('a', 1)
    await desk.store.log('absent').append('a', 2)
    await pass(100)
    expect([seen, absent.seen]).toEqual([[1], [2]])
  })

  it('leaves out what does not fit the schema, and tells of it', async () => {
    const told = heard(desk.store, 'log:invalid')
    const { seen } = follower(desk.store.log('events', { schema: z.number() }))
    await settle()
    await log.append('a', 1)
    const { id } = await log.append('a', 'two')
    await log.append('a', 3)
    await pass(100)
    expect(seen).toEqual([1, 3])
    expect(told).toMatchObject([{ log: 'events', id }])
  })

  it('refuses options of other kinds', () => {
    for (const pollMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '1' as never]) {
      thrown('STATE_INVALID_OPTION', () => log.follow({ pollMs }))
    }
    thrown('STATE_INVALID_OPTION', () => log.follow({ after: 'soon' }))
    thrown('STATE_INVALID_OPTION', () => log.follow({ type: 7 as never }))
    thrown('STATE_INVALID_OPTION', () => log.follow({ agent: 7 as never }))
  })
})
