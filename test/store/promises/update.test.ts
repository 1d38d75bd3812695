import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { describeStores, turn } from './stores.js'

interface Counter {
  n: number
}

const increment = ({ n }: Counter): Counter => ({ n: n + 1 })
const incrementLater = async ({ n }: Counter): Promise<Counter> => {
  await turn()
  return { n: n + 1 }
}

describeStores('update', (open) => {
  describe.each([
    ['at once', increment],
    ['later', incrementLater],
  ])('with a function that answers %s', (_when, change) => {
    it('gives the new value', async () => {
      const counters = (await open()).collection<Counter>('counters')
      await counters.set('a', { n: 1 })
      expect(await counters.update('a', change)).toEqual({ n: 2 })
      expect(await counters.get('a')).toEqual({ n: 2 })
    })

    it('gives the value as it is stored, shared with nobody', async () => {
      const documents = (await open()).collection<unknown>('documents')
      const made = { zero: -0, absent: undefined, list: [1] }
      const make = change === increment ? () => made : () => Promise.resolve(made)
      const given = await documents.update('a', make, { initial: null })
      expect(given).toStrictEqual({ zero: 0, list: [1] })
      made.list.push(2)
      expect(given).toStrictEqual({ zero: 0, list: [1] })
      expect(await documents.get('a')).toStrictEqual({ zero: 0, list: [1] })
    })

    it('starts from initial where there is nothing', async () => {
      const counters = (await open()).collection<Counter>('counters')
      const initial = { n: 10 }
      expect(await counters.update('a', change, { initial })).toEqual({ n: 11 })
      expect(await counters.update('a', change, { initial })).toEqual({ n: 12 })
      expect(initial).toEqual({ n: 10 })
    })

    it('refuses to start from nothing', async () => {
      const counters = (await open()).collection<Counter>('counters')
      await expect(counters.update('a', change)).rejects.toMatchObject({
        code: 'STATE_NOT_FOUND',
        operation: 'update',
        commitState: 'not-committed',
        details: { collection: 'counters', key: 'a' },
        hint: expect.stringContaining('initial'),
      })
      expect(await counters.has('a')).toBe(false)
    })

    it('throws what the function throws, and writes nothing', async () => {
      const counters = (await open()).collection<Counter>('counters')
      const { revision } = await counters.set('a', { n: 1 })
      const problem = new RangeError('no')
      const failing = (counter: Counter): Counter | Promise<Counter> => {
        counter.n = 99
        if (change === increment) throw problem
        return Promise.reject(problem)
      }
      await expect(counters.update('a', failing)).rejects.toBe(problem)
      expect(await counters.read('a')).toMatchObject({ value: { n: 1 }, revision })
    })

    it('refuses a result that cannot be stored', async () => {
      const counters = (await open()).collection<Counter>('counters')
      await counters.set('a', { n: 1 })
      const nonsense = (): Counter | Promise<Counter> => {
        const result = { n: Number.NaN }
        return change === increment ? result : Promise.resolve(result)
      }
      await expect(counters.update('a', nonsense)).rejects.toMatchObject({
        code: 'STATE_INVALID_VALUE',
        details: { path: '$.n' },
      })
      expect(await counters.get('a')).toEqual({ n: 1 })
    })

    it('lets the function change what it is given', async () => {
      const counters = (await open()).collection<Counter>('counters')
      await counters.set('a', { n: 1 })
      const mutate = (counter: Counter): Counter | Promise<Counter> => {
        counter.n += 1
        return change === increment ? counter : Promise.resolve(counter)
      }
      const updated = await counters.update('a', mutate)
      expect(updated).toEqual({ n: 2 })
      updated.n = 99
      expect(await counters.get('a')).toEqual({ n: 2 })
    })

    it('loses none of 200 that are made at once', async () => {
      const counters = (await open()).collection<Counter>('counters')
      const results = await Promise.all(
        Array.from({ length: 200 }, () => counters.update('a', change, { initial: { n: 0 } })),
      )
      expect(await counters.get('a')).toEqual({ n: 200 })
      expect(new Set(results.map(({ n }) => n)).size).toBe(200)
    })

    it('works beside sets and deletes', async () => {
      const counters = (await open()).collection<Counter>('counters')
      await Promise.all([
        counters.set('a', { n: 10 }),
        counters.update('b', change, { initial: { n: 0 } }),
        counters.delete('c'),
      ])
      await Promise.all([counters.update('a', change), counters.update('b', change)])
      expect(await counters.get('a')).toEqual({ n: 11 })
      expect(await counters.get('b')).toEqual({ n: 2 })
    })
  })

  it('mixes functions that answer at once and later', async () => {
    const counters = (await open()).collection<Counter>('counters')
    await counters.set('a', { n: 0 })
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        counters.update('a', index % 2 === 0 ? increment : incrementLater),
      ),
    )
    expect(await counters.get('a')).toEqual({ n: 60 })
  })

  it('calls a function that answers at once just once', async () => {
    const counters = (await open()).collection<Counter>('counters')
    await counters.set('a', { n: 0 })
    let calls = 0
    await counters.update('a', (counter) => {
      calls += 1
      return increment(counter)
    })
    expect(calls).toBe(1)
  })

  it('calls a function again when the document has changed meanwhile', async () => {
    const counters = (await open()).collection<Counter>('counters')
    await counters.set('a', { n: 0 })
    const seen: number[] = []
    const updated = await counters.update('a', async ({ n }) => {
      seen.push(n)
      if (n === 0) await counters.set('a', { n: 100 })
      return { n: n + 1 }
    })
    expect(updated).toEqual({ n: 101 })
    expect(seen.at(-1)).toBe(100)
  })

  it('sees the document disappear meanwhile', async () => {
    const counters = (await open()).collection<Counter>('counters')
    await counters.set('a', { n: 5 })
    const update = counters.update('a', async (counter) => {
      await counters.delete('a')
      return increment(counter)
    })
    await expect(update).rejects.toMatchObject({ code: 'STATE_NOT_FOUND' })
    expect(await counters.has('a')).toBe(false)
  })

  it('takes a function that answers later under an asynchronous schema', async () => {
    const schema = z.object({ n: z.number() }).refine(async () => true)
    const counters = (await open()).collection('counters', { schema })
    await Promise.all(
      Array.from({ length: 20 }, () => counters.update('a', incrementLater, { initial: { n: 0 } })),
    )
    expect(await counters.get('a')).toEqual({ n: 20 })
  })

  it('is refused under a lock that was given back', async () => {
    const store = await open()
    const counters = store.collection<Counter>('counters')
    await counters.set('a', { n: 0 })
    const lock = await store.lock('counters')
    await counters.update('a', increment, { lease: lock })
    await lock.release()
    for (const change of [increment, incrementLater]) {
      await expect(counters.update('a', change, { lease: lock })).rejects.toMatchObject({
        code: 'STATE_LEASE_LOST',
      })
    }
    expect(await counters.get('a')).toEqual({ n: 1 })
  })
})

describeStores('merge', (open) => {
  interface Settings {
    theme?: string
    size?: number
    nested?: { a?: number; b?: number }
  }

  it('changes some properties and leaves the others', async () => {
    const settings = (await open()).collection<Settings>('settings')
    await settings.set('a', { theme: 'dark', size: 1, nested: { a: 1 } })
    expect(await settings.merge('a', { size: 2, nested: { b: 2 } })).toEqual({
      theme: 'dark',
      size: 2,
      nested: { b: 2 },
    })
    expect(await settings.get('a')).toEqual({ theme: 'dark', size: 2, nested: { b: 2 } })
  })

  it('removes what is given as undefined', async () => {
    const settings = (await open()).collection<{ a?: number | undefined; b: number }>('settings')
    await settings.set('x', { a: 1, b: 2 })
    const merged = await settings.merge('x', { a: undefined })
    expect(Object.keys(merged)).toEqual(['b'])
    expect(await settings.get('x')).toEqual({ b: 2 })
  })

  it('makes a document of the patch where there is none', async () => {
    const settings = (await open()).collection<Settings>('settings')
    expect(await settings.merge('a', { size: 1 })).toEqual({ size: 1 })
    expect(await settings.merge('b', { size: 1 }, { initial: { theme: 'light' } })).toEqual({
      theme: 'light',
      size: 1,
    })
  })

  it('loses none of many that are made at once', async () => {
    const settings = (await open()).collection<Record<string, number>>('settings')
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => settings.merge('a', { [`name${n}`]: n })),
    )
    expect(Object.keys((await settings.get('a')) ?? {})).toHaveLength(50)
  })

  it('refuses a patch that cannot be stored, and names the place', async () => {
    const settings = (await open()).collection<Record<string, unknown>>('settings')
    await settings.set('a', { x: 1 })
    await expect(settings.merge('a', { y: { when: new Date(0) } })).rejects.toMatchObject({
      code: 'STATE_INVALID_VALUE',
      details: { path: '$.y.when' },
    })
    expect(await settings.get('a')).toEqual({ x: 1 })
  })
})
