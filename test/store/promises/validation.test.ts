import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { z as z3 } from 'zod/v3'
import type { Schema } from '../../../src/schema/index.js'
import type { Collection, Document } from '../../../src/store/index.js'
import { collect, describeStores } from './stores.js'

interface TaskInput {
  title: string
  done?: boolean | undefined
}

interface Task {
  title: string
  done: boolean
}

const zodTask = z.object({ title: z.string().min(1), done: z.boolean().default(false) })
const zod3Task = z3.object({ title: z3.string().min(1), done: z3.boolean().default(false) })

/** The same by hand: what another library would do. */
const handMadeTask: Schema<TaskInput, Task> = {
  '~standard': {
    version: 1,
    vendor: 'by hand',
    validate: (value) => {
      const { title, done = false } = (value ?? {}) as Partial<TaskInput>
      if (typeof title !== 'string' || title === '') {
        return { issues: [{ message: 'needs a title', path: [{ key: 'title' }] }] }
      }
      return { value: { title, done } }
    },
  },
}

/** The same, but only after a while. */
const awaited: Schema<TaskInput, Task> = {
  '~standard': {
    version: 1,
    vendor: 'by hand, asynchronous',
    validate: async (value) => {
      await Promise.resolve()
      return handMadeTask['~standard'].validate(value)
    },
  },
}

const zodAwaited = zodTask.refine(async ({ title }) => title !== 'taken', {
  path: ['title'],
  message: 'is taken',
})

const schemas: Readonly<Record<string, Schema<TaskInput, Task>>> = {
  'zod 4': zodTask,
  'zod 3': zod3Task,
  'a schema by hand': handMadeTask,
  'an asynchronous schema by hand': awaited,
  'an asynchronous zod schema': zodAwaited,
}

const misfit = { code: 'STATE_VALIDATION_FAILED', commitState: 'not-committed', retryable: false }

describeStores('Collection with a schema', (open) => {
  describe.each(Object.entries(schemas))('%s', (_name, schema) => {
    it('stores what the schema gives back', async () => {
      const store = await open()
      const tasks = store.collection('tasks', { schema })
      await tasks.set('a', { title: 'Sweep' })
      expect(await tasks.get('a')).toEqual({ title: 'Sweep', done: false })
      expect(await store.collection('tasks').get('a')).toEqual({ title: 'Sweep', done: false })
    })

    it('refuses what does not fit, with the issues', async () => {
      const tasks = (await open()).collection('tasks', { schema })
      await expect(tasks.set('a', { title: '' })).rejects.toMatchObject({
        ...misfit,
        operation: 'set',
        details: { collection: 'tasks', key: 'a', issues: [{ path: '$.title' }] },
        message: expect.stringMatching(/^tasks\/a does not fit its schema: \$\.title: /),
      })
      expect(await tasks.has('a')).toBe(false)
    })

    it('refuses what is stored and does not fit, and leaves it alone', async () => {
      const store = await open()
      await store.collection('tasks').set('a', { done: 'yes' })
      const tasks = store.collection('tasks', { schema })
      const refusal = { ...misfit, operation: 'load', details: { key: 'a' } }
      await expect(tasks.get('a')).rejects.toMatchObject(refusal)
      await expect(tasks.read('a')).rejects.toMatchObject(refusal)
      await expect(tasks.update('a', (task) => task)).rejects.toMatchObject(refusal)
      await expect(tasks.merge('a', { title: 'x' })).rejects.toMatchObject(refusal)
      await expect(store.transaction((tx) => tx.get(tasks, 'a'))).rejects.toMatchObject(refusal)
      expect(await tasks.has('a')).toBe(true)
      expect(await store.transaction((tx) => tx.has(tasks, 'a'))).toBe(true)
      expect(await store.collection('tasks').get('a')).toEqual({ done: 'yes' })
      await tasks.set('a', { title: 'Replaced' })
      expect(await tasks.get('a')).toEqual({ title: 'Replaced', done: false })
    })

    it('fills in defaults on load', async () => {
      const store = await open()
      await store.collection('tasks').set('a', { title: 'Old' })
      expect(await store.collection('tasks', { schema }).get('a')).toEqual({
        title: 'Old',
        done: false,
      })
    })

    it('updates', async () => {
      const store = await open()
      const tasks = store.collection('tasks', { schema })
      await tasks.set('a', { title: 'Sweep' })
      expect(await tasks.update('a', (task) => ({ ...task, done: true }))).toEqual({
        title: 'Sweep',
        done: true,
      })
      await expect(tasks.update('a', (task) => ({ ...task, title: '' }))).rejects.toMatchObject({
        ...misfit,
        operation: 'set',
      })
      expect(await tasks.merge('a', { title: 'Mop' })).toEqual({ title: 'Mop', done: true })
      expect(await tasks.get('a')).toEqual({ title: 'Mop', done: true })
    })

    it('applies concurrent updates exactly', async () => {
      const tasks = (await open()).collection('tasks', { schema })
      await tasks.set('a', { title: 'x' })
      const update = (): Promise<Task> =>
        tasks.update('a', (task) => ({ ...task, title: `${task.title}x` }))
      await Promise.all(Array.from({ length: 20 }, update))
      expect((await tasks.get('a'))?.title).toBe('x'.repeat(21))
    })

    it('lists what fits and reports what does not', async () => {
      const store = await open()
      const raw = store.collection('tasks')
      await raw.set('good', { title: 'Good' })
      await raw.set('bad', { title: 7 })
      const reports: unknown[] = []
      store.on('state:invalid', (report) => reports.push(report))
      const tasks = store.collection('tasks', { schema })
      expect((await collect(tasks.entries())).map(({ key }) => key)).toEqual(['good'])
      expect(reports).toEqual([
        { collection: 'tasks', key: 'bad', error: expect.objectContaining(misfit) },
      ])
    })
  })

  it('refuses to wait for an asynchronous schema where it must not', async () => {
    const store = await open()
    for (const schema of [awaited, zodAwaited]) {
      const tasks = store.collection('tasks', { schema })
      const unsupported = expect.objectContaining({ code: 'STATE_UNSUPPORTED' })
      expect(() => tasks.setSync('a', { title: 'x' })).toThrow(unsupported)
      await expect(store.transaction((tx) => tx.set(tasks, 'a', { title: 'x' }))).rejects.toThrow(
        unsupported,
      )
      expect(await tasks.has('a')).toBe(false)
    }
  })

  it('copies what an asynchronous or passing schema hands through', async () => {
    const passing: Schema<{ list: number[] }> = {
      '~standard': {
        version: 1,
        vendor: 'by hand',
        validate: (value) => ({ value: value as { list: number[] } }),
      },
    }
    const lists = (await open()).collection('lists', { schema: passing })
    const value = { list: [1] }
    const setting = lists.set('a', value)
    value.list.push(2)
    await setting
    expect(await lists.get('a')).toEqual({ list: [1] })
  })

  it('lets a schema convert what could not be stored', async () => {
    const schema = z.object({ when: z.date().transform((date) => date.toISOString()) })
    const events = (await open()).collection('events', {
      schema: schema.or(z.object({ when: z.string() })),
    })
    await events.set('a', { when: new Date(0) })
    expect(await events.get('a')).toEqual({ when: '1970-01-01T00:00:00.000Z' })
  })

  it('names nested places in issues', async () => {
    const schema = z.object({ items: z.array(z.object({ 'a b': z.number() })) })
    const lists = (await open()).collection('lists', { schema })
    const value = { items: [{ 'a b': 1 }, { 'a b': 'x' }] }
    await expect(lists.set('a', value as never)).rejects.toMatchObject({
      details: { issues: [{ path: '$.items[1].a b' }] },
    })
  })

  it('tells three issues at most in words, and all in details', async () => {
    const schema = z.object({ a: z.string(), b: z.string(), c: z.string(), d: z.string() })
    const lists = (await open()).collection('lists', { schema })
    const error: unknown = await lists.set('a', {} as never).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ details: { issues: { length: 4 } } })
    expect((error as Error).message).not.toContain('$.d')
  })

  it('does not let the schema loose on what it writes raw', async () => {
    const store = await open()
    const tasks = store.collection('tasks', { schema: zodTask })
    await tasks.set('a', { title: 'first' })
    await tasks.set('a', { title: 'second' })
    const [backup] = await tasks.backups('a')
    expect((await tasks.readBackup('a', backup?.id ?? '')).value).toEqual({
      title: 'first',
      done: false,
    })
  })

  it('types what goes in and what comes out', async () => {
    const store = await open()
    const tasks = store.collection('tasks', { schema: zodTask })
    expectTypeOf(tasks).toEqualTypeOf<Collection<Task, TaskInput>>()
    expectTypeOf(tasks.get).returns.resolves.toEqualTypeOf<Task | undefined>()
    expectTypeOf(tasks.read).returns.resolves.toEqualTypeOf<Document<Task> | undefined>()
    expectTypeOf(tasks.set).parameter(1).toEqualTypeOf<TaskInput>()
    expectTypeOf(tasks.setSync).parameter(1).toEqualTypeOf<TaskInput>()
    expectTypeOf(tasks.update).returns.resolves.toEqualTypeOf<Task>()
    expectTypeOf(tasks.merge).parameter(1).toEqualTypeOf<Partial<Task>>()
    expectTypeOf(tasks.entries()).toEqualTypeOf<AsyncIterable<Document<Task>>>()
    expectTypeOf(store.collection('t', { schema: zod3Task }).get).returns.resolves.toEqualTypeOf<
      Task | undefined
    >()
    expectTypeOf(store.collection('t', { schema: handMadeTask })).toEqualTypeOf<
      Collection<Task, TaskInput>
    >()
    expectTypeOf(store.collection('t')).toEqualTypeOf<Collection<unknown>>()
    expectTypeOf(store.collection<Task>('t')).toEqualTypeOf<Collection<Task>>()
    expectTypeOf(store.collection('t', { version: 2 })).toEqualTypeOf<Collection<unknown>>()
    await store.transaction(async (tx) => {
      expectTypeOf(await tx.get(tasks, 'a')).toEqualTypeOf<Task | undefined>()
      tx.set(tasks, 'a', { title: 'x' })
      // @ts-expect-error the title is missing
      expect(() => tx.set(tasks, 'a', {})).toThrow()
    })
    // @ts-expect-error a title is text
    await expect(tasks.set('a', { title: 1 })).rejects.toMatchObject(misfit)
  })
})
