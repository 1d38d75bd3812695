/** Documents that a person or another program changes while the store is open. */
import { chmodSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  type FileDescriptor,
  type FileOperations,
  NodeFileSystem,
} from '../../src/file-system/index.js'
import type { StateStore } from '../../src/store/index.js'
import { codeOf, collect, damage, gather, treeOf, useSandbox } from './sandbox.js'

const sandbox = useSandbox()

interface Task {
  readonly status: string
  readonly count: number
}

const file = 'tasks/one.json'
const schema = z.object({ status: z.enum(['open', 'done']), count: z.number() })

/** An editor that truncates and writes. */
const inPlace = (text: string): void => {
  sandbox().write(file, text)
}

/** An editor that writes another file and renames it. */
const byRename = (text: string): void => {
  renameSync(sandbox().write('tasks/.one.json.swp', text), sandbox().path(file))
}

const edit = (save: (text: string) => void, from: string, to: string): void =>
  save(sandbox().read(file).replace(from, to))

async function opened(): Promise<{
  store: StateStore
  tasks: ReturnType<typeof collectionOf>
  revision: string
}> {
  const store = await sandbox().open()
  const tasks = collectionOf(store)
  const { revision } = await tasks.set('one', { status: 'open', count: 1 })
  return { store, tasks, revision }
}

const collectionOf = (store: StateStore) => store.collection('tasks', { schema })

describe.each([
  ['in place', inPlace],
  ['by rename', byRename],
])('an edit %s', (_, save) => {
  it('is reported once also when an update is the first to come across it', async () => {
    const { store, tasks } = await opened()
    const changes = collect(store, 'state:external-change')
    edit(save, '"count": 1', '"count": 41')
    await tasks.update('one', (task) => ({ ...task, count: task.count + 1 }))
    expect(await tasks.get('one')).toEqual({ status: 'open', count: 42 })
    expect(changes.map(({ address }) => address.key)).toEqual(['one'])
  })

  it('is read, under a revision of its own, and reported once', async () => {
    const { store, tasks, revision } = await opened()
    const changes = collect(store, 'state:external-change')
    edit(save, '"open"', '"done"')
    const seen = await tasks.read('one')
    expect(seen).toMatchObject({ value: { status: 'done', count: 1 }, origin: 'external' })
    expect(seen?.revision).not.toBe(revision)
    for (let times = 0; times < 3; times++) await tasks.get('one')
    await gather(tasks.entries())
    await store.verify()
    expect(changes).toEqual([
      {
        address: { collection: 'tasks', key: 'one' },
        path: sandbox().path(file),
        revision: seen?.revision,
      },
    ])
    edit(save, '"count": 1', '"count": 2')
    const third = await tasks.read('one')
    expect(third?.value).toEqual({ status: 'done', count: 2 })
    expect(third?.revision).not.toBe(seen?.revision)
    expect(changes.length).toBe(2)
  })

  it('refuses a conditional write that was prepared before', async () => {
    const { tasks, revision } = await opened()
    edit(save, '"open"', '"done"')
    const edited = sandbox().read(file)
    const write = tasks.set('one', { status: 'open', count: 9 }, { ifRevision: revision })
    expect(await codeOf(write)).toBe('STATE_REVISION_CONFLICT')
    expect(await codeOf(tasks.delete('one', { ifRevision: revision }))).toBe(
      'STATE_REVISION_CONFLICT',
    )
    expect(sandbox().read(file)).toBe(edited)
    const ifRevision = (await tasks.read('one'))?.revision ?? null
    await tasks.set('one', { status: 'open', count: 9 }, { ifRevision })
    expect(await tasks.get('one')).toEqual({ status: 'open', count: 9 })
  })

  it('makes a transaction begin again', async () => {
    const { store, tasks } = await opened()
    const seen: unknown[] = []
    await store.transaction(async (transaction) => {
      const task = await transaction.get(tasks, 'one')
      seen.push(task)
      if (seen.length === 1) edit(save, '"count": 1', '"count": 5')
      transaction.set(tasks, 'two', { status: 'open', count: (task?.count ?? 0) + 1 })
    })
    expect(seen).toMatchObject([{ count: 1 }, { count: 5 }])
    expect(await tasks.get('two')).toEqual({ status: 'open', count: 6 })
  })

  it('is what an update builds on, also one that is awaited', async () => {
    const { store, tasks } = await opened()
    const changes = collect(store, 'state:external-change')
    edit(save, '"count": 1', '"count": 5')
    await tasks.get('one')
    await tasks.update('one', (task) => ({ ...task, count: task.count + 1 }))
    expect(await tasks.read('one')).toMatchObject({ value: { count: 6 }, origin: 'store' })
    edit(save, '"count": 6', '"count": 10')
    await tasks.update('one', async (task) => ({ ...task, count: task.count + 1 }))
    expect(await tasks.get('one')).toEqual({ status: 'open', count: 11 })
    expect(changes.length, 'each edit is reported once').toBe(2)
  })

  it('that comes between an update and its end is not lost', async () => {
    const { tasks } = await opened()
    let tries = 0
    await tasks.update('one', async (task) => {
      tries += 1
      if (tries === 1) edit(save, '"count": 1', '"count": 5')
      return { ...task, count: task.count + 1 }
    })
    expect(tries).toBe(2)
    expect((await tasks.get('one'))?.count).toBe(6)
  })

  it('that does not fit the schema is refused and left untouched', async () => {
    const { store, tasks } = await opened()
    edit(save, '"open"', '"paused"')
    const edited = sandbox().read(file)
    const invalid = collect(store, 'state:invalid')
    expect(await codeOf(tasks.get('one'))).toBe('STATE_VALIDATION_FAILED')
    expect(await codeOf(tasks.update('one', (task) => task))).toBe('STATE_VALIDATION_FAILED')
    expect(await gather(tasks.entries())).toEqual([])
    expect(invalid).toMatchObject([{ collection: 'tasks', key: 'one' }])
    expect(sandbox().read(file)).toBe(edited)
    expect(await store.collection<Task>('tasks').get('one')).toMatchObject({ status: 'paused' })
  })

  it('that breaks it is taken back, and the bytes are kept', async () => {
    const { store, tasks, revision } = await opened()
    await tasks.set('one', { status: 'open', count: 2 })
    const corrupt = collect(store, 'state:corrupt')
    const broken = '{"status": "done",\n  <<<<<<< mine\n}'
    save(broken)
    const restored = await tasks.read('one')
    expect(restored).toMatchObject({ value: { count: 1 }, origin: 'store' })
    expect(restored?.revision).not.toBe(revision)
    expect(corrupt.length).toBe(1)
    expect(corrupt[0]?.restoredFrom).toBeDefined()
    expect([...treeOf(sandbox().path('.holdfast/quarantine/tasks')).values()]).toEqual([broken])
    expect(await tasks.get('one')).toEqual({ status: 'open', count: 1 })
    expect(corrupt.length).toBe(1)
  })

  it('that breaks a document without backup leaves the file where it is', async () => {
    const { store, tasks } = await opened()
    const corrupt = collect(store, 'state:corrupt')
    save('{"status": ')
    expect(await codeOf(tasks.get('one'))).toBe('STATE_CORRUPT')
    expect(await codeOf(tasks.update('one', (task) => task))).toBe('STATE_CORRUPT')
    expect(sandbox().read(file)).toBe('{"status": ')
    expect(corrupt).toMatchObject([{ address: { key: 'one' }, path: sandbox().path(file) }])
    expect(await tasks.list()).toEqual(['one'])
    save('{"status": "done", "count": 3}')
    expect(await tasks.get('one')).toEqual({ status: 'done', count: 3 })
    save('{"status": ')
    await tasks.set('one', { status: 'open', count: 4 })
    expect(await tasks.get('one')).toEqual({ status: 'open', count: 4 })
  })
})

describe('what is no edit', () => {
  const spellings: [string, (text: string) => string][] = [
    ['four spaces', (text) => JSON.stringify(JSON.parse(text), null, 4)],
    ['tabs', (text) => JSON.stringify(JSON.parse(text), null, '\t')],
    ['one line', (text) => JSON.stringify(JSON.parse(text))],
    ['spaces before colons', (text) => text.replaceAll('": ', '"  :   ')],
    ['escapes', (text) => text.replace('open', '\\u006fpen')],
    ['blank lines', (text) => `\n\n${text.replaceAll('\n', '\n\n')}`],
  ]

  it.each(spellings)('%s', async (_, respell) => {
    const { store, tasks, revision } = await opened()
    const changes = collect(store, 'state:external-change')
    inPlace(respell(sandbox().read(file)))
    expect(await tasks.read('one')).toMatchObject({ revision, origin: 'store' })
    await tasks.set('one', { status: 'done', count: 2 }, { ifRevision: revision })
    expect(changes).toEqual([])
  })

  it('touching it', async () => {
    const { tasks, revision } = await opened()
    inPlace(sandbox().read(file))
    expect(await tasks.read('one')).toMatchObject({ revision, origin: 'store' })
  })
})

describe('a file caught while it is being saved', () => {
  /** Runs `complete` once the file has been looked at, and found wanting, three times. */
  class SlowEditor extends NodeFileSystem {
    complete: (() => void) | undefined
    looks = 3
    override readonly blocking: FileOperations

    constructor() {
      super()
      const inner = new NodeFileSystem().blocking
      const close = (file: FileDescriptor): void => {
        inner.close(file)
        if (this.complete === undefined) return
        this.looks -= 1
        if (this.looks > 0) return
        const { complete } = this
        this.complete = undefined
        complete()
      }
      this.blocking = { ...inner, close }
    }
  }

  it.each(['', '{"status": "do'])('is not taken for damage: %j', async (partial) => {
    const fileSystem = new SlowEditor()
    const store = await sandbox().open({ fileSystem })
    const tasks = collectionOf(store)
    await tasks.set('one', { status: 'open', count: 1 })
    await tasks.set('one', { status: 'open', count: 2 })
    const corrupt = collect(store, 'state:corrupt')
    inPlace(partial)
    fileSystem.complete = () => inPlace('{"status": "done", "count": 3}')
    expect(await tasks.get('one')).toEqual({ status: 'done', count: 3 })
    expect(fileSystem.complete, 'it was caught').toBeUndefined()
    expect(corrupt).toEqual([])
    expect(treeOf(sandbox().path('.holdfast/quarantine')).size).toBe(0)
  })
})

describe('permissions', () => {
  const modeOf = (path: string): number => statSync(path).mode & 0o777

  async function under<T>(umask: number, work: () => Promise<T>): Promise<T> {
    const former = process.umask(umask)
    try {
      return await work()
    } finally {
      process.umask(former)
    }
  }

  it.each([0o000, 0o022, 0o077])('are private for what is new under umask %o', async (umask) => {
    await under(umask, async () => {
      const store = await sandbox().open({}, join(sandbox().parent, 'made/for/store'))
      const tasks = store.collection('tasks')
      await tasks.set('one', 1)
      await tasks.set('one', 2)
      await store.transaction(async (transaction) => {
        transaction.set(tasks, 'two', 1)
        transaction.set(store.collection('others'), 'one', 1)
      })
      await store.withLock('name', {}, () => undefined)
      const beyond: string[] = []
      for (const [path] of treeOf(join(sandbox().parent, 'made'))) {
        const status = statSync(path)
        const allowed = status.isDirectory() ? 0o700 : 0o600
        if ((status.mode & 0o777 & ~allowed) !== 0) beyond.push(path)
      }
      expect(beyond, 'open to others').toEqual([])
      const root = join(sandbox().parent, 'made/for/store')
      for (const made of [root, join(root, 'tasks'), join(root, '.holdfast')]) {
        expect(modeOf(made), made).toBe(0o700)
      }
      expect(modeOf(join(root, 'tasks/one.json'))).toBe(0o600)
    })
  })

  it.each([0o644, 0o640, 0o600, 0o660, 0o444])('of a file, %o, are kept', async (mode) => {
    for (const umask of [0o000, 0o077]) {
      await under(umask, async () => {
        const store = await sandbox().open()
        const tasks = store.collection('tasks')
        await tasks.set('one', 1)
        chmodSync(sandbox().path(file), mode)
        await tasks.set('one', 2)
        expect(modeOf(sandbox().path(file))).toBe(mode)
        await tasks.update('one', () => 3)
        await store.transaction((transaction) => {
          transaction.set(tasks, 'one', 4)
          transaction.set(tasks, 'two', 4)
        })
        expect(modeOf(sandbox().path(file))).toBe(mode)
        damage(sandbox().path(file), (text) => text.replace('4', '5'))
        await tasks.get('one')
        expect(modeOf(sandbox().path(file)), 'also when it is restored').toBe(mode)
        await store.close()
      })
    }
  })

  it('of a file made by hand are kept', async () => {
    inPlace('{"status":"open","count":1}')
    chmodSync(sandbox().path(file), 0o664)
    mkdirSync(sandbox().path('shared'))
    chmodSync(sandbox().path('shared'), 0o775)
    const store = await sandbox().open()
    await collectionOf(store).update('one', (task) => task)
    await store.collection('shared').set('a', 1)
    expect(modeOf(sandbox().path(file))).toBe(0o664)
    expect(modeOf(sandbox().path('shared'))).toBe(0o775)
  })
})

describe('verify', () => {
  it('tells what was edited and what is corrupt, and changes nothing', async () => {
    const { store, tasks } = await opened()
    for (const key of ['edited', 'flipped', 'broken', 'good']) {
      await tasks.set(key, { status: 'open', count: 1 })
      await tasks.set(key, { status: 'open', count: 2 })
    }
    sandbox().write('tasks/edited.json', '{"status": "done", "count": 7}')
    sandbox().write('tasks/broken.json', '{')
    damage(sandbox().path('tasks/flipped.json'), (text) => text.replace('"count": 2', '"count": 3'))
    const before = treeOf(sandbox().path('tasks'))
    const { documents, findings, intact } = await store.verify()
    expect({ documents, intact }).toEqual({ documents: 5, intact: 2 })
    const kinds = findings.map(({ kind, address }) => `${address?.key} ${kind}`)
    expect(kinds.sort()).toEqual(['broken corrupt', 'edited edited', 'flipped corrupt'])
    expect(treeOf(sandbox().path('tasks'))).toEqual(before)
    const repaired = await store.verify({ repair: true })
    expect(repaired.findings.filter((finding) => finding.repaired !== undefined).length).toBe(2)
    expect(await tasks.get('flipped')).toEqual({ status: 'open', count: 1 })
    expect(await tasks.get('broken')).toEqual({ status: 'open', count: 1 })
    expect(await tasks.get('edited')).toEqual({ status: 'done', count: 7 })
    expect((await store.verify()).findings.map(({ kind }) => kind)).toEqual(['edited'])
  })

  it('on opening repairs before anything is read', async () => {
    const { store, tasks } = await opened()
    await tasks.set('one', { status: 'done', count: 2 })
    await store.close()
    damage(sandbox().path(file), (text) => text.replace('"done"', '"dome"'))
    const broken = sandbox().read(file)
    await (await sandbox().open()).close()
    expect(sandbox().read(file), 'not without being asked').toBe(broken)
    await (await sandbox().open({ verify: 'on-open', readOnly: true })).close()
    expect(sandbox().read(file), 'not when read-only').toBe(broken)
    await sandbox().open({ verify: 'on-open' })
    expect(JSON.parse(sandbox().read(file))).toMatchObject({ status: 'open', count: 1 })
    expect([...treeOf(sandbox().path('.holdfast/quarantine/tasks')).values()]).toEqual([broken])
  })

  it('on opening leaves alone what cannot be repaired', async () => {
    writeFileSync(sandbox().write('tasks/one.json', ''), '{')
    const store = await sandbox().open({ verify: 'on-open' })
    expect(sandbox().read(file)).toBe('{')
    expect(await codeOf(store.collection('tasks').get('one'))).toBe('STATE_CORRUPT')
  })
})
