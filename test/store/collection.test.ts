import type { Collection, Document, StateStore, WriteReceipt } from 'holdfast'
import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { everyStore, failure } from './homes.js'

interface Task {
  status: string
  tries?: number
  tags?: string[]
}

describe.each(everyStore)('a collection on $name', ({ open }) => {
  let store: StateStore
  let tasks: Collection<Task>
  beforeEach(async () => {
    store = await open()
    tasks = store.collection<Task>('tasks')
  })

  it('sets, gets, finds, lists and deletes, apart from other collections', async () => {
    expect(await tasks.read('a')).toBeUndefined()
    const { revision, savedAt } = await tasks.set('a', { status: 'new' })
    await store.collection('others').set('b', 1)
    expect(await tasks.read('a')).toEqual({
      key: 'a',
      value: { status: 'new' },
      revision,
      savedAt,
      writer: expect.any(String),
      schemaVersion: undefined,
      origin: 'store',
    })
    expect(await tasks.list()).toEqual(['a'])
    expect(await store.collections()).toEqual(['others', 'tasks'])
    expect(await tasks.delete('a')).toBe(true)
    expect(await tasks.delete('a')).toBe(false)
    expect(await tasks.has('a')).toBe(false)
  })

  it('yields every entry, more than are read ahead, and those that fit a pattern', async () => {
    const keys = Array.from({ length: 40 }, (_, index) => `k${String(index).padStart(2, '0')}`)
    await Promise.all(keys.map((key) => tasks.set(key, { status: key })))
    const seen: string[] = []
    for await (const { key, value } of tasks.entries()) {
      expect(value).toEqual({ status: key })
      seen.push(key)
    }
    expect(seen.sort()).toEqual(keys)
    let count = 0
    for await (const _ of tasks.entries({ pattern: 'k0*' })) count += 1
    expect(count).toBe(10)
    for await (const _ of tasks.entries()) break
  })

  it('copies values in, at the moment of the call', async () => {
    const given: Task = { status: 'given', tags: ['x'] }
    const async = async (task: Task): Promise<Task> => task
    await tasks.set('merged', { status: 'given' })
    const schema = z.object({ status: z.string(), tags: z.array(z.string()).optional() })
    const writes = [
      tasks.set('set', given),
      store.collection('tasks', { schema }).set('checked', given),
      tasks.merge('merged', given),
      tasks.update('initial', (task) => task, { initial: given }),
      tasks.update('awaited', async, { initial: given }),
    ]
    given.status = 'changed'
    given.tags?.push('y')
    await Promise.all(writes)
    for (const key of await tasks.list()) {
      expect(await tasks.get(key), key).toEqual({ status: 'given', tags: ['x'] })
    }
  })

  it('hands out copies', async () => {
    await tasks.set('a', { status: 'given', tags: ['x'] })
    const got = await tasks.get('a')
    got?.tags?.push('y')
    const updated = await tasks.update('a', (task) => task)
    updated.tags?.push('z')
    expect(await tasks.get('a')).toEqual({ status: 'given', tags: ['x'] })
  })

  it('refuses unusable names, of keys and of itself', async () => {
    for (const name of ['', 'x'.repeat(8193)]) {
      await failure('STATE_INVALID_KEY', tasks.get(name))
      await failure('STATE_INVALID_KEY', tasks.set(name, { status: 'new' }))
      await failure('STATE_INVALID_KEY', tasks.delete(name))
      expect(() => store.collection(name)).toThrowError(
        expect.objectContaining({ code: 'STATE_INVALID_KEY' }),
      )
    }
  })

  it('refuses values that would not read back, naming the place, and writes nothing', async () => {
    const anything = store.collection('anything')
    const values: readonly [unknown, string][] = [
      [{ when: new Date(0) }, '$.when'],
      [{ list: [1, undefined] }, '$.list[1]'],
      [{ run: () => 1 }, '$.run'],
      [{ n: Number.NaN }, '$.n'],
      [new (class Point {})(), '$'],
    ]
    for (const [value, path] of values) {
      for (const attempt of [
        () => anything.set('a', value),
        () => anything.update('a', () => value, { initial: 0 }),
        () => anything.update('a', async () => value, { initial: 0 }),
        () => store.transaction((tx) => tx.set(anything, 'a', value)),
      ]) {
        expect((await failure('STATE_INVALID_VALUE', attempt())).details.path).toBe(path)
      }
    }
    expect(await anything.list()).toEqual([])
  })

  it('writes at the revision that is demanded, and at no other', async () => {
    const first = await tasks.set('a', { status: 'first' })
    const second = await tasks.set('a', { status: 'second' }, { ifRevision: first.revision })
    const late = { ifRevision: first.revision }
    const error = await failure('STATE_REVISION_CONFLICT', tasks.set('a', { status: '' }, late))
    expect(error).toMatchObject({ retryable: true, commitState: 'not-committed' })
    expect(error.details).toMatchObject({ expected: first.revision, actual: second.revision })
    await failure('STATE_REVISION_CONFLICT', tasks.delete('a', late))
    expect(await tasks.get('a')).toEqual({ status: 'second' })
    expect(await tasks.delete('a', { ifRevision: second.revision })).toBe(true)
    // Nor is it deceived by a document that was deleted and made again.
    const gone = await failure('STATE_REVISION_CONFLICT', tasks.set('a', { status: '' }, late))
    expect(gone.details).toMatchObject({ actual: null })
    await tasks.set('a', { status: 'first' })
    await failure('STATE_REVISION_CONFLICT', tasks.set('a', { status: '' }, late))
    expect(await tasks.get('a')).toEqual({ status: 'first' })
  })

  it('makes a document only if there is none, with null', async () => {
    const results = await Promise.allSettled(
      ['x', 'y', 'z'].map((status) => tasks.set('a', { status }, { ifRevision: null })),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const again = tasks.set('a', { status: 'late' }, { ifRevision: null })
    const error = await failure('STATE_REVISION_CONFLICT', again)
    expect(error.details).toMatchObject({ expected: null, actual: expect.any(String) })
  })

  it('keeps earlier versions, reads and restores them', async () => {
    for (const status of ['one', 'two', 'three']) await tasks.set('a', { status })
    const [oldest, newer, ...more] = await tasks.backups('a')
    expect(more).toEqual([])
    expect((await tasks.readBackup('a', oldest?.id ?? '')).value).toEqual({ status: 'one' })
    expect((await tasks.readBackup('a', newer?.id ?? '')).value).toEqual({ status: 'two' })
    const { revision: present = '' } = (await tasks.read('a')) ?? {}
    const { revision } = await tasks.restore('a', oldest?.id ?? '', { ifRevision: present })
    expect(revision).not.toBe(present)
    expect(await tasks.read('a')).toMatchObject({ value: { status: 'one' }, revision })
    await failure('STATE_CORRUPT', tasks.readBackup('a', 'no-such-backup'))
    await tasks.delete('a')
    await tasks.restore('a', (await tasks.backups('a')).at(-1)?.id ?? '')
    expect(await tasks.get('a')).toEqual({ status: 'one' })
  })

  it('refuses a document that is too large, without its neighbours', async () => {
    const texts = (await open({ maxDocumentBytes: 500 })).collection<string>('texts')
    const outcomes = await Promise.allSettled([
      texts.set('a', 'fits'),
      texts.set('b', 'x'.repeat(600)),
      texts.set('c', 'fits'),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const error = await failure(
      'STATE_DOCUMENT_TOO_LARGE',
      texts.update('a', () => 'x'.repeat(600)),
    )
    expect(error.details).toMatchObject({ maxDocumentBytes: 500, key: 'a' })
    expect(await texts.get('a')).toBe('fits')
    expect(await texts.list()).toEqual(['a', 'c'])
  })

  it('refuses what was aborted before it began', async () => {
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    const initial = { status: 'late' }
    for (const attempt of [
      () => tasks.set('a', initial, { signal }),
      () => tasks.update('a', (task) => task, { initial, signal }),
      () => tasks.update('a', async (task) => task, { initial, signal }),
      () => tasks.delete('a', { signal }),
      () => store.transaction((tx) => tx.set(tasks, 'a', initial), { signal }),
    ]) {
      expect((await failure('STATE_ABORTED', attempt())).cause).toBe(reason)
    }
    expect(await tasks.has('a')).toBe(false)
  })

  it('rejects an update with the very object that its function threw', async () => {
    await tasks.set('a', { status: 'new' })
    for (const reason of [new TypeError('mine'), 'a string', undefined, { any: 'thing' }]) {
      const fail = (): never => {
        throw reason
      }
      const outcomes = await Promise.allSettled([
        tasks.update('a', fail),
        tasks.update('a', async () => fail()),
      ])
      for (const outcome of outcomes) {
        expect(outcome.status === 'rejected' && outcome.reason === reason).toBe(true)
      }
    }
    await failure(
      'STATE_NOT_FOUND',
      tasks.update('none', (task) => task),
    )
    expect(await tasks.get('a')).toEqual({ status: 'new' })
  })

  it('loses none of 200 concurrent asynchronous updates', async () => {
    const counters = store.collection<number>('counters')
    const add = async (n: number): Promise<number> => n + 1
    const results = await Promise.all(
      Array.from({ length: 200 }, () => counters.update('n', add, { initial: 0 })),
    )
    expect(new Set(results).size).toBe(200)
    expect(await counters.get('n')).toBe(200)
  })
})

describe('types', () => {
  it('come from the schema, or from the caller', () => {
    const check = (store: StateStore): void => {
      const schema = z.object({ status: z.string(), tries: z.number().default(0) })
      const typed = store.collection('tasks', { schema })
      type Output = { status: string; tries: number } | undefined
      expectTypeOf(typed.get('a')).resolves.toEqualTypeOf<Output>()
      expectTypeOf(typed.set)
        .parameter(1)
        .toEqualTypeOf<{ status: string; tries?: number | undefined }>()
      expectTypeOf(typed.set).returns.resolves.toEqualTypeOf<WriteReceipt>()
      const given = store.collection<Task>('tasks')
      expectTypeOf(given.read('a')).resolves.toEqualTypeOf<Document<Task> | undefined>()
      expectTypeOf(given.update).parameter(1).parameter(0).toEqualTypeOf<Task>()
      expectTypeOf(given.merge).parameter(1).toEqualTypeOf<Partial<Task>>()
      expectTypeOf(store.collection('tasks').get('a')).resolves.toEqualTypeOf<unknown>()
      expectTypeOf(store.transaction(() => 7)).resolves.toEqualTypeOf<number>()
      const got = store.transaction((tx) => tx.get(typed, 'a'))
      expectTypeOf(got).resolves.toEqualTypeOf<Output>()
      // @ts-expect-error status is missing
      void typed.set('a', { tries: 1 })
      // @ts-expect-error a task has no such property
      void given.set('a', { status: 'new', other: 1 })
    }
    expect(check).toBeTypeOf('function')
  })
})
