import { expect, it } from 'vitest'
import { ManualClock } from '../../../src/testing/index.js'
import { collect, describeStores } from './stores.js'

interface Task {
  status: string
  tags?: string[]
}

describeStores('Collection', (open) => {
  it('sets and gets', async () => {
    const store = await open()
    const tasks = store.collection<Task>('tasks')
    expect(await tasks.get('a')).toBeUndefined()
    expect(await tasks.read('a')).toBeUndefined()
    expect(await tasks.has('a')).toBe(false)
    const receipt = await tasks.set('a', { status: 'pending' })
    expect(await tasks.get('a')).toEqual({ status: 'pending' })
    expect(await tasks.has('a')).toBe(true)
    expect(await tasks.read('a')).toEqual({
      key: 'a',
      value: { status: 'pending' },
      revision: receipt.revision,
      savedAt: receipt.savedAt,
      writer: expect.any(String),
      schemaVersion: undefined,
      origin: 'store',
    })
  })

  it('tells when it saved, by the clock of the store', async () => {
    const clock = new ManualClock({ startAt: 1_700_000_000_123 })
    const tasks = (await open({ clock })).collection<number>('tasks')
    expect((await tasks.set('a', 1)).savedAt).toBe(1_700_000_000_123)
    clock.advance(77)
    expect((await tasks.set('a', 2)).savedAt).toBe(1_700_000_000_200)
    expect((await tasks.read('a'))?.savedAt).toBe(1_700_000_000_200)
  })

  it('is the same wherever it is opened, and independent of others', async () => {
    const store = await open()
    await store.collection('tasks').set('a', 1)
    await store.collection('notes').set('a', 2)
    expect(await store.collection('tasks').get('a')).toBe(1)
    expect(await store.collection('notes').get('a')).toBe(2)
    expect(await store.collections()).toEqual(['notes', 'tasks'])
    expect(store.collection('tasks').name).toBe('tasks')
  })

  it.each([
    ['empty', ''],
    ['too long', 'x'.repeat(8193)],
    ['a number', 1],
    ['null', null],
    ['undefined', undefined],
  ])('has no name that is %s', async (_what, name) => {
    const store = await open()
    expect(() => store.collection(name as string)).toThrow(
      expect.objectContaining({ code: 'STATE_INVALID_KEY' }),
    )
  })

  it('deletes, and tells whether there was something', async () => {
    const tasks = (await open()).collection('tasks')
    expect(await tasks.delete('a')).toBe(false)
    await tasks.set('a', 1)
    expect(await tasks.delete('a')).toBe(true)
    expect(await tasks.delete('a')).toBe(false)
    expect(await tasks.get('a')).toBeUndefined()
  })

  it('deletes only the revision it is asked to', async () => {
    const tasks = (await open()).collection('tasks')
    const { revision } = await tasks.set('a', 1)
    await tasks.set('a', 2)
    await expect(tasks.delete('a', { ifRevision: revision })).rejects.toMatchObject({
      code: 'STATE_REVISION_CONFLICT',
    })
    expect(await tasks.get('a')).toBe(2)
  })

  it('writes under a condition', async () => {
    const tasks = (await open()).collection('tasks')
    const first = await tasks.set('a', 1, { ifRevision: null })
    const second = await tasks.set('a', 2, { ifRevision: first.revision })
    await expect(tasks.set('a', 3, { ifRevision: first.revision })).rejects.toMatchObject({
      code: 'STATE_REVISION_CONFLICT',
      retryable: true,
      commitState: 'not-committed',
      details: { expected: first.revision, actual: second.revision },
    })
    await expect(tasks.set('a', 3, { ifRevision: null })).rejects.toMatchObject({
      code: 'STATE_REVISION_CONFLICT',
    })
    expect(await tasks.get('a')).toBe(2)
  })

  it('copies what it is given before it returns its promise', async () => {
    const tasks = (await open()).collection<Task>('tasks')
    await tasks.set('merged', { status: 'new', tags: ['kept'] })
    const value: Task = { status: 'pending', tags: ['one'] }
    const patch = { tags: ['one'] }
    const initial: Task = { status: 'initial' }
    const writes = [
      tasks.set('set', value),
      tasks.merge('merged', patch),
      tasks.update('updated', (current) => current, { initial }),
    ]
    value.status = 'changed'
    value.tags?.push('two')
    patch.tags.push('two')
    initial.status = 'changed'
    await Promise.all(writes)
    expect(await tasks.get('set')).toEqual({ status: 'pending', tags: ['one'] })
    expect(await tasks.get('merged')).toEqual({ status: 'new', tags: ['one'] })
    expect(await tasks.get('updated')).toEqual({ status: 'initial' })
  })

  it('hands out fresh copies', async () => {
    const tasks = (await open()).collection<Task>('tasks')
    await tasks.set('a', { status: 'pending', tags: [] })
    const first = await tasks.get('a')
    first?.tags?.push('spoiled')
    expect(await tasks.get('a')).toEqual({ status: 'pending', tags: [] })
    const updated = await tasks.update('a', (task) => task)
    updated.tags?.push('spoiled')
    expect(await tasks.get('a')).toEqual({ status: 'pending', tags: [] })
  })

  it('refuses values that it cannot store, and says where', async () => {
    const tasks = (await open()).collection('tasks')
    await expect(tasks.set('a', { items: [{ when: new Date(0) }] })).rejects.toMatchObject({
      code: 'STATE_INVALID_VALUE',
      details: { path: '$.items[0].when' },
      hint: expect.stringContaining('toISOString'),
    })
    expect(await tasks.has('a')).toBe(false)
  })

  it('refuses documents that are too large', async () => {
    const tasks = (await open({ maxDocumentBytes: 1000 })).collection('tasks')
    await tasks.set('a', 'x')
    await expect(tasks.set('a', 'x'.repeat(1000))).rejects.toMatchObject({
      code: 'STATE_DOCUMENT_TOO_LARGE',
      details: { collection: 'tasks', key: 'a', maxDocumentBytes: 1000 },
    })
    expect(await tasks.get('a')).toBe('x')
  })

  it.each([
    ['get', 'get'],
    ['read', 'read'],
    ['has', 'has'],
    ['delete', 'delete'],
    ['backups', 'backups'],
  ] as const)('refuses keys that are none: %s', async (_name, method) => {
    const tasks = (await open()).collection('tasks')
    await expect(tasks[method]('')).rejects.toMatchObject({ code: 'STATE_INVALID_KEY' })
    await expect(tasks[method](1 as unknown as string)).rejects.toMatchObject({
      code: 'STATE_INVALID_KEY',
    })
  })

  it('refuses keys that are none when it writes', async () => {
    const tasks = (await open()).collection('tasks')
    const invalid = { code: 'STATE_INVALID_KEY' }
    await expect(tasks.set('', 1)).rejects.toMatchObject(invalid)
    await expect(tasks.update('', () => 1, { initial: 1 })).rejects.toMatchObject(invalid)
    await expect(tasks.merge('', {})).rejects.toMatchObject(invalid)
    expect(() => tasks.setSync('', 1)).toThrow(expect.objectContaining(invalid))
  })

  it('lists keys, sorted, and by pattern', async () => {
    const tasks = (await open()).collection('tasks')
    for (const key of ['b', 'a', '2026/01', '2026/02', 'Z']) await tasks.set(key, key)
    expect(await tasks.list()).toEqual(['2026/01', '2026/02', 'Z', 'a', 'b'])
    expect(await tasks.list({ pattern: '2026/*' })).toEqual(['2026/01', '2026/02'])
    expect(await tasks.list({ pattern: '{a,b}' })).toEqual(['a', 'b'])
    expect((await collect(tasks.keys())).sort()).toEqual(['2026/01', '2026/02', 'Z', 'a', 'b'])
    expect((await collect(tasks.keys({ pattern: '?' }))).sort()).toEqual(['Z', 'a', 'b'])
  })

  it('stops listing when it is told to', async () => {
    const tasks = (await open()).collection('tasks')
    await tasks.set('a', 1)
    const signal = AbortSignal.abort(new Error('enough'))
    const stopped = { code: 'STATE_ABORTED' }
    await expect(tasks.list({ signal })).rejects.toMatchObject(stopped)
    await expect(collect(tasks.entries({ signal }))).rejects.toMatchObject(stopped)
  })

  it('keeps the version of a collection with its documents', async () => {
    const store = await open()
    await store.collection('tasks', { version: 2 }).set('a', 1)
    await store.collection('tasks', { version: 3 }).update('b', () => 1, { initial: 0 })
    expect((await store.collection('tasks').read('a'))?.schemaVersion).toBe(2)
    expect((await store.collection('tasks').read('b'))?.schemaVersion).toBe(3)
  })

  it('tells those who were overtaken', async () => {
    const tasks = (await open()).collection<number>('tasks')
    const receipts = await Promise.all([1, 2, 3].map((n) => tasks.set('a', n)))
    const document = await tasks.read('a')
    expect(document?.value).toBe(3)
    expect(receipts[2]).toMatchObject({ superseded: false, revision: document?.revision })
    for (const { superseded, revision } of receipts) {
      if (superseded) expect(revision).toBe(document?.revision)
    }
  })

  it('refuses everything once the store is closed', async () => {
    const store = await open()
    const tasks = store.collection('tasks')
    await tasks.set('a', 1)
    await store.close()
    await store.close()
    const closed = { code: 'STATE_CLOSED' }
    await expect(tasks.get('a')).rejects.toMatchObject(closed)
    await expect(tasks.set('a', 2)).rejects.toMatchObject(closed)
    await expect(tasks.update('a', () => 2)).rejects.toMatchObject(closed)
    await expect(tasks.delete('a')).rejects.toMatchObject(closed)
    await expect(tasks.list()).rejects.toMatchObject(closed)
    await expect(collect(tasks.entries())).rejects.toMatchObject(closed)
    await expect(tasks.backups('a')).rejects.toMatchObject(closed)
    await expect(store.collections()).rejects.toMatchObject(closed)
    await expect(store.lock('x')).rejects.toMatchObject(closed)
    await expect(store.locks()).rejects.toMatchObject(closed)
    await expect(store.verify()).rejects.toMatchObject(closed)
    await expect(store.transaction((tx) => tx.get(tasks, 'a'))).rejects.toMatchObject(closed)
    expect(() => tasks.setSync('a', 2)).toThrow(expect.objectContaining(closed))
    expect(() => store.flushSync()).toThrow(expect.objectContaining(closed))
  })
})
