import type { StateStore } from 'holdfast'
import { beforeEach, describe, expect, it } from 'vitest'
import { everyStore, failure, memoryHome, nextRound, soleSurvivor, thrown } from './homes.js'

describe.each(everyStore)('locks on $name', ({ open }) => {
  let store: StateStore
  beforeEach(async () => {
    store = await open()
  })

  it('exclude each other, in the order they were asked for', async () => {
    const trace: string[] = []
    await Promise.all(
      ['one', 'two', 'three'].map((name) =>
        store.withLock('job', {}, async () => {
          trace.push(`${name} in`)
          await nextRound()
          trace.push(`${name} out`)
        }),
      ),
    )
    expect(trace).toEqual(['one in', 'one out', 'two in', 'two out', 'three in', 'three out'])
  })

  it('are taken in one order when there are several, so nobody waits for ever', async () => {
    const work = (names: readonly string[]): Promise<string[]> =>
      store.withLock(names, { waitMs: 600_000 }, async (_, locks) => {
        await nextRound()
        return locks.map(({ name }) => name)
      })
    const orders = [
      ['a', 'b', 'c'],
      ['c', 'b', 'a'],
      ['b', 'c', 'a', 'b'],
    ]
    const rounds = Array.from({ length: 10 }, () => orders.map(work)).flat()
    for (const names of await Promise.all(rounds)) expect(names).toEqual(['a', 'b', 'c'])
    expect((await store.locks()).map(({ state }) => state)).toEqual(['free', 'free', 'free'])
  })

  it('are given back when the function fails, which the caller hears of as it was', async () => {
    const reason = new Error('on purpose')
    const failing = store.withLock(['job', 'other'], {}, () => Promise.reject(reason))
    await expect(failing).rejects.toBe(reason)
    await store.withLock(['job', 'other'], { waitMs: 0 }, () => undefined)
  })

  it('need a name, and not one of the reserved ones; a failure holds none', async () => {
    const nothing = (): void => undefined
    await failure('STATE_INVALID_OPTION', store.withLock([], {}, nothing))
    await failure('STATE_INVALID_KEY', store.lock('holdfast:mine'))
    await failure('STATE_INVALID_KEY', store.withLock(['fine', 'holdfast:mine'], {}, nothing))
    await failure('STATE_INVALID_KEY', store.lock(''))
    await failure('STATE_INVALID_OPTION', store.lock('job', { ttlMs: 1 }))
    expect((await store.locks()).filter(({ state }) => state === 'held')).toEqual([])
  })

  it('tell who has it when the wait is over', async () => {
    await using held = await store.lock('b')
    const several = store.withLock(['c', 'b', 'a'], { waitMs: 0 }, () => expect.unreachable())
    const error = await failure('STATE_LEASE_TIMEOUT', several)
    expect(error.retryable).toBe(true)
    expect(error.details).toMatchObject({ name: 'b', pid: process.pid })
    expect(error.message).toContain(`process ${process.pid}`)
    const locks = await store.locks()
    expect(locks.filter(({ state }) => state === 'held')).toMatchObject([{ token: held.token }])
  })

  it('may be waited for until a signal says otherwise', async () => {
    const held = await store.lock('job')
    const controller = new AbortController()
    const waiting = failure('STATE_ABORTED', store.lock('job', { signal: controller.signal }))
    await nextRound()
    controller.abort('enough')
    expect((await waiting).cause).toBe('enough')
    await held.release()
    await using next = await store.lock('job', { waitMs: 0 })
    expect(next.token).toBeGreaterThan(held.token)
  })

  it('are listed with their holder, without those of the library', async () => {
    const held = await store.lock('held', { purpose: 'deployment', ttlMs: 60_000 })
    const free = await store.lock('free')
    await free.release()
    const counters = store.collection<number>('counters')
    const add = async (n: number): Promise<number> => n + 1
    await Promise.all([1, 2, 3].map(() => counters.update('n', add, { initial: 0 })))
    const locks = await store.locks()
    expect(locks.sort((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: 'free', token: free.token, state: 'free' },
      expect.objectContaining({
        name: 'held',
        token: held.token,
        state: 'held',
        pid: process.pid,
        purpose: 'deployment',
        since: expect.any(Number),
        expiresAt: expect.any(Number),
      }),
    ])
  })

  it('fence off late writes with a lock that is no longer held', async () => {
    const tasks = store.collection<string>('tasks')
    const lease = await store.lock('job')
    await tasks.set('a', 'in time', { lease })
    await lease.release()
    await failure('STATE_LEASE_LOST', tasks.set('a', 'too late', { lease }))
    await using present = await store.lock('job')
    const error = await failure('STATE_LEASE_LOST', tasks.set('a', 'too late', { lease }))
    expect(error.details).toMatchObject({ name: 'job', token: lease.token })
    await failure('STATE_LEASE_LOST', tasks.delete('a', { lease }))
    await failure(
      'STATE_LEASE_LOST',
      tasks.update('a', () => 'too late', { lease }),
    )
    thrown('STATE_LEASE_LOST', () => tasks.setSync('a', 'too late', { lease }))
    expect(await tasks.get('a')).toBe('in time')
    // Releasing the old one again does not touch the new one.
    await lease.release()
    await tasks.set('a', 'mine', { lease: present })
  })
})

describe('a lock that is lost', () => {
  it('is reported to its holder, who can write under it no more', async () => {
    const home = memoryHome()
    const first = await home.open()
    const lost: unknown[] = []
    first.on('lease:lost', (detail) => lost.push(detail))
    const tasks = first.collection<string>('tasks')
    const old = await first.lock('job', { ttlMs: 200 })
    const { signal } = old
    const noticed = new Promise((resolve) => signal.addEventListener('abort', resolve))
    await tasks.set('a', 'in time', { lease: old })

    // To the second store the first is dead.
    const second = await home.open({ processes: soleSurvivor })
    const takenOver: unknown[] = []
    second.on('lease:taken-over', (detail) => takenOver.push(detail))
    await using next = await second.lock('job')
    expect(next.token).toBeGreaterThan(old.token)
    expect(takenOver).toEqual([{ name: 'job', token: next.token, reason: expect.any(String) }])

    // Fenced off whether it knows already or not.
    await failure('STATE_LEASE_LOST', tasks.set('a', 'too late', { lease: old }))
    await noticed
    expect(signal.reason).toMatchObject({ code: 'STATE_LEASE_LOST' })
    expect(lost).toEqual([{ name: 'job', token: old.token }])
    await old.release()
    await second.collection<string>('tasks').set('a', 'mine', { lease: next })
    expect(await tasks.get('a')).toBe('mine')
  })

  it('fails the withLock that ran under it, although its function succeeded', async () => {
    const home = memoryHome()
    const first = await home.open()
    const second = await home.open({ processes: soleSurvivor })
    const running = first.withLock(['job', 'other'], { ttlMs: 200 }, async ({ signal }) => {
      const noticed = new Promise((resolve) => signal.addEventListener('abort', resolve))
      const next = await second.lock('job')
      await noticed
      await next.release()
      return 'done'
    })
    const error = await failure('STATE_LEASE_LOST', running)
    expect(error.details).toMatchObject({ name: 'job' })
    await using other = await second.lock('other', { waitMs: 0 })
    expect(other.name).toBe('other')
  })
})
