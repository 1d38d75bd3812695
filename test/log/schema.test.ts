import type { Log, LogEvent, Schema } from 'holdfast'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { anId, dataOf, failure, heard, openDesk, thrown } from './log-stores.js'

interface PostInput {
  channel: string
  urgent?: boolean | undefined
}

interface Post {
  channel: string
  urgent: boolean
}

const blocking = z.object({ channel: z.string().min(1), urgent: z.boolean().default(false) })

/** The same, but only after a while. */
const awaited: Schema<PostInput, Post> = {
  '~standard': {
    version: 1,
    vendor: 'by hand, asynchronous',
    validate: async (value) => {
      await Promise.resolve()
      return blocking['~standard'].validate(value)
    },
  },
}

const schemas: Readonly<Record<string, Schema<PostInput, Post>>> = {
  zod: blocking,
  'an asynchronous schema': awaited,
}

const misfit = { code: 'STATE_VALIDATION_FAILED', commitState: 'not-committed' }

describe.each(Object.entries(schemas))('a log with %s', (_name, schema) => {
  it('appends what the schema gives back', async () => {
    const { store } = await openDesk()
    const log = store.log('posts', { schema })
    await log.append('posted', { channel: 'a' })
    await log.append({ channel: 'b', urgent: true })
    await log.appendAll([{ data: { channel: 'c' } }, { data: { channel: 'd' }, type: 'x' }])
    const expected = [
      { channel: 'a', urgent: false },
      { channel: 'b', urgent: true },
      { channel: 'c', urgent: false },
      { channel: 'd', urgent: false },
    ]
    expect(await dataOf(log.query())).toEqual(expected)
    expect(await dataOf(store.log('posts').query())).toEqual(expected)
  })

  it('refuses what does not fit, with the issues, and appends nothing', async () => {
    const { store } = await openDesk()
    const log = store.log('posts', { schema })
    const told = heard(store, 'log:append-error')
    const wrong = { channel: '' }
    const error = await failure('STATE_VALIDATION_FAILED', log.append('posted', wrong))
    expect(error).toMatchObject({
      ...misfit,
      operation: 'append',
      details: { log: 'posts', issues: [{ path: '$.channel' }] },
      message: expect.stringMatching(/log posts does not fit its schema: \$\.channel: /),
      hint: 'Nothing was written.',
    })
    await failure('STATE_VALIDATION_FAILED', log.append(wrong))
    await failure('STATE_VALIDATION_FAILED', log.append('posted'))
    await failure(
      'STATE_VALIDATION_FAILED',
      log.appendAll([{ data: { channel: 'a' } }, { data: wrong }]),
    )
    expect(await store.logs()).toEqual([])
    expect(told).toHaveLength(4)
    expect(told[0]).toEqual({ log: 'posts', error })
  })

  it('leaves out what does not fit when it reads, and tells of it', async () => {
    const { store } = await openDesk({ groupLength: 2 })
    const raw = store.log('posts')
    await raw.append('posted', { channel: 'a' })
    const { id } = await raw.append('posted', { channel: 7 })
    const { id: other } = await raw.append('started')
    await raw.append('posted', { channel: 'b' })
    const told = heard(store, 'log:invalid')
    const log = store.log('posts', { schema })
    expect((await dataOf(log.query())).map(({ channel }) => channel)).toEqual(['a', 'b'])
    const error = expect.objectContaining({ ...misfit, operation: 'load' })
    expect(told).toEqual([
      { log: 'posts', id, error },
      { log: 'posts', id: other, error },
    ])
    expect(told[0]?.error).toMatchObject({ details: { log: 'posts', id } })
    expect((await log.query().toArray()).length).toBe(2)
    expect(await log.count()).toBe(2)
    expect((await log.last(2)).map(({ data }) => data.channel)).toEqual(['b', 'a'])
    expect(await raw.count()).toBe(4)
  })

  it('asks a condition only for what fits, and counts only that for the limit', async () => {
    const { store } = await openDesk()
    const raw = store.log('posts')
    for (const channel of [1, 'a', 2, 'b', 3, 'c']) await raw.append({ channel })
    const seen: string[] = []
    const where = ({ data }: LogEvent<Post>): boolean => {
      seen.push(data.channel)
      return data.channel !== 'a'
    }
    const query = store.log('posts', { schema }).query({ where, limit: 1 })
    expect(await dataOf(query)).toEqual([{ channel: 'b', urgent: false }])
    expect(seen).toEqual(['a', 'b'])
  })

  it('copies the data before it returns', async () => {
    const { store } = await openDesk()
    const data = { channel: 'a' }
    const log = store.log('posts', { schema })
    const appending = log.append(data)
    const both = log.appendAll([{ data }, { data }])
    data.channel = 'b'
    await Promise.all([appending, both])
    expect((await dataOf(log.query())).map(({ channel }) => channel)).toEqual(['a', 'a', 'a'])
  })

  it('serves those who ask at once in their order', async () => {
    const { store } = await openDesk({ groupLength: 3 })
    const log = store.log('posts', { schema })
    await log.appendAll(Array.from({ length: 10 }, (_, n) => ({ data: { channel: `${n}` } })))
    const iterator = log.query()[Symbol.asyncIterator]()
    const asked = Array.from({ length: 10 }, () => iterator.next())
    const channels = (await Promise.all(asked)).map(({ value }) => value?.data.channel)
    expect(channels).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`))
  })
})

describe('a log with a schema', () => {
  it('passes on what the schema itself throws', async () => {
    const problem = new Error('a mistake in the schema')
    const broken: Schema = {
      '~standard': {
        version: 1,
        vendor: 'broken',
        validate: () => {
          throw problem
        },
      },
    }
    const { store, readings } = await openDesk()
    await store.log('a').append('x', 1)
    const log = store.log('a', { schema: broken })
    await expect(log.append('y', 1)).rejects.toBe(problem)
    await expect(dataOf(log.query())).rejects.toBe(problem)
    const rejecting: Schema = {
      '~standard': {
        version: 1,
        vendor: 'broken',
        validate: async () => {
          throw problem
        },
      },
    }
    await expect(dataOf(store.log('a', { schema: rejecting }).query())).rejects.toBe(problem)
    expect(readings.map(({ isOver }) => isOver)).toEqual([true, true])
  })

  it('cannot wait where it must not', async () => {
    const { store } = await openDesk()
    const log = store.log('posts', { schema: awaited })
    const { hint } = thrown('STATE_UNSUPPORTED', () => log.appendSync({ channel: 'a' }))
    expect(hint).toContain('appendSync()')
    await failure(
      'STATE_UNSUPPORTED',
      store.transaction((tx) => tx.append(log, { channel: 'a' })),
    )
    expect(await log.count()).toBe(0)
    const other = store.log('posts', { schema: blocking })
    thrown('STATE_VALIDATION_FAILED', () => other.appendSync({ channel: '' }))
    const receipt = other.appendSync('posted', { channel: 'a' })
    expect(await other.last()).toEqual([
      { ...receipt, id: anId, type: 'posted', data: { channel: 'a', urgent: false } },
    ])
  })

  it('types what goes in and what comes out', async () => {
    const { store } = await openDesk()
    const log = store.log('posts', { schema: blocking })
    expectTypeOf(log).toEqualTypeOf<Log<Post, PostInput>>()
    expectTypeOf(store.log('posts', { schema: awaited })).toEqualTypeOf<Log<Post, PostInput>>()
    expectTypeOf(log.query().toArray).returns.resolves.toEqualTypeOf<LogEvent<Post>[]>()
    await store.transaction((tx) => {
      tx.append(log, { channel: 'a' }, { type: 'posted' })
      tx.append(log, 'posted', { channel: 'b', urgent: true }, { agent: 'c' })
      // @ts-expect-error a channel is text
      expect(() => tx.append(log, 'posted', { channel: 1 })).toThrow()
      // @ts-expect-error the channel is missing
      expect(() => tx.append(log, {})).toThrow()
    })
    expect(await log.count()).toBe(2)
    // @ts-expect-error a channel is text
    await failure('STATE_VALIDATION_FAILED', log.append({ channel: 1 }))
  })
})
