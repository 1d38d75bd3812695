/** Symlinks in a store: followed inside it, refused out of it. */
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { codeOf, collect, damage, gather, treeOf, useSandbox } from './sandbox.js'

const sandbox = useSandbox()

const isLink = (name: string): boolean => lstatSync(sandbox().path(name)).isSymbolicLink()

function link(target: string, name: string): void {
  mkdirSync(sandbox().path('tasks'), { recursive: true })
  symlinkSync(target, sandbox().path(name))
}

/** A directory beside the store with a document in it that the store must not reach. */
function outside(): string {
  const directory = join(sandbox().parent, 'outside')
  mkdirSync(directory)
  sandbox().write('../outside/secret.json', '{"secret":1}')
  return directory
}

describe('a document that is a symlink inside the store', () => {
  it('is written through to its real place', async () => {
    sandbox().write('archive/real.json', '{"n":1}')
    link('../archive/real.json', 'tasks/one.json')
    const store = await sandbox().open()
    const tasks = store.collection<{ n: number }>('tasks')
    expect(await tasks.get('one')).toEqual({ n: 1 })
    await tasks.update('one', ({ n }) => ({ n: n + 1 }))
    await tasks.set('one', { n: 3 })
    await store.transaction((transaction) => {
      transaction.set(tasks, 'one', { n: 4 })
      transaction.set(tasks, 'two', { n: 4 })
    })
    expect(isLink('tasks/one.json')).toBe(true)
    expect(readlinkSync(sandbox().path('tasks/one.json'))).toBe('../archive/real.json')
    expect(isLink('archive/real.json')).toBe(false)
    expect(JSON.parse(sandbox().read('archive/real.json'))).toMatchObject({ n: 4 })
    expect(await tasks.get('one')).toEqual({ n: 4 })
    expect(await tasks.list()).toEqual(['one', 'two'])
    expect((await store.verify()).findings).toEqual([])
    const backups = await tasks.backups('one')
    expect(backups.length).toBe(3)
    expect((await tasks.readBackup('one', backups[0]?.id ?? '')).value).toEqual({ n: 1 })
  })

  it('is repaired in its real place, and the damaged bytes are kept', async () => {
    sandbox().write('archive/real.json', '{"n":1}')
    link('../archive/real.json', 'tasks/one.json')
    const store = await sandbox().open()
    const tasks = store.collection('tasks')
    await tasks.set('one', { n: 2 })
    await tasks.set('one', { n: 3 })
    damage(sandbox().path('archive/real.json'), (text) => text.replace('"n": 3', '"n": 4'))
    const broken = sandbox().read('archive/real.json')
    expect(await tasks.get('one')).toEqual({ n: 2 })
    expect(isLink('tasks/one.json')).toBe(true)
    expect(isLink('archive/real.json')).toBe(false)
    expect([...treeOf(sandbox().path('.holdfast/quarantine/tasks')).values()]).toEqual([broken])
  })

  it('is deleted in its real place; the link that is left leads nowhere and is refused', async () => {
    sandbox().write('archive/real.json', '{"n":1}')
    link('../archive/real.json', 'tasks/one.json')
    const tasks = (await sandbox().open()).collection('tasks')
    expect(await tasks.delete('one')).toBe(true)
    expect(sandbox().names('archive')).toEqual([])
    expect(isLink('tasks/one.json')).toBe(true)
    expect(await codeOf(tasks.get('one'))).toBe('STATE_PATH_ESCAPE')
    expect((await tasks.backups('one')).length).toBe(1)
  })

  it('may be a whole collection', async () => {
    sandbox().write('2026/one.json', '{"n":1}')
    link('2026', 'current')
    const store = await sandbox().open()
    const current = store.collection('current')
    await current.set('one', { n: 2 })
    await current.set('two', { n: 2 })
    expect(isLink('current')).toBe(true)
    expect(await store.collection('2026').get('two')).toEqual({ n: 2 })
    expect(await current.list()).toEqual(['one', 'two'])
  })
})

const escapes: [string, string, (outside: string) => void][] = [
  ['a document outside', 'secret', (at) => link(join(at, 'secret.json'), 'tasks/secret.json')],
  ['a document outside, relative', 'up', () => link('../../outside/secret.json', 'tasks/up.json')],
  ['nothing outside', 'new', (at) => link(join(at, 'new.json'), 'tasks/new.json')],
  ['nothing inside', 'new', () => link('../archive/new.json', 'tasks/new.json')],
  ['itself', 'loop', () => link('loop.json', 'tasks/loop.json')],
  [
    'each other',
    'ping',
    () => {
      link('pong.json', 'tasks/ping.json')
      link('ping.json', 'tasks/pong.json')
    },
  ],
  ['internals', 'stamp', () => link('../.holdfast/store.json', 'tasks/stamp.json')],
  [
    'outside by way of inside',
    'via',
    (at) => {
      link(at, 'bridge')
      link('../bridge/secret.json', 'tasks/via.json')
    },
  ],
  ['the directory outside', 'secret', (at) => symlinkSync(at, sandbox().path('tasks'))],
  ['no directory', 'secret', () => symlinkSync('../nowhere', sandbox().path('tasks'))],
  ['a collection that is itself', 'one', () => symlinkSync('tasks', sandbox().path('tasks'))],
  ['.holdfast', 'store', () => symlinkSync('.holdfast', sandbox().path('tasks'))],
  ['the root itself', 'one', () => symlinkSync('.', sandbox().path('tasks'))],
]

describe.each(escapes)('a symlink to %s', (_, key, arrange) => {
  it('is refused, and nothing out there is created or changed', async () => {
    await (await sandbox().open()).close()
    const at = outside()
    arrange(at)
    const before = treeOf(at)
    const store = await sandbox().open()
    const stampsBefore = sandbox().read('.holdfast/store.json')
    const tasks = store.collection('tasks')
    const invalid = collect(store, 'state:invalid')
    const tried = {
      get: await codeOf(tasks.get(key)),
      has: await codeOf(tasks.has(key)),
      set: await codeOf(tasks.set(key, { mine: 1 })),
      update: await codeOf(tasks.update(key, () => ({ mine: 1 }), { initial: {} })),
      delete: await codeOf(tasks.delete(key)),
      transaction: await codeOf(
        store.transaction((transaction) => {
          transaction.set(tasks, key, { mine: 2 })
          transaction.set(store.collection('others'), 'two', { mine: 2 })
        }),
      ),
    }
    expect(new Set(Object.values(tried)), JSON.stringify(tried)).toEqual(
      new Set(['STATE_PATH_ESCAPE']),
    )
    expect(await store.collection('others').get('two'), 'all or none').toBeUndefined()
    const listed = (await gather(tasks.entries())).map((entry) => entry.key)
    expect(listed).not.toContain(key)
    expect(invalid.length).toBe((await tasks.list()).length)
    const { findings } = await store.verify({ repair: true })
    expect(findings.every(({ kind }) => kind === 'escape')).toBe(true)
    expect(findings.length).toBeGreaterThanOrEqual((await tasks.list()).length)
    await store.collections()
    await store.collection('others').set('fine', 1)
    expect(treeOf(at)).toEqual(before)
    expect(sandbox().read('.holdfast/store.json')).toBe(stampsBefore)
    expect(treeOf(sandbox().parent).has(join(sandbox().parent, 'nowhere'))).toBe(false)
  })
})

describe('.holdfast', () => {
  it('that is a symlink is refused', async () => {
    const at = outside()
    mkdirSync(sandbox().root)
    symlinkSync(at, sandbox().path('.holdfast'))
    const before = treeOf(at)
    expect(await codeOf(sandbox().open())).toBe('STATE_PATH_ESCAPE')
    expect(treeOf(at)).toEqual(before)
  })

  it('that is a symlink to where it was moved inside is refused too', async () => {
    await (await sandbox().open()).close()
    renameSync(sandbox().path('.holdfast'), sandbox().path('internals'))
    symlinkSync('internals', sandbox().path('.holdfast'))
    expect(await codeOf(sandbox().open())).toBe('STATE_PATH_ESCAPE')
  })
})

describe('a root reached through a symlink', () => {
  it('is the store it leads to', async () => {
    const store = await sandbox().open()
    await store.collection('tasks').set('one', 1)
    const alias = join(sandbox().parent, 'alias')
    symlinkSync(sandbox().root, alias)
    symlinkSync('../tasks/one.json', sandbox().path('tasks/link.json'))
    const other = await sandbox().open({}, alias)
    const tasks = other.collection('tasks')
    expect(await tasks.get('one')).toBe(1)
    await tasks.update('link', (value) => Number(value) + 1)
    expect(await store.collection('tasks').get('one')).toBe(2)
    await other.transaction((transaction) => {
      transaction.set(tasks, 'link', 3)
      transaction.set(tasks, 'two', 3)
    })
    expect(await store.collection('tasks').get('one')).toBe(3)
    expect((await other.verify()).findings).toEqual([])
    expect(realpathSync(alias)).toBe(sandbox().root)
    expect(readFileSync(join(alias, 'tasks/two.json'), 'utf8')).toContain('$holdfast')
  })
})
