import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../../src/file-system/index.js'
import { type FileLockFactory, generationLock } from '../../../src/storage/file/index.js'
import type { StateStore } from '../../../src/store/index.js'
import { ManualClock } from '../../../src/testing/index.js'
import { WorkerProcess } from '../../support/workers.js'
import { describeStores, openIn, turn } from './stores.js'

/** The default lock behind a door: while it is shut, nobody gets a turn to write. */
function doored(): { factory: FileLockFactory; isShut: boolean } {
  const door = {
    isShut: false,
    factory: {
      ...generationLock,
      create: (options: Parameters<FileLockFactory['create']>[0]) => {
        const lock = generationLock.create(options)
        return new Proxy(lock, {
          get(target, name: keyof typeof lock) {
            if (name === 'tryEnter') return () => (door.isShut ? undefined : target.tryEnter())
            const member: unknown = target[name]
            return typeof member === 'function' ? member.bind(target) : member
          },
        })
      },
    },
  }
  return door
}

async function openDoored(
  options: { clock?: ManualClock; maxPending?: number; writeWaitMs?: number } = {},
): Promise<{ store: StateStore; door: ReturnType<typeof doored> }> {
  const door = doored()
  const store = await openIn(new MemoryFileSystem(), { ...options, lock: door.factory })
  return { store, door }
}

const aborted = { code: 'STATE_ABORTED', commitState: 'not-committed' }

describe('writes that wait for their turn', () => {
  it('can be given up while they wait, and are then never made', async () => {
    const { store, door } = await openDoored()
    const tasks = store.collection<number>('tasks')
    await tasks.set('deleted', 1)
    door.isShut = true
    const controller = new AbortController()
    const { signal } = controller
    const reason = new Error('changed my mind')
    const before = tasks.set('before', 1)
    const waiting = [
      tasks.set('a', 1, { signal }),
      tasks.update('b', (n) => n + 1, { initial: 0, signal }),
      tasks.delete('deleted', { signal }),
      store.transaction((tx) => tx.set(tasks, 'c', 1), { signal }),
    ]
    const after = tasks.set('after', 1)
    const outcomes = Promise.allSettled(waiting)
    await turn()
    controller.abort(reason)
    // Told at once: the door is still shut.
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { ...aborted, cause: reason } })
    }
    door.isShut = false
    await Promise.all([before, after])
    expect(await tasks.list()).toEqual(['after', 'before', 'deleted'])
  })

  it('fail in the end when no turn comes, with what stands in the way told', async () => {
    const clock = new ManualClock()
    const { store, door } = await openDoored({ clock, writeWaitMs: 1000 })
    const tasks = store.collection<number>('tasks')
    door.isShut = true
    const failed = expect(tasks.set('a', 1)).rejects.toMatchObject({
      code: 'STATE_LEASE_TIMEOUT',
      retryable: true,
      commitState: 'not-committed',
      operation: 'commit',
    })
    let isOver = false
    void failed.then(() => {
      isOver = true
    })
    while (!isOver) {
      clock.advance(10)
      await turn()
    }
    await failed
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(1000)
    door.isShut = false
    await tasks.set('a', 2)
    expect(await tasks.get('a')).toBe(2)
  })

  it('are refused when too many wait, and only those', async () => {
    const { store, door } = await openDoored({ maxPending: 3 })
    const tasks = store.collection<number>('tasks')
    door.isShut = true
    const outcomes = Promise.allSettled([1, 2, 3, 4, 5].map((n) => tasks.set(`task ${n}`, n)))
    await turn()
    door.isShut = false
    expect((await outcomes).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ])
    expect((await outcomes)[4]).toMatchObject({
      reason: { code: 'STATE_QUEUE_FULL', retryable: true, commitState: 'not-committed' },
    })
    expect(await tasks.list()).toEqual(['task 1', 'task 2', 'task 3'])
    await tasks.set('task 4', 4)
    expect(await tasks.get('task 4')).toBe(4)
  })

  it('are completed by a blocking flush', async () => {
    const clock = new ManualClock()
    const { store, door } = await openDoored({ clock })
    const tasks = store.collection<number>('tasks')
    door.isShut = true
    const waiting = [1, 2, 3].map((n) => tasks.set(`task ${n}`, n))
    await turn()
    door.isShut = false
    store.flushSync()
    clock.advance(10)
    await Promise.all(waiting)
    expect(await tasks.list()).toEqual(['task 1', 'task 2', 'task 3'])
  })

  it('that a blocking flush cannot complete in time fail', async () => {
    const clock = new ManualClock()
    const { store, door } = await openDoored({ clock })
    const tasks = store.collection<number>('tasks')
    door.isShut = true
    const outcome = Promise.allSettled([tasks.set('a', 1)])
    await turn()
    expect(() => tasks.setSync('b', 1)).toThrow(
      expect.objectContaining({ code: 'STATE_LEASE_TIMEOUT', commitState: 'not-committed' }),
    )
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(10_000)
    expect(await outcome).toMatchObject([{ reason: { code: 'STATE_LEASE_TIMEOUT' } }])
    door.isShut = false
    clock.advance(10)
    await tasks.set('c', 1)
    expect(await tasks.list()).toEqual(['c'])
  })
})

/** The default lock, watched: how often a turn was begun while another had not ended. */
function watched(): { factory: FileLockFactory; overlaps: number } {
  const watch = {
    overlaps: 0,
    factory: {
      ...generationLock,
      create: (options: Parameters<FileLockFactory['create']>[0]) => {
        const lock = generationLock.create(options)
        let isInTurn = false
        const tryEnter = (): ReturnType<typeof lock.tryEnter> => {
          if (isInTurn) watch.overlaps += 1
          const begun = lock.tryEnter()
          if (begun !== undefined) isInTurn = true
          return begun
        }
        const ending = (end: () => void) => (): void => {
          isInTurn = false
          end()
        }
        return new Proxy(lock, {
          get(target, name: keyof typeof lock) {
            if (name === 'tryEnter') return tryEnter
            const member: unknown = target[name]
            if (typeof member !== 'function') return member
            const bound = member.bind(target)
            return name === 'leave' || name === 'release' ? ending(bound) : bound
          },
        })
      },
    },
  }
  return watch
}

describe('a blocking flush', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 8])(
    'does not begin a second turn beside one that began %i microtasks ago',
    async (microtasks) => {
      const watch = watched()
      const store = await openIn(new MemoryFileSystem(), { lock: watch.factory })
      const tasks = store.collection<string>('tasks')
      const setting = tasks.set('a', 'asynchronous')
      for (let passed = 0; passed < microtasks; passed++) await Promise.resolve()
      tasks.setSync('a', 'blocking')
      const after = tasks.set('b', 'after')
      await Promise.all([setting, after])
      expect(watch.overlaps).toBe(0)
      expect(await tasks.get('a')).toBe('blocking')
      expect(await tasks.get('b')).toBe('after')
    },
  )
})

describeStores('a signal that is used for long', (open) => {
  it('is not left with listeners of what is done', async () => {
    const store = await open()
    const tasks = store.collection<number>('tasks')
    const { signal } = new AbortController()
    for (let n = 0; n < 5; n++) {
      await tasks.set('a', n, { signal })
      await tasks.update('a', (value) => value + 1, { signal })
      await tasks.list({ signal })
      await store.transaction((tx) => tx.set(tasks, 'b', n), { signal })
      await expect(tasks.set('a', n, { signal, ifRevision: null })).rejects.toMatchObject({
        code: 'STATE_REVISION_CONFLICT',
      })
      const lock = await store.lock('a', { signal })
      const waiting = store.lock('a', { signal })
      await lock.release()
      await (await waiting).release()
    }
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('a process that only waits for a lock', () => {
  it('is told that its time is over, and then ends', async () => {
    await using worker = WorkerProcess.start('store/promises/waiting.worker.ts')
    expect(await worker.next('told')).toEqual({ type: 'told', code: 'STATE_LEASE_TIMEOUT' })
    expect(await worker.exited).toMatchObject({ code: 0 })
  })
})
