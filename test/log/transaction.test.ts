import { type Collection, type Log, StateStore, type Transaction } from 'holdfast'
import { MemoryStorage } from 'holdfast/memory'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Desk, dataOf, failure, heard, openDesk } from './log-stores.js'

describe('a transaction that appends', () => {
  let desk: Desk
  let store: StateStore
  let tasks: Collection<number>
  let log: Log<unknown>
  beforeEach(async () => {
    desk = await openDesk()
    store = desk.store
    tasks = store.collection<number>('tasks')
    log = store.log('events')
  })

  it('writes documents and events in one commit, in either form', async () => {
    await store.transaction((tx) => {
      tx.append(log, 'started', { n: 1 }, { agent: 'a' })
      tx.set(tasks, 'a', 1)
      tx.append(store.log('other'), { aside: true })
      tx.append(log, { n: 2 }, { type: 'ended', agent: 'b' })
      tx.append(log, 'empty')
    })
    const events = await log.query().toArray()
    expect(events.map(({ type, agent, data }) => [type, agent, data])).toEqual([
      ['started', 'a', { n: 1 }],
      ['ended', 'b', { n: 2 }],
      ['empty', undefined, undefined],
    ])
    expect(await dataOf(store.log('other').query())).toEqual([{ aside: true }])
    const document = await tasks.read('a')
    expect(new Set([...events.map(({ at }) => at), document?.savedAt]).size).toBe(1)
  })

  it('may write events alone', async () => {
    expect(
      await store.transaction(async (tx) => {
        tx.append(log, 'a', (await tx.get(tasks, 'a')) ?? 'none')
        return 'done'
      }),
    ).toBe('done')
    expect(await dataOf(log.query())).toEqual(['none'])
  })

  it('appends nothing when it fails', async () => {
    const reason = new Error('changed my mind')
    const failing = async (tx: Transaction): Promise<void> => {
      tx.append(log, 'a')
      tx.set(tasks, 'a', 1)
      throw reason
    }
    await expect(store.transaction(failing)).rejects.toBe(reason)
    const lock = await store.lock('deploy')
    await lock.release()
    await failure(
      'STATE_LEASE_LOST',
      store.transaction((tx) => tx.append(log, 'a'), { lease: lock }),
    )
    await failure(
      'STATE_DOCUMENT_TOO_LARGE',
      store.transaction((tx) => {
        tx.set(tasks, 'a', 1)
        tx.append(log, 'a', 'x'.repeat(17 * 1024 * 1024))
      }),
    )
    expect(await store.logs()).toEqual([])
    expect(await tasks.has('a')).toBe(false)
  })

  it('appends once, however often it is tried', async () => {
    await tasks.set('a', 0)
    let tries = 0
    await store.transaction(async (tx) => {
      tries += 1
      const value = (await tx.get(tasks, 'a')) ?? 0
      tx.append(log, 'tried', { tries })
      if (tries < 3) await tasks.set('a', value + 1)
      tx.set(tasks, 'b', value)
    })
    expect(tries).toBe(3)
    expect(await dataOf(log.query())).toEqual([{ tries: 3 }])
  })

  it('refuses data at once, and copies them', async () => {
    const data = { list: [1] }
    await store.transaction((tx) => {
      const refusal = expect.objectContaining({ code: 'STATE_INVALID_VALUE' })
      expect(() => tx.append(log, 'a', { when: new Date(0) })).toThrow(refusal)
      expect(() => tx.append(log, { when: new Date(0) })).toThrow(refusal)
      tx.append(log, data)
      data.list.push(2)
    })
    expect(await dataOf(log.query())).toEqual([{ list: [1] }])
  })

  it('takes nothing once it has ended', async () => {
    let kept: Transaction | undefined
    await store.transaction((tx) => {
      kept = tx
    })
    expect(() => kept?.append(log, 'late')).toThrow(
      expect.objectContaining({ code: 'STATE_CLOSED' }),
    )
    expect(await log.count()).toBe(0)
  })

  it('is told, by log', async () => {
    const told = heard(store, 'log:appended')
    await store.transaction((tx) => {
      tx.append(log, 'a')
      tx.append(store.log('other'), 'b')
      tx.append(log, 'c')
    })
    const ids = async (of: Log<unknown>): Promise<string[]> =>
      (await of.query().toArray()).map(({ id }) => id)
    const durationMs = expect.any(Number)
    expect(told).toEqual([
      { log: 'events', ids: await ids(log), durationMs },
      { log: 'other', ids: await ids(store.log('other')), durationMs },
    ])
  })

  it('is refused in a store that is read-only', async () => {
    const storage = new MemoryStorage()
    const reader = await new StateStore({ storage, readOnly: true }).open()
    const error = await failure(
      'STATE_READ_ONLY',
      reader.transaction((tx) => tx.append(reader.log('events'), 'a')),
    )
    expect(error.message).toContain('events')
    expect(await reader.log('events').count()).toBe(0)
    await reader.close()
  })
})
