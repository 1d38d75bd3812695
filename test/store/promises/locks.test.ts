import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../../src/file-system/index.js'
import type { StateStore } from '../../../src/store/index.js'
import { ManualClock } from '../../../src/testing/index.js'
import { describeStores, gate, openIn, turn } from './stores.js'

const lost = { code: 'STATE_LEASE_LOST', retryable: false }
const timeout = { code: 'STATE_LEASE_TIMEOUT', retryable: true }

/** Lets the time of a clock pass until something has come of it. */
async function passing<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  promise.then(over, over)
  while (!isOver) {
    clock.advance(5)
    await turn()
  }
  return promise
}

describeStores('lock', (open) => {
  it('is held by one, with a token that rises', async () => {
    const store = await open()
    const first = await store.lock('deploy')
    expect(first.name).toBe('deploy')
    expect(first.signal.aborted).toBe(false)
    await expect(store.lock('deploy', { waitMs: 0 })).rejects.toMatchObject({
      ...timeout,
      details: { name: 'deploy', pid: process.pid },
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await first.release()
    await first.release()
    const second = await store.lock('deploy', { waitMs: 0 })
    expect(second.token).toBeGreaterThan(first.token)
    await second.release()
  })

  it('is given back by what `await using` calls', async () => {
    const store = await open()
    const lock = await store.lock('deploy')
    const dispose = Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')
    await (lock as unknown as Record<symbol, () => Promise<void>>)[dispose]?.()
    await (await store.lock('deploy', { waitMs: 0 })).release()
  })

  it('is listed with its purpose, and without those of the library', async () => {
    const store = await open()
    const tasks = store.collection<number>('tasks')
    await tasks.set('a', 0)
    await Promise.all(
      [1, 2, 3].map(() =>
        store.transaction(async (tx) => {
          const n = (await tx.get(tasks, 'a')) ?? 0
          await turn()
          tx.set(tasks, 'a', n + 1)
        }),
      ),
    )
    expect(await tasks.get('a')).toBe(3)
    expect(await store.locks()).toEqual([])
    const lock = await store.lock('deploy', { purpose: 'rolling out' })
    expect(await store.locks()).toMatchObject([
      { name: 'deploy', token: lock.token, state: 'held', purpose: 'rolling out' },
    ])
    await lock.release()
    expect(await store.locks()).toMatchObject([{ name: 'deploy', state: 'free' }])
  })

  it('refuses names of the library and names that are none', async () => {
    const store = await open()
    const invalid = { code: 'STATE_INVALID_KEY' }
    await expect(store.lock('holdfast:x')).rejects.toMatchObject(invalid)
    await expect(store.lock('')).rejects.toMatchObject(invalid)
    await expect(store.lock(undefined as unknown as string)).rejects.toMatchObject(invalid)
    await expect(store.withLock(['a', 'holdfast:x'], {}, () => 1)).rejects.toMatchObject(invalid)
    await (await store.lock('a', { waitMs: 0 })).release()
  })

  it.each([{ ttlMs: 10 }, { ttlMs: 1e12 }, { waitMs: -1 }, { waitMs: Number.NaN }])(
    'refuses %j',
    async (options) => {
      const store = await open()
      await expect(store.lock('a', options)).rejects.toMatchObject({ code: 'STATE_INVALID_OPTION' })
    },
  )

  it('lets writes through while it is held, and none afterwards', async () => {
    const store = await open()
    const tasks = store.collection<number>('tasks')
    const lock = await store.lock('tasks')
    await tasks.set('a', 1, { lease: lock })
    tasks.setSync('a', 2, { lease: lock })
    await tasks.delete('none', { lease: lock })
    await lock.release()
    await expect(tasks.set('a', 3, { lease: lock })).rejects.toMatchObject(lost)
    await expect(tasks.delete('a', { lease: lock })).rejects.toMatchObject(lost)
    expect(() => tasks.setSync('a', 3, { lease: lock })).toThrow(expect.objectContaining(lost))
    expect(await tasks.get('a')).toBe(2)
  })
})

describeStores('withLock', (open) => {
  it('runs with the lock held, and gives back what the function gives', async () => {
    const store = await open()
    const result = await store.withLock('deploy', {}, async (lock, locks) => {
      expect(locks).toEqual([lock])
      await expect(store.lock('deploy', { waitMs: 0 })).rejects.toMatchObject(timeout)
      return lock.token
    })
    expect(result).toBeGreaterThan(0)
    await (await store.lock('deploy', { waitMs: 0 })).release()
  })

  it('gives the lock back when the function throws, and throws the same', async () => {
    const store = await open()
    const problem = new Error('no')
    const failures = [
      () => {
        throw problem
      },
      () => Promise.reject(problem),
    ]
    for (const fail of failures) {
      await expect(store.withLock(['a', 'b'], {}, fail)).rejects.toBe(problem)
      for (const name of ['a', 'b']) await (await store.lock(name, { waitMs: 0 })).release()
    }
  })

  it('lets one in at a time', async () => {
    const store = await open()
    let inside = 0
    let most = 0
    const visit = (): Promise<void> =>
      store.withLock('room', {}, async () => {
        inside += 1
        most = Math.max(most, inside)
        await turn()
        inside -= 1
      })
    await Promise.all(Array.from({ length: 30 }, visit))
    expect(most).toBe(1)
  })

  it('takes several in one order, whatever the order they are named in', async () => {
    const store = await open()
    const names: string[][] = []
    let runs = 0
    const visit = (order: readonly string[]): Promise<void> =>
      store.withLock(order, {}, async (_, locks) => {
        names.push(locks.map(({ name }) => name))
        await turn()
        runs += 1
      })
    const orders = [
      ['a', 'b', 'c'],
      ['c', 'b', 'a'],
      ['b', 'a'],
      ['c', 'a'],
      ['b', 'c'],
    ]
    await Promise.all(Array.from({ length: 30 }, (_, n) => visit(orders[n % 5] ?? [])))
    expect(runs).toBe(30)
    for (const taken of names) expect(taken).toEqual([...taken].sort())
  })

  it('takes a name once that is given twice', async () => {
    const store = await open()
    const tokens = await store.withLock(['a', 'a', 'b', 'a'], { waitMs: 0 }, (_, locks) =>
      locks.map(({ name }) => name),
    )
    expect(tokens).toEqual(['a', 'b'])
  })

  it('holds none if one of them cannot be had', async () => {
    const store = await open()
    const taken = await store.lock('b')
    let isRun = false
    const inVain = store.withLock(['c', 'b', 'a'], { waitMs: 0 }, () => {
      isRun = true
    })
    await expect(inVain).rejects.toMatchObject({ ...timeout, details: { name: 'b' } })
    expect(isRun).toBe(false)
    for (const name of ['a', 'c']) await (await store.lock(name, { waitMs: 0 })).release()
    await taken.release()
  })

  it('wants a name', async () => {
    const store = await open()
    await expect(store.withLock([], {}, () => 1)).rejects.toMatchObject({
      code: 'STATE_INVALID_OPTION',
    })
  })

  it('ends the wait when it is told to', async () => {
    const store = await open()
    const taken = await store.lock('a')
    const controller = new AbortController()
    const waiting = store.withLock('a', { signal: controller.signal }, () => 1)
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'STATE_ABORTED' })
    await taken.release()
  })
})

describe('a lock whose holder falls silent', () => {
  interface Pair {
    readonly holder: StateStore
    readonly holderClock: ManualClock
    readonly other: StateStore
    readonly otherClock: ManualClock
  }

  async function openPair(): Promise<Pair> {
    const fileSystem = new MemoryFileSystem()
    const [holderClock, otherClock] = [new ManualClock({ seed: 1 }), new ManualClock({ seed: 2 })]
    const holder = await openIn(fileSystem, { clock: holderClock })
    const other = await openIn(fileSystem, { clock: otherClock })
    return { holder, holderClock, other, otherClock }
  }

  it('is taken over, and the former holder is told', async () => {
    const { holder, holderClock, other, otherClock } = await openPair()
    const events: unknown[] = []
    holder.on('lease:lost', (detail) => events.push(['lost', detail]))
    other.on('lease:taken-over', (detail) => events.push(['taken over', detail]))
    const former = await holder.lock('deploy', { ttlMs: 1000 })
    const taken = await passing(otherClock, other.lock('deploy', { waitMs: 60_000 }))
    expect(otherClock.monotonicMs()).toBeGreaterThanOrEqual(1000)
    expect(taken.token).toBeGreaterThan(former.token)
    expect(former.signal.aborted).toBe(false)
    holderClock.advance(1000)
    expect(former.signal.aborted).toBe(true)
    expect(former.signal.reason).toMatchObject({ ...lost, details: { token: former.token } })
    expect(events).toEqual([
      [
        'taken over',
        { name: 'deploy', token: taken.token, reason: expect.stringMatching(/^silent/) },
      ],
      ['lost', { name: 'deploy', token: former.token }],
    ])
    await former.release()
    await expect(other.lock('deploy', { waitMs: 0 })).rejects.toMatchObject(timeout)
    await taken.release()
  })

  it('is kept by one that lives', async () => {
    const { holder, holderClock, other, otherClock } = await openPair()
    const lock = await holder.lock('deploy', { ttlMs: 1000 })
    const waiting = other.lock('deploy', { waitMs: 5000 })
    const refused = expect(waiting).rejects.toMatchObject(timeout)
    for (let round = 0; round < 60; round++) {
      otherClock.advance(100)
      holderClock.advance(100)
      for (let rest = 0; rest < 3; rest++) await turn()
    }
    await refused
    expect(lock.signal.aborted).toBe(false)
    await lock.release()
  })

  it('cannot write any more, not even before it notices', async () => {
    const { holder, other, otherClock } = await openPair()
    const tasks = holder.collection<string>('tasks')
    const former = await holder.lock('deploy', { ttlMs: 1000 })
    await tasks.set('a', 'held', { lease: former })
    const taken = await passing(otherClock, other.lock('deploy', { waitMs: 60_000 }))
    await other.collection<string>('tasks').set('a', 'taken over', { lease: taken })
    expect(former.signal.aborted).toBe(false)
    await expect(tasks.set('a', 'late', { lease: former })).rejects.toMatchObject(lost)
    await expect(
      holder.transaction((tx) => tx.set(tasks, 'b', 'late'), { lease: former }),
    ).rejects.toMatchObject(lost)
    expect(await tasks.get('a')).toBe('taken over')
    expect(await tasks.list()).toEqual(['a'])
  })

  it('makes withLock fail although its function succeeds', async () => {
    const { holder, holderClock, other, otherClock } = await openPair()
    const [entered, finish] = [gate(), gate()]
    const working = holder.withLock('deploy', { ttlMs: 1000 }, async () => {
      entered.open()
      await finish.opened
      return 'done'
    })
    const refused = expect(working).rejects.toMatchObject({ ...lost, details: { name: 'deploy' } })
    await entered.opened
    const taken = await passing(otherClock, other.lock('deploy', { waitMs: 60_000 }))
    holderClock.advance(1000)
    finish.open()
    await refused
    await taken.release()
  })
})
