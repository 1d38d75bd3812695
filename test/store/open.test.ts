import { chmod, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  FileStorage,
  isStateStoreError,
  openStateStore,
  type StateStore,
  StateStoreError,
} from 'holdfast'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { formatVersion } from '../../src/storage/file/store-directory.js'
import { WorkerProcess } from '../support/workers.js'
import {
  closedAtEnd,
  everyStore,
  failure,
  fileHomes,
  type Home,
  memoryHome,
  realHome,
  thrown,
} from './homes.js'
import { restamp } from './stamps.js'

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777

async function temporaryDirectory(): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-open-')))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

describe('opening a directory', () => {
  it('needs nothing but a path, and creates its parents', async () => {
    const parent = await temporaryDirectory()
    const directory = join(parent, 'some', 'where', 'state')
    const store = closedAtEnd(await openStateStore(directory))
    await store.collection('tasks').set('task_123', { status: 'pending' })
    const text = await readFile(join(directory, 'tasks', 'task_123.json'), 'utf8')
    expect(JSON.parse(text)).toMatchObject({ status: 'pending' })
    expect(await readdir(parent)).toEqual(['some'])
  })

  it('is for its owner only: directories 0700, files 0600', async () => {
    const parent = await temporaryDirectory()
    const directory = join(parent, 'deep', 'state')
    const before = process.umask(0)
    onTestFinished(() => {
      process.umask(before)
    })
    const store = closedAtEnd(await openStateStore(directory))
    const tasks = store.collection('tasks')
    await tasks.set('a', 1)
    await tasks.set('a', 2)
    await store.collection('other').set('b', 1)
    const entries = await readdir(parent, { recursive: true, withFileTypes: true })
    const wrong: string[] = []
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name)
      if ((await modeOf(path)) !== (entry.isDirectory() ? 0o700 : 0o600)) wrong.push(path)
    }
    expect(entries.length).toBeGreaterThan(5)
    expect(wrong).toEqual([])
  })

  it('keeps the mode that a person gave a document', async () => {
    const home = await realHome()
    const tasks = (await home.open()).collection('tasks')
    await tasks.set('a', 1)
    await chmod(home.path('tasks/a.json'), 0o640)
    await tasks.set('a', 2)
    expect(await modeOf(home.path('tasks/a.json'))).toBe(0o640)
  })
})

describe('the default directory', () => {
  let directory = ''
  beforeEach(async () => {
    directory = await temporaryDirectory()
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(directory)
    onTestFinished(() => {
      cwd.mockRestore()
      vi.unstubAllEnvs()
    })
  })

  const used = async (path: string): Promise<boolean> =>
    (await readdir(path).catch((): string[] => [])).includes('.holdfast')

  it('is .state', async () => {
    vi.stubEnv('STATE_PATH', undefined)
    closedAtEnd(await openStateStore())
    expect(await used(join(directory, '.state'))).toBe(true)
  })

  it('is .state as well when STATE_PATH is empty', async () => {
    vi.stubEnv('STATE_PATH', '')
    closedAtEnd(await openStateStore())
    expect(await used(directory)).toBe(false)
    expect(await used(join(directory, '.state'))).toBe(true)
  })

  it('is STATE_PATH', async () => {
    vi.stubEnv('STATE_PATH', join(directory, 'elsewhere'))
    closedAtEnd(await openStateStore())
    expect(await readdir(directory)).toEqual(['elsewhere'])
    expect(await used(join(directory, 'elsewhere'))).toBe(true)
  })

  it('yields to the one that is given', async () => {
    vi.stubEnv('STATE_PATH', join(directory, 'elsewhere'))
    closedAtEnd(await openStateStore(join(directory, 'given')))
    expect(await readdir(directory)).toEqual(['given'])
  })
})

describe.each(fileHomes)('a store on $name', ({ home: makeHome }) => {
  let home: Home
  beforeEach(async () => {
    home = await makeHome()
  })

  it('may be opened twice in one process: no update is lost', async () => {
    const stores = [await home.open(), await home.open()]
    const updates = stores.flatMap((store) => {
      const counters = store.collection<number>('counters')
      return Array.from({ length: 50 }, () =>
        counters.update('n', (count) => count + 1, { initial: 0 }),
      )
    })
    const results = await Promise.all(updates)
    expect(results.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
    for (const store of stores) expect(await store.collection('counters').get('n')).toBe(100)
  })

  it('finds again what was written before it was closed', async () => {
    const first = await home.open()
    const receipt = await first.collection('tasks').set('a', { b: [1, null, 'x'] })
    await first.close()
    const document = await (await home.open()).collection('tasks').read('a')
    expect(document).toMatchObject({ value: { b: [1, null, 'x'] }, revision: receipt.revision })
  })

  it.each([
    { format: formatVersion + 1, mode: 'direct' },
    { format: formatVersion, mode: 'journalled' },
  ])('refuses format $format in mode $mode, and changes nothing', async (stamp) => {
    await (await home.open()).close()
    restamp(home, stamp)
    const before = home.snapshot()
    const error = await failure('STATE_FORMAT_MISMATCH', home.open())
    expect(error.details).toEqual(stamp)
    expect(error.path).toContain('.holdfast/store.json')
    expect(home.snapshot()).toEqual(before)
  })

  it('knows its format by the copy of a damaged stamp, and refuses two damaged ones', async () => {
    await (await home.open()).close()
    home.edit('.holdfast/store.json', 'garbage')
    await (await home.open()).close()
    expect(home.readText('.holdfast/store.json')).toBe(home.readText('.holdfast/store.copy.json'))
    home.edit('.holdfast/store.json', 'garbage')
    home.edit('.holdfast/store.copy.json', 'garbage')
    await failure('STATE_CORRUPT', home.open())
  })

  it('reports nothing to recover after a clean close', async () => {
    await (await home.open()).close()
    const { recovery } = await home.open()
    expect(recovery).toEqual({ rolledForward: 0, sweptWriters: 0, newIdentity: false })
  })

  it('finds damage as it opens, if asked to', async () => {
    const tasks = (await home.open()).collection('tasks')
    await tasks.set('a', 1)
    await tasks.set('a', 2)
    home.damage('tasks/a.json')
    const store = await home.open({ verify: 'on-open' })
    expect(home.readJson('tasks/a.json')).toMatchObject({ value: 1 })
    expect(await store.verify()).toEqual({ documents: 1, intact: 1, records: 0, findings: [] })
  })

  describe('opened read-only', () => {
    let store: StateStore
    let before: Record<string, string>
    beforeEach(async () => {
      const writer = await home.open()
      await writer.collection('tasks').set('a', { n: 1 })
      await writer.collection('tasks').set('a', { n: 2 })
      await writer.close()
      restamp(home, { format: formatVersion + 1, mode: 'journalled' })
      before = home.snapshot()
      store = await home.open({ readOnly: true })
    })

    it('reads a store of a newer version, and changes nothing', async () => {
      const tasks = store.collection<{ n: number }>('tasks')
      expect(await tasks.get('a')).toEqual({ n: 2 })
      expect(await tasks.list()).toEqual(['a'])
      expect(await store.collections()).toEqual(['tasks'])
      expect(await tasks.backups('a')).toHaveLength(1)
      expect(await store.transaction((tx) => tx.get(tasks, 'a'))).toEqual({ n: 2 })
      await store.close()
      expect(home.snapshot()).toEqual(before)
    })

    it('refuses every write', async () => {
      const tasks = store.collection<{ n: number }>('tasks')
      const [backup] = await tasks.backups('a')
      const attempts: readonly (() => Promise<unknown>)[] = [
        () => tasks.set('a', { n: 3 }),
        () => tasks.update('a', ({ n }) => ({ n: n + 1 })),
        () => tasks.update('a', async ({ n }) => ({ n: n + 1 })),
        () => tasks.merge('a', { n: 3 }),
        () => tasks.delete('a'),
        () => tasks.restore('a', backup?.id ?? ''),
        () => store.transaction((tx) => tx.set(tasks, 'a', { n: 3 })),
        () => store.transaction((tx) => tx.delete(tasks, 'a')),
        () => store.lock('name'),
        () => store.verify({ repair: true }),
      ]
      for (const attempt of attempts) await failure('STATE_READ_ONLY', attempt())
      thrown('STATE_READ_ONLY', () => tasks.setSync('a', { n: 3 }))
      expect(home.snapshot()).toEqual(before)
    })

    it('leaves damage as it is', async () => {
      home.damage('tasks/a.json')
      before = home.snapshot()
      await failure('STATE_CORRUPT', store.collection('tasks').get('a'))
      expect(home.snapshot()).toEqual(before)
    })
  })

  it('creates nothing when a directory that is not there is opened read-only', async () => {
    await expect(home.open({ readOnly: true })).rejects.toSatisfy((error) =>
      isStateStoreError(error, 'STATE_IO'),
    )
    expect(home.fileSystem.blocking.status(home.directory)).toBeUndefined()
  })
})

describe.each(everyStore)('the end of a store: $name', ({ open }) => {
  it('refuses everything once it is closed', async () => {
    const store = await open()
    const tasks = store.collection<number>('tasks')
    await tasks.set('a', 1)
    await store.close()
    const attempts: readonly (() => Promise<unknown>)[] = [
      () => tasks.get('a'),
      () => tasks.has('a'),
      () => tasks.set('a', 2),
      () => tasks.update('a', (n) => n + 1),
      () => tasks.delete('a'),
      () => tasks.list(),
      () => tasks.backups('a'),
      () => store.collections(),
      () => store.transaction((tx) => tx.get(tasks, 'a')),
      () => store.lock('name'),
      () => store.locks(),
      () => store.verify(),
    ]
    for (const attempt of attempts) await failure('STATE_CLOSED', attempt())
    thrown('STATE_CLOSED', () => tasks.setSync('a', 2))
    thrown('STATE_CLOSED', () => store.flushSync())
  })

  it('completes what was asked for, and may be closed again', async () => {
    const store = await open()
    const writing = store.collection('tasks').set('a', 1)
    // The write is on its way once its value has been checked.
    await Promise.resolve()
    await Promise.all([store.close(), store.close()])
    expect(await writing).toMatchObject({ superseded: false })
    await store.close()
  })

  it('is closed by what `await using` calls, also where the platform has no such symbol', async () => {
    const store = await open()
    const dispose: unknown = Reflect.get(store, Symbol.asyncDispose)
    expect(dispose).toBeTypeOf('function')
    {
      await using scoped = store
      await scoped.collection('tasks').set('a', 1)
    }
    await failure('STATE_CLOSED', store.collection('tasks').get('a'))
  })
})

describe('a process', () => {
  it('that forgets close() and release() ends all the same, and what it wrote stays', async () => {
    const home = await realHome()
    await using worker = WorkerProcess.start('store/forgetful.worker.ts', {
      directory: home.directory,
    })
    expect(await worker.exited).toEqual({ code: 0, signal: null, stderr: '' })
    const store = await home.open()
    expect(await store.collection('tasks').get('task_1')).toEqual({ status: 'done' })
    // Its lock is free for whoever can see that it died.
    await using lock = await store.lock('deploy')
    expect(lock.token).toBeGreaterThan(0)
    expect(store.recovery.sweptWriters).toBe(1)
  })
})

describe('the recovery report', () => {
  it('cannot be had before the store is open', () => {
    const storage = new FileStorage({ directory: '/never-opened' })
    return import('holdfast').then(({ StateStore }) => {
      thrown('STATE_CLOSED', () => new StateStore({ storage }).recovery)
    })
  })

  it('tells that a directory is a copy', async () => {
    const home = await realHome()
    const store = await home.open()
    await store.collection('tasks').set('a', 1)
    const copy = `${home.directory}-copy`
    await mkdir(copy)
    await cp(home.directory, copy, { recursive: true })
    const copied = closedAtEnd(await openStateStore(copy))
    expect(copied.recovery.newIdentity).toBe(true)
    expect(await copied.collection('tasks').get('a')).toBe(1)
    expect(store.recovery.newIdentity).toBe(false)
  })
})

describe('errors', () => {
  it('are recognised whichever copy of the package they come from', () => {
    const error: unknown = Object.assign(new Error('from elsewhere'), {
      code: 'STATE_IO',
      [Symbol.for('holdfast.StateStoreError')]: true,
    })
    expect(error).not.toBeInstanceOf(StateStoreError)
    expect(isStateStoreError(error)).toBe(true)
    expect(isStateStoreError(error, 'STATE_IO')).toBe(true)
    expect(isStateStoreError(error, 'STATE_CLOSED')).toBe(false)
    for (const other of [new Error('x'), { code: 'STATE_IO' }, null, undefined, 'STATE_IO']) {
      expect(isStateStoreError(other)).toBe(false)
    }
  })

  it.each([{ maxPending: 0 }, { writeTtlMs: 1 }, { maxDocumentBytes: Number.NaN }])(
    'refuse %o before anything is touched',
    async (options) => {
      const home = memoryHome()
      await failure('STATE_INVALID_OPTION', home.open(options))
      expect(home.fileSystem.blocking.status('/state')).toBeUndefined()
    },
  )
})
