import { once } from 'node:events'
import type { Alert, OpenOptions, StateStore } from 'holdfast'
import { MemoryFileSystem } from 'holdfast/testing'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { FileSystemError } from '../../src/errors/index.js'
import { alertOf } from '../../src/health/alerts.js'
import { failure, Home, memoryHome } from '../store/homes.js'

function alertsOf(store: StateStore): Alert[] {
  const alerts: Alert[] = []
  store.on('alert', (alert) => alerts.push(alert))
  return alerts
}

async function opened(options: OpenOptions = {}) {
  const home = memoryHome()
  const store = await home.open(options)
  return { home, store, alerts: alertsOf(store) }
}

type Operation = 'open' | 'sync' | 'link' | 'readDirectory'

/** Makes calls of an operation fail, on paths that hold a text; returns what ends that. */
function failing(home: Home, operation: Operation, errno: string, holding = ''): () => void {
  const { fileSystem } = home
  const { blocking } = fileSystem
  const original = blocking[operation] as (...args: unknown[]) => unknown
  const promised = fileSystem[operation]
  const call = (...args: unknown[]): unknown => {
    if (args.some((arg) => String(arg).includes(holding))) {
      throw new FileSystemError(errno, operation, String(args[0]))
    }
    return original(...args)
  }
  Object.assign(blocking, { [operation]: call })
  Object.assign(fileSystem, { [operation]: async (...args: unknown[]) => call(...args) })
  return () => {
    Object.assign(blocking, { [operation]: original })
    Object.assign(fileSystem, { [operation]: promised })
  }
}

const at = expect.any(Number)
const message = expect.any(String)
const address = { collection: 'tasks', key: 'a' }

describe('types', () => {
  it('are told apart by kind', () => {
    const check = (alert: Alert): void => {
      if (alert.kind === 'disk-low') expectTypeOf(alert.freeBytes).toEqualTypeOf<number>()
      if (alert.kind === 'lease-lost') expectTypeOf(alert.token).toEqualTypeOf<number>()
      // @ts-expect-error only some have one
      alert.freeBytes
    }
    expect(check).toBeTypeOf('function')
  })
})

describe('an alert', () => {
  it('save-failed, at once, when the disk does not take a write', async () => {
    const { home, store, alerts } = await opened()
    const mend = failing(home, 'sync', 'EIO')
    const error = await failure('STATE_IO', store.collection('tasks').set('a', 1))
    mend()
    expect(alerts).toEqual([{ kind: 'save-failed', at, message, address, error }])
  })

  it('save-failed, when the disk does not take an append', async () => {
    const { home, store, alerts } = await opened()
    const mend = failing(home, 'sync', 'EIO')
    const error = await failure('STATE_IO', store.log('events').append('made', 1))
    mend()
    expect(alerts).toEqual([{ kind: 'save-failed', at, message, log: 'events', error }])
    expect((await store.health.check()).saves).toMatchObject({ count: 1, failed: 1 })
  })

  it('permission, and no save-failed, when writing is not allowed', async () => {
    const { home, store, alerts } = await opened()
    const mend = failing(home, 'open', 'EACCES', '/writers/')
    const error = await failure('STATE_IO', store.collection('tasks').set('a', 1))
    mend()
    expect(alerts).toEqual([
      { kind: 'permission', at, message, address, reason: expect.any(String), error },
    ])
  })

  it('corruption, when a document is damaged, once', async () => {
    const { home, store, alerts } = await opened()
    const tasks = store.collection<number>('tasks')
    await tasks.set('a', 1)
    home.damage('tasks/a.json')
    await failure('STATE_CORRUPT', tasks.get('a'))
    await failure('STATE_CORRUPT', tasks.get('a'))
    await failure(
      'STATE_CORRUPT',
      tasks.update('a', (n) => n + 1),
    )
    const path = expect.stringContaining('tasks/a.json')
    const reason = expect.any(String)
    expect(alerts).toEqual([
      { kind: 'corruption', at, message, address, path, reason, restoredFrom: undefined },
    ])
    await tasks.set('a', 2)
    await tasks.set('a', 3)
    home.damage('tasks/a.json')
    expect(await tasks.get('a')).toBe(2)
    expect(alerts[1]).toMatchObject({ kind: 'corruption', restoredFrom: expect.any(String) })
    expect(alerts).toHaveLength(2)
  })

  it('backup-failed, when a delete went ahead without one', async () => {
    const { home, store, alerts } = await opened()
    await store.collection('tasks').set('a', 1)
    const mend = failing(home, 'link', 'ENOSPC', '/backups/')
    await store.collection('tasks').delete('a')
    mend()
    expect(alerts).toEqual([
      { kind: 'backup-failed', at, message, address, reason: expect.any(String) },
    ])
  })

  it('backup-failed, when old ones cannot be dropped', async () => {
    const { home, store, alerts } = await opened({ backups: { keep: 1 } })
    await store.collection('tasks').set('a', 0)
    const mend = failing(home, 'readDirectory', 'EIO', '/backups/')
    await store.collection('tasks').set('a', 1)
    await store.close()
    mend()
    const error = expect.objectContaining({ code: 'STATE_IO' })
    expect(alerts).toEqual([
      { kind: 'backup-failed', at, message, reason: expect.any(String), error },
    ])
  })

  it('is none for what the caller did wrong', async () => {
    const { store, alerts } = await opened({ maxDocumentBytes: 1000 })
    const tasks = store.collection<unknown>('tasks')
    const strict = store.collection('tasks', { schema: z.number() })
    await tasks.set('a', 1)
    await failure('STATE_INVALID_VALUE', tasks.set('a', new Date(0)))
    await failure('STATE_REVISION_CONFLICT', tasks.set('a', 1, { ifRevision: null }))
    await failure('STATE_DOCUMENT_TOO_LARGE', tasks.set('a', 'x'.repeat(2000)))
    await failure('STATE_ABORTED', tasks.set('a', 1, { signal: AbortSignal.abort() }))
    await failure('STATE_VALIDATION_FAILED', strict.set('a', 'x' as never))
    const mistake = tasks.update('a', () => {
      throw new Error('a mistake')
    })
    await expect(mistake).rejects.toThrow('a mistake')
    expect(alerts).toEqual([])
    const { saves, alerts: listed } = await store.health.check()
    expect(listed).toEqual([])
    expect(saves).toMatchObject({ count: 1, failed: 0 })
  })

  it('is none for a write that succeeds, nor for a name that every object has', () => {
    expect(alertOf('state:saved', {}, 1)).toBeUndefined()
    expect(alertOf('toString', {}, 1)).toBeUndefined()
  })

  it.each([
    ['lease:lost', { name: 'n', token: 7 }, { kind: 'lease-lost', name: 'n', token: 7 }],
    [
      'log:damaged',
      { log: 'l', path: '/p', offset: 10, bytes: 5, reason: 'torn' },
      { kind: 'corruption', log: 'l', path: '/p', reason: 'torn' },
    ],
  ])('is derived from %s', (event, detail, expected) => {
    expect(alertOf(event, detail, 5)).toEqual({ ...expected, at: 5, message })
  })

  it.each(['state:external-change', 'writer:revoked', 'writer:taken-over', 'lease:taken-over'])(
    'is not derived from %s',
    (event) => {
      expect(alertOf(event, {}, 5)).toBeUndefined()
    },
  )

  it('tells a lost lock to those who listen', async () => {
    const home = new Home(new MemoryFileSystem(), '/state')
    const first = await home.open()
    const alerts = alertsOf(first)
    const lock = await first.lock('post', { ttlMs: 50 })
    const second = await home.open({
      processes: { self: { pid: process.pid, host: 'other' }, liveness: () => 'dead' },
    })
    const lost = once(lock.signal, 'abort')
    const taken = await second.lock('post')
    await lost
    await failure('STATE_LEASE_LOST', first.collection('tasks').set('a', 1, { lease: lock }))
    await taken.release()
    expect(alerts).toEqual([{ kind: 'lease-lost', at, message, name: 'post', token: lock.token }])
  })
})
