import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { WorkerProcess } from '../support/workers.js'
import { everyStore, fileHomes, holdNextSync, memoryHome, realHome, thrown } from './homes.js'

describe.each(everyStore)('setSync on $name', ({ open }) => {
  it('has written when it returns, and takes conditions', async () => {
    const store = await open()
    const tasks = store.collection<number>('tasks')
    const first = tasks.setSync('a', 1)
    expect(first).toEqual({
      revision: expect.any(String),
      savedAt: expect.any(Number),
      superseded: false,
    })
    const second = tasks.setSync('a', 2, { ifRevision: first.revision })
    thrown('STATE_REVISION_CONFLICT', () => tasks.setSync('a', 3, { ifRevision: first.revision }))
    thrown('STATE_REVISION_CONFLICT', () => tasks.setSync('a', 3, { ifRevision: null }))
    expect(await tasks.read('a')).toMatchObject({ value: 2, revision: second.revision })
  })

  it('refuses what set refuses', async () => {
    const store = await open({ maxDocumentBytes: 400 })
    const anything = store.collection('anything')
    thrown('STATE_INVALID_VALUE', () => anything.setSync('a', new Date(0)))
    thrown('STATE_INVALID_KEY', () => anything.setSync('', 1))
    thrown('STATE_DOCUMENT_TOO_LARGE', () => anything.setSync('a', 'x'.repeat(500)))
    expect(await anything.list()).toEqual([])
  })
})

describe.each(fileHomes)('blocking calls on $name', ({ home: makeHome }) => {
  it('complete every write that is on its way', async () => {
    const home = await makeHome()
    const store = await home.open()
    const numbers = store.collection<number>('numbers')
    const pairs = store.collection<number>('pairs')
    await numbers.set('counter', 0)
    const keys = Array.from({ length: 30 }, (_, index) => `n${index}`)
    const sets = keys.map((key, index) => numbers.set(key, index))
    const updates = keys.map(() => numbers.update('counter', (n) => n + 1))
    const both = store.transaction((tx) => {
      tx.set(pairs, 'left', 1)
      tx.set(pairs, 'right', -1)
    })
    // All have been handed to the storage, the first of them are being written.
    await new Promise((resolve) => setImmediate(resolve))
    store.flushSync()
    for (const [index, key] of keys.entries()) {
      expect(home.readJson(`numbers/${key}.json`), key).toMatchObject({ value: index })
    }
    expect(home.readJson('numbers/counter.json')).toMatchObject({ value: 30 })
    expect(home.readJson('pairs/left.json')).toMatchObject({ value: 1 })
    expect(home.readJson('pairs/right.json')).toMatchObject({ value: -1 })

    const receipts = await Promise.all(sets)
    for (const [index, key] of keys.entries()) {
      expect((await numbers.read(key))?.revision).toBe(receipts[index]?.revision)
    }
    expect(new Set(await Promise.all(updates)).size).toBe(30)
    await both
    store.flushSync()
    await numbers.update('counter', (n) => n + 1)
    expect(await numbers.get('counter')).toBe(31)
  })

  it('setSync comes after the writes that were asked for before it', async () => {
    const home = await makeHome()
    const store = await home.open()
    const words = store.collection<string>('words')
    const earlier = words.set('a', 'earlier')
    await Promise.resolve()
    const { revision } = words.setSync('a', 'later')
    expect(home.readJson('words/a.json')).toMatchObject({ value: 'later', $holdfast: { revision } })
    await earlier
    expect(await words.read('a')).toMatchObject({ value: 'later', revision })
  })
})

describe('a batch that is held up half-way', () => {
  it('is taken over by a blocking flush, and written once', async () => {
    const home = memoryHome()
    const store = await home.open()
    const counters = store.collection<number>('counters')
    for (const key of ['n', 'm']) await counters.set(key, 0)
    const gate = holdNextSync(home.fileSystem)
    const updates = ['n', 'm'].map((key) => counters.update(key, (n) => n + 1))
    await gate.reached
    store.flushSync()
    for (const key of ['n', 'm']) {
      expect(home.readJson(`counters/${key}.json`)).toMatchObject({ value: 1 })
    }
    gate.open()
    expect(await Promise.all(updates)).toEqual([1, 1])
    expect(await counters.update('n', (n) => n + 1)).toBe(2)
    const newest = (await counters.backups('n')).at(-1)
    expect((await counters.readBackup('n', newest?.id ?? '')).value).toBe(1)
  })
})

describe('a process that exits in the middle of its work', () => {
  it('saves what it wanted to save', async () => {
    const home = await realHome()
    const pending = 40
    await using worker = WorkerProcess.start('store/exit.worker.ts', {
      directory: home.directory,
      pending,
    })
    expect(await worker.exited).toEqual({ code: 0, signal: null, stderr: '' })
    for (let index = 0; index < pending; index++) {
      const text = await readFile(home.path(`numbers/n${index}.json`), 'utf8')
      expect(JSON.parse(text)).toMatchObject({ value: index })
    }
    const last: unknown = JSON.parse(await readFile(home.path('words/last.json'), 'utf8'))
    expect(last).toMatchObject({ text: 'goodbye' })

    const store = await home.open()
    expect(await store.verify()).toMatchObject({ documents: pending + 1, intact: pending + 1 })
  })
})
