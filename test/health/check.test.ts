import { type Alert, openStateStore, StateStore } from 'holdfast'
import { MemoryStorage } from 'holdfast/memory'
import { ManualClock, MemoryFileSystem } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock/index.js'
import { FileSystemError } from '../../src/errors/index.js'
import { closedAtEnd, failure } from '../store/homes.js'

const directory = '/state'

async function onFiles(fileSystem = new MemoryFileSystem(), options = {}) {
  const time = new ManualClock()
  const clock = { ...systemClock, now: () => time.now() }
  const store = closedAtEnd(await openStateStore(directory, { fileSystem, clock, ...options }))
  const told: Alert[] = []
  store.on('alert', (alert) => told.push(alert))
  return { fileSystem, store, time, told }
}

/** Each save and each load takes as long as the next of these says. */
async function inMemory(durationsMs: readonly number[] = []) {
  const time = new ManualClock()
  const storage = new MemoryStorage({ clock: time })
  let operations = 0
  const pass = (): void => {
    time.advance(durationsMs[operations % durationsMs.length] ?? 0)
    operations += 1
  }
  const slow = new Proxy(storage, {
    get(target, name: keyof MemoryStorage) {
      const value: unknown = target[name]
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        if (name === 'commit' || name === 'read') pass()
        return (value as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
  const store = closedAtEnd(await new StateStore({ storage: slow, clock: time }).open())
  return { store, time }
}

describe('the self-check', () => {
  it('tells how a healthy store is', async () => {
    const fileSystem = new MemoryFileSystem({ capacityBytes: 1_000_000_000 })
    const { store, time, told } = await onFiles(fileSystem)
    const tasks = store.collection('tasks')
    await tasks.set('a', 1)
    await tasks.set('a', 2)
    await tasks.set('b', 1)
    await tasks.get('a')
    const lastSavedAt = time.now()
    time.advance(5000)
    const freeBytes = 1_000_000_000 - fileSystem.usedBytes
    expect(await store.health.check()).toEqual({
      ok: true,
      checkedAt: time.now(),
      exists: true,
      writable: true,
      location: directory,
      freeBytes,
      totalBytes: 1_000_000_000,
      documents: 2,
      backups: 1,
      quarantined: 0,
      logs: 0,
      logBytes: 0,
      lastSavedAt,
      saves: { count: 3, failed: 0, failureRate: 0, meanMs: at, p99Ms: at },
      loads: { count: 1, failed: 0, failureRate: 0, meanMs: at, p99Ms: at },
      alerts: [],
    })
    expect(told).toEqual([])
  })

  it('knows no durations before anything was done', async () => {
    const { store } = await onFiles()
    const none = { count: 0, failed: 0, failureRate: 0, meanMs: undefined, p99Ms: undefined }
    const { lastSavedAt, loads, saves } = await store.health.check()
    expect({ lastSavedAt, loads, saves }).toEqual({
      lastSavedAt: undefined,
      loads: none,
      saves: none,
    })
  })

  it('alerts when little space is left, in bytes or in share', async () => {
    const fileSystem = new MemoryFileSystem({ capacityBytes: 1_000_000_000 })
    const { store, told } = await onFiles(fileSystem)
    fileSystem.setCapacity(fileSystem.usedBytes + 99_999_999)
    const totalBytes = fileSystem.usedBytes + 99_999_999
    const low = { kind: 'disk-low', at, message, freeBytes: 99_999_999, totalBytes }
    expect(await store.health.check()).toMatchObject({ ok: false, writable: true, alerts: [low] })
    expect(told).toEqual([low])
    const limits = { lowBytes: 99_999_999, lowShare: 0 }
    expect(await store.health.check(limits)).toMatchObject({ ok: true, alerts: [] })
    expect(await store.health.check({ lowBytes: 0, lowShare: 1 })).toMatchObject({ ok: false })
    expect(await store.health.check({ ...limits, lowBytes: 100_000_000 })).toMatchObject({
      ok: false,
    })
    expect(told).toHaveLength(3)
  })

  it('alerts when the store is gone', async () => {
    const { fileSystem, store, told } = await onFiles()
    fileSystem.blocking.rename(directory, '/elsewhere')
    const check = await store.health.check()
    expect(check).toMatchObject({ ok: false, exists: false, writable: false, documents: 0 })
    expect(check.alerts).toMatchObject([{ kind: 'unavailable', reason: expect.any(String) }])
    expect(told).toEqual(check.alerts)
  })

  it.each([
    ['EACCES', 'permission'],
    ['EROFS', 'permission'],
    ['EIO', 'unavailable'],
  ])('alerts when it cannot be written to: %s is %s', async (errno, kind) => {
    const { fileSystem, store, told } = await onFiles()
    const { open } = fileSystem.blocking
    Object.assign(fileSystem.blocking, {
      open: (path: string) => {
        throw new FileSystemError(errno, 'open', path)
      },
    })
    const check = await store.health.check()
    Object.assign(fileSystem.blocking, { open })
    expect(check).toMatchObject({ ok: false, exists: true, writable: false, alerts: [{ kind }] })
    expect(told).toEqual(check.alerts)
    expect(await store.health.check()).toMatchObject({ ok: true, alerts: [] })
  })

  it('alerts when it cannot be looked at, rather than failing', async () => {
    const { fileSystem, store, told } = await onFiles()
    await store.collection('tasks').set('a', 1)
    const { readDirectory } = fileSystem
    Object.assign(fileSystem, {
      readDirectory: async (path: string) => {
        throw new FileSystemError('EACCES', 'readDirectory', path)
      },
    })
    const check = await store.health.check()
    Object.assign(fileSystem, { readDirectory })
    expect(check).toMatchObject({
      ok: false,
      documents: undefined,
      alerts: [{ kind: 'permission' }],
    })
    expect(check.saves.count).toBe(1)
    expect(told).toEqual(check.alerts)
  })

  it('takes a store that was opened read-only for a healthy one', async () => {
    const { fileSystem } = await onFiles()
    const { store } = await onFiles(fileSystem, { readOnly: true })
    expect(await store.health.check()).toMatchObject({ ok: true, writable: false, alerts: [] })
  })

  it('lists what was told since the last check, and does not tell it again', async () => {
    const { fileSystem, store, told } = await onFiles()
    const { sync } = fileSystem
    Object.assign(fileSystem, {
      sync: async () => {
        throw new FileSystemError('EIO', 'sync', undefined)
      },
    })
    await failure('STATE_IO', store.collection('tasks').set('a', 1))
    Object.assign(fileSystem, { sync })
    expect(told).toHaveLength(1)
    const { alerts, ok, saves } = await store.health.check()
    expect({ alerts, ok }).toEqual({ alerts: told, ok: false })
    expect(saves).toMatchObject({ count: 1, failed: 1, failureRate: 1 })
    expect(told).toHaveLength(1)
    expect(await store.health.check()).toMatchObject({ ok: true, alerts: [], saves: { failed: 1 } })
  })

  it.each([{ lowBytes: -1 }, { lowBytes: Number.NaN }, { lowShare: 1.1 }, { lowShare: -0.1 }])(
    'refuses %o',
    async (options) => {
      const { store } = await onFiles()
      await failure('STATE_INVALID_OPTION', store.health.check(options))
    },
  )

  it('fails on a store that was closed', async () => {
    const { store } = await onFiles()
    const { health } = store
    await store.close()
    await failure('STATE_CLOSED', health.check())
  })
})

describe('what is measured', () => {
  it('is the mean and the 99th of 100 of the last durations', async () => {
    const { store } = await inMemory(Array.from({ length: 100 }, (_, n) => n + 1))
    const tasks = store.collection<number>('tasks')
    for (let n = 0; n < 100; n++) await tasks.set('a', n)
    const { saves } = await store.health.check()
    expect(saves).toEqual({ count: 100, failed: 0, failureRate: 0, meanMs: 50.5, p99Ms: 99 })
  })

  it('forgets what is long ago, and goes on counting', async () => {
    const { store, time } = await inMemory([1])
    const tasks = store.collection<number>('tasks')
    for (let n = 0; n < 2000; n++) await tasks.get('a')
    const before = time.now()
    for (let n = 0; n < 100; n++) await tasks.set('a', n)
    expect(time.now()).toBe(before + 100)
    const { lastSavedAt, loads, saves } = await store.health.check()
    expect(loads).toMatchObject({ count: 2000, meanMs: 1, p99Ms: 1 })
    expect(saves).toMatchObject({ count: 100 })
    expect(lastSavedAt).toBe(time.now())
  })

  it('is one save a commit, none for one that wrote nothing', async () => {
    const { store } = await inMemory()
    const tasks = store.collection<number>('tasks')
    await store.transaction((transaction) => {
      for (const key of ['a', 'b', 'c']) transaction.set(tasks, key, 1)
    })
    await tasks.delete('absent')
    await store.transaction((transaction) => transaction.get(tasks, 'a'))
    await store.health.record('mail', 'ok')
    tasks.setSync('a', 2)
    await store.log('events').append('made', 1)
    expect((await store.health.check()).saves).toMatchObject({ count: 4, failed: 0 })
  })

  it('counts loads that fail through damage', async () => {
    const { fileSystem, store } = await onFiles()
    const tasks = store.collection('tasks')
    await tasks.set('a', 1)
    await tasks.get('a')
    const file = fileSystem.blocking.open(`${directory}/tasks/a.json`, 'update')
    const { modifiedMicros } = fileSystem.blocking.statusOf(file)
    fileSystem.blocking.truncate(file, 3)
    fileSystem.blocking.setModifiedTime(file, modifiedMicros)
    fileSystem.blocking.close(file)
    await failure('STATE_CORRUPT', tasks.get('a'))
    expect((await store.health.check()).loads).toMatchObject({
      count: 2,
      failed: 1,
      failureRate: 0.5,
    })
  })
})

const at = expect.any(Number)
const message = expect.any(String)
