import type { Collection, Counters, StateStore } from 'holdfast'
import { ManualClock } from 'holdfast/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { everyStore, failure } from '../store/homes.js'

describe.each(everyStore)('counting in transactions on $name', ({ open }) => {
  let store: StateStore
  let counters: Counters
  let tasks: Collection<string>
  let documents: Collection<unknown>
  beforeEach(async () => {
    store = await open()
    counters = store.counters
    tasks = store.collection<string>('tasks')
    documents = store.collection('counters')
  })

  it('counts at commit, with the documents', async () => {
    const revisions = new Set<string>()
    store.on('state:saved', ({ revision }) => revisions.add(revision))
    await store.transaction((tx) => {
      tx.set(tasks, 'a', 'done')
      tx.increment('done')
      tx.increment({ done: 2, failed: 3 }, { per: 'day' })
      tx.increment('done', -1)
    })
    expect(await counters.all()).toEqual({ done: 2, failed: 3 })
    expect(await counters.get('done', { per: 'day' })).toBe(2)
    expect(await tasks.get('a')).toBe('done')
    expect(revisions.size).toBe(1)
  })

  it('counts nothing when the function fails, or the commit, and writes nothing', async () => {
    const reason = new Error('changed my mind')
    const failing = store.transaction((tx) => {
      tx.increment('done')
      throw reason
    })
    await expect(failing).rejects.toBe(reason)
    await counters.increment('full', Number.MAX_SAFE_INTEGER)
    await failure(
      'STATE_INVALID_VALUE',
      store.transaction((tx) => {
        tx.set(tasks, 'a', 'done')
        tx.increment({ done: 1, full: 1 })
      }),
    )
    expect(await counters.all()).toEqual({ full: Number.MAX_SAFE_INTEGER })
    expect(await tasks.has('a')).toBe(false)
  })

  it('refuses arguments at once, and increments after the end', async () => {
    await store.transaction(async (tx) => {
      expect(() => tx.increment('done', 0.5)).toThrowError(/cannot be counted by 0.5/)
      expect(() => tx.increment('done', 1, { per: 'day', timeZone: 'Mars' })).toThrowError(/Mars/)
    })
    expect(await counters.all()).toEqual({})
    let kept: { increment(name: string): void } | undefined
    await store.transaction((tx) => {
      kept = tx
    })
    expect(() => kept?.increment('done')).toThrowError(/has ended/)
  })

  it('does not run again because of others that count the same', async () => {
    let runs = 0
    await store.transaction(async (tx) => {
      runs += 1
      tx.increment('done')
      await counters.increment('done', 10)
      await tx.get(tasks, 'a')
      await counters.increment('done', 100)
    })
    expect(runs).toBe(1)
    expect(await counters.get('done')).toBe(111)
    const work = Array.from({ length: 30 }, () =>
      store.transaction((tx) => {
        runs += 1
        tx.increment('done')
      }),
    )
    await Promise.all(work)
    expect(runs).toBe(31)
    expect(await counters.get('done')).toBe(141)
  })

  it('counts once, however often the function runs', async () => {
    let runs = 0
    await store.transaction(async (tx) => {
      runs += 1
      tx.increment('runs', 1, { per: 'hour' })
      await tx.get(tasks, 'a')
      if (runs < 3) await tasks.set('a', `run ${runs}`)
    })
    expect(runs).toBe(3)
    expect(await counters.get('runs')).toBe(1)
    expect(await counters.get('runs', { per: 'hour' })).toBe(1)
  })

  it('agrees with what the transaction itself reads and writes of the document', async () => {
    await counters.increment('done', 5)
    await store.transaction(async (tx) => {
      tx.increment('done', 2)
      expect(await tx.has(documents, 'done')).toBe(true)
      expect(await tx.get(documents, 'done')).toEqual({ value: 7 })
      tx.increment('new', 2)
      expect(await tx.has(documents, 'new')).toBe(true)
      expect(await tx.get(documents, 'new')).toEqual({ value: 2 })
    })
    expect(await counters.all()).toEqual({ done: 7, new: 2 })
    await store.transaction(async (tx) => {
      tx.set(documents, 'done', 100)
      tx.increment('done')
      expect(await tx.get(documents, 'done')).toEqual({ value: 101 })
      tx.delete(documents, 'new')
      tx.increment('new')
      expect(await tx.get(documents, 'new')).toEqual({ value: 1 })
      tx.increment('gone')
      tx.delete(documents, 'gone')
      expect(await tx.has(documents, 'gone')).toBe(false)
      tx.increment('set')
      tx.set(documents, 'set', 3)
      expect(await tx.get(documents, 'set')).toBe(3)
    })
    expect(await counters.all()).toEqual({ done: 101, new: 1, set: 3 })
  })

  it('runs again if it has read a counter that others have counted meanwhile', async () => {
    let runs = 0
    await store.transaction(async (tx) => {
      runs += 1
      const before = (await tx.get(documents, 'done')) as { value: number } | undefined
      if (runs === 1) await counters.increment('done', 10)
      tx.increment('done', (before?.value ?? 0) + 1)
    })
    expect(runs).toBe(2)
    expect(await counters.get('done')).toBe(21)
  })
})

it.each(everyStore)(
  'windows of a transaction are those of the call, on $name',
  async ({ open }) => {
    const clock = new ManualClock({ startAt: Date.UTC(2026, 10, 21, 23, 59) })
    const store = await open({ clock })
    await store.transaction((tx) => {
      tx.increment('done', 1, { per: 'day' })
      clock.jump(120_000)
      tx.increment('done', 2, { per: 'day' })
    })
    expect(await store.counters.windows('done', { per: 'day' })).toEqual([
      { window: '2026-11-21', value: 1 },
      { window: '2026-11-22', value: 2 },
    ])
  },
)
