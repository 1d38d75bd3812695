import {
  FileStorage,
  type OpenReport,
  StateStore,
  type StateStoreEvent,
  type StateStoreEvents,
} from 'holdfast'
import { beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { z } from 'zod'
import { FileSystemError } from '../../src/errors/index.js'
import { WorkerProcess } from '../support/workers.js'
import {
  closedAtEnd,
  everyStore,
  failure,
  fileHomes,
  type Home,
  holdNextSync,
  memoryHome,
  realHome,
  soleSurvivor,
} from './homes.js'

type Told = { [K in StateStoreEvent]: StateStoreEvents[K][] }

/** Everything that a store tells from now on, by event. */
function listenTo(store: StateStore): Told {
  const told: Told = {
    'state:saved': [],
    'state:loaded': [],
    'state:save-error': [],
    'state:invalid': [],
    'state:corrupt': [],
    'state:external-change': [],
    'log:appended': [],
    'log:append-error': [],
    'log:invalid': [],
    'log:damaged': [],
    'state:recovered': [],
    'writer:revoked': [],
    'writer:taken-over': [],
    'backup:skipped': [],
    'maintenance:failed': [],
    'lease:taken-over': [],
    'lease:lost': [],
    'health:changed': [],
    alert: [],
  }
  const listen = <K extends StateStoreEvent>(event: K): void => {
    store.on(event, (detail) => void told[event].push(detail))
  }
  for (const event of Object.keys(told) as StateStoreEvent[]) listen(event)
  return told
}

/** What was told, without the events that nothing was told of. */
const heard = (told: Told): object =>
  Object.fromEntries(Object.entries(told).filter(([, details]) => details.length > 0))

const durationMs = expect.any(Number)

describe('types', () => {
  it('tell each event apart', () => {
    expectTypeOf<StateStoreEvents['state:saved']['kind']>().toEqualTypeOf<'put' | 'delete'>()
    expectTypeOf<StateStoreEvents['state:recovered']>().toEqualTypeOf<OpenReport>()
    const check = (store: StateStore): void => {
      store.on('state:saved', (detail) => {
        expectTypeOf(detail).toEqualTypeOf<StateStoreEvents['state:saved']>()
      })
      store.on('lease:lost', ({ token }) => expectTypeOf(token).toEqualTypeOf<number>())
      // @ts-expect-error there is no such event
      store.on('state:nothing', () => undefined)
      expectTypeOf(store.on).returns.toEqualTypeOf<() => void>()
    }
    expect(check).toBeTypeOf('function')
  })
})

describe.each(everyStore)('events of collections on $name', ({ open }) => {
  let store: StateStore
  let told: Told
  beforeEach(async () => {
    store = await open()
    told = listenTo(store)
  })
  const address = { collection: 'tasks', key: 'a' }

  it('state:saved, once for each write', async () => {
    const tasks = store.collection<number>('tasks')
    const { revision } = await tasks.set('a', 1)
    const saved = { ...address, kind: 'put', superseded: false, durationMs }
    expect(heard(told)).toEqual({ 'state:saved': [{ ...saved, revision }] })
    await tasks.update('a', (n) => n + 1)
    await tasks.update('a', async (n) => n + 1)
    await tasks.delete('a')
    await tasks.delete('a')
    const writes = told['state:saved']
    expect(writes.map(({ kind }) => kind)).toEqual(['put', 'put', 'put', 'delete'])
    expect(new Set(writes.map((each) => each.revision)).size).toBe(4)
    expect(told['state:save-error']).toEqual([])
  })

  it('state:loaded, once for each read', async () => {
    const tasks = store.collection<number>('tasks')
    await tasks.get('a')
    const { revision } = await tasks.set('a', 1)
    await tasks.get('a')
    for await (const _ of tasks.entries());
    expect(told['state:loaded']).toEqual([
      { ...address, revision: undefined, durationMs },
      { ...address, revision, durationMs },
      { ...address, revision, durationMs },
    ])
  })

  it('state:save-error, once for each write that fails', async () => {
    const tasks = store.collection<unknown>('tasks')
    const error = await failure('STATE_INVALID_VALUE', tasks.set('a', new Date(0)))
    expect(heard(told)).toEqual({ 'state:save-error': [{ ...address, error }] })
    const conflict = await failure(
      'STATE_REVISION_CONFLICT',
      tasks.delete('a', { ifRevision: '1.1' }),
    )
    expect(told['state:save-error'].map((each) => each.error)).toEqual([error, conflict])
  })

  it('no state:save-error for conflicts that an update overcomes', async () => {
    const tasks = store.collection<number>('tasks')
    const add = async (n: number): Promise<number> => n + 1
    await Promise.all(Array.from({ length: 20 }, () => tasks.update('a', add, { initial: 0 })))
    expect(told['state:save-error']).toEqual([])
    expect(told['state:saved']).toHaveLength(20)
  })

  it('state:invalid, for what a listing leaves out', async () => {
    await store.collection('tasks').set('a', 'seven')
    const tasks = store.collection('tasks', { schema: z.number() })
    for await (const _ of tasks.entries()) expect.unreachable()
    const error = expect.objectContaining({ code: 'STATE_VALIDATION_FAILED' })
    expect(told['state:invalid']).toEqual([{ ...address, error }])
  })

  it('are no longer told to a listener that was removed, and the others hear them still', async () => {
    const first = vi.fn()
    const second = vi.fn()
    const remove = store.on('state:saved', first)
    store.on('state:saved', second)
    const tasks = store.collection<number>('tasks')
    await tasks.set('a', 1)
    remove()
    remove()
    await tasks.set('a', 2)
    expect(first).toHaveBeenCalledTimes(1)
    expect(second).toHaveBeenCalledTimes(2)
  })
})

describe.each(fileHomes)('events of files on $name', ({ home: makeHome }) => {
  let home: Home
  let store: StateStore
  let told: Told
  beforeEach(async () => {
    home = await makeHome()
    store = await home.open()
    told = listenTo(store)
  })
  const address = { collection: 'tasks', key: 'a' }
  const path = expect.stringContaining('tasks/a.json')

  it('state:external-change, once for each change', async () => {
    const tasks = store.collection('tasks')
    for (const text of ['{ "n": 1 }', '{ "n": 2 }']) {
      home.edit(await makeCollection(home, 'tasks/a.json'), text)
      await tasks.get('a')
      await tasks.get('a')
    }
    const changes = told['state:external-change']
    expect(changes).toEqual([
      { address, path, revision: expect.stringMatching(/^0\.0~/) },
      { address, path, revision: expect.stringMatching(/^0\.0~/) },
    ])
    expect(changes[0]?.revision).not.toBe(changes[1]?.revision)
  })

  it('state:corrupt, with where the bytes are and what was restored', async () => {
    const tasks = store.collection('tasks')
    await tasks.set('a', 1)
    await tasks.set('a', 2)
    const damaged = home.readText('tasks/a.json')
    home.damage('tasks/a.json')
    expect(await tasks.get('a')).toBe(1)
    expect(await tasks.get('a')).toBe(1)
    const quarantinedAs = expect.stringContaining('.holdfast/quarantine/tasks/a.json.')
    const [backup] = await tasks.backups('a')
    expect(told['state:corrupt']).toEqual([
      { address, path, reason: expect.any(String), quarantinedAs, restoredFrom: backup?.id },
    ])
    const kept = told['state:corrupt'][0]?.quarantinedAs ?? ''
    const bytes = home.fileSystem.blocking.readFile(kept)
    expect(damaged.startsWith(Buffer.from(bytes).toString('utf8'))).toBe(true)
  })
})

async function makeCollection(home: Home, path: string): Promise<string> {
  const directory = home.path(path.slice(0, path.indexOf('/')))
  const fs = home.fileSystem.blocking
  if (fs.status(directory) === undefined) fs.makeDirectory(directory, 0o700)
  return path
}

describe('events of the storage', () => {
  it('state:recovered, when a copy is opened', async () => {
    const home = await realHome()
    await (await home.open()).collection('tasks').set('a', 1)
    const { cp } = await import('node:fs/promises')
    const directory = `${home.directory}-copy`
    await cp(home.directory, directory, { recursive: true })
    const store = closedAtEnd(new StateStore({ storage: new FileStorage({ directory }) }))
    const told = listenTo(store)
    await store.open()
    expect(heard(told)).toEqual({ 'state:recovered': [store.recovery] })
    expect(store.recovery).toMatchObject({ newIdentity: true })
  })

  it('writer:taken-over and writer:revoked, when a writer falls silent in its turn', async () => {
    const home = memoryHome()
    const first = await home.open()
    const firstTold = listenTo(first)
    const gate = holdNextSync(home.fileSystem)
    const silent = first.collection<string>('tasks').set('a', 'first')
    await gate.reached

    const second = await home.open({ processes: soleSurvivor })
    const secondTold = listenTo(second)
    await second.collection<string>('tasks').set('b', 'second')
    expect(secondTold['writer:taken-over']).toEqual([
      { pid: process.pid, host: expect.any(String), reason: expect.any(String) },
    ])
    gate.open()
    await silent
    expect(firstTold['writer:revoked']).toEqual([{ generation: expect.any(Number) }])
    expect(firstTold['state:saved']).toHaveLength(1)
    expect(await second.collection('tasks').get('a')).toBe('first')
    expect(await first.collection('tasks').get('b')).toBe('second')
  })

  it('backup:skipped, when a full disk does not keep a delete from going ahead', async () => {
    const { home, told, store } = await watched()
    const tasks = store.collection('tasks')
    await tasks.set('a', 1)
    failing(home, 'link', 'ENOSPC')
    expect(await tasks.delete('a')).toBe(true)
    expect(told['backup:skipped']).toEqual([
      { address: { collection: 'tasks', key: 'a' }, reason: expect.any(String) },
    ])
    expect(home.has('tasks/a.json')).toBe(false)
  })

  it('maintenance:failed, when old backups cannot be dropped', async () => {
    const { home, told, store } = await watched()
    const tasks = store.collection<number>('tasks')
    await tasks.set('a', 0)
    failing(home, 'readDirectory', 'EIO')
    await tasks.set('a', 1)
    await store.close()
    expect(told['maintenance:failed']).toEqual([
      { operation: 'prune', error: expect.objectContaining({ code: 'STATE_IO' }) },
    ])
    expect(told['state:save-error']).toEqual([])
  })
})

async function watched() {
  const home = memoryHome()
  const store = await home.open({ backups: { keep: 1 } })
  return { home, store, told: listenTo(store) }
}

/** Among the backups, every call of an operation fails from now on. */
function failing(home: Home, operation: 'link' | 'readDirectory', errno: string): void {
  const { fileSystem } = home
  const { blocking } = fileSystem
  const refuse = (...paths: readonly string[]): void => {
    const path = paths.find((each) => each.includes('/backups/'))
    if (path !== undefined) throw new FileSystemError(errno, operation, path)
  }
  const original: Record<string, unknown> = { ...blocking }
  const call = original[operation] as (...paths: readonly string[]) => unknown
  const blockingCall = (...paths: readonly string[]): unknown => {
    refuse(...paths)
    return call(...paths)
  }
  Object.assign(blocking, { [operation]: blockingCall })
  Object.assign(fileSystem, { [operation]: async (...paths: string[]) => blockingCall(...paths) })
}

describe('a listener that throws', () => {
  it('disturbs neither the write nor other listeners; the process hears of it', async () => {
    const home = await realHome()
    await using worker = WorkerProcess.start('store/listener.worker.ts', {
      directory: home.directory,
    })
    expect(await worker.next('told')).toEqual({
      type: 'told',
      revision: expect.any(String),
      others: 1,
      uncaught: ['listener is broken'],
    })
    expect(home.readJson('tasks/a.json')).toMatchObject({ done: true })
    expect(await worker.exited).toMatchObject({ code: 0 })
  })
})
