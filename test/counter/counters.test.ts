import type { Counters, StateStore } from 'holdfast'
import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import { everyStore, failure, fileHomes, realHome, thrown } from '../store/homes.js'

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** Revisions that were told for counters, and the counters they were told for. */
function watch(store: StateStore): { revisions: Set<string>; keys: string[] } {
  const seen = { revisions: new Set<string>(), keys: [] as string[] }
  store.on('state:saved', ({ collection, key, revision }) => {
    expect(collection).toBe('counters')
    seen.revisions.add(revision)
    seen.keys.push(key)
  })
  return seen
}

describe.each(everyStore)('counters on $name', ({ open }) => {
  let store: StateStore
  let counters: Counters
  beforeEach(async () => {
    store = await open()
    counters = store.counters
  })

  it('are one object of the store, and cost nothing until they are used', async () => {
    expect(store.counters).toBe(counters)
    expect(await store.collections()).toEqual([])
    expect(await counters.get('sent')).toBe(0)
    expect(await counters.all()).toEqual({})
    expect(await store.collections()).toEqual([])
  })

  it('count up and down, and tell the value after each increment', async () => {
    expect(await counters.increment('sent')).toBe(1)
    expect(await counters.increment('sent', 41)).toBe(42)
    expect(await counters.increment('sent', -50)).toBe(-8)
    expect(await counters.increment('sent', 0)).toBe(-8)
    expect(await counters.get('sent')).toBe(-8)
    expect(await counters.increment('other', undefined, { per: 'day' })).toBe(1)
    expect(await store.collection('counters').get('sent')).toEqual({ value: -8 })
  })

  it('count several in one commit', async () => {
    const seen = watch(store)
    expect(await counters.increment({ sent: 1, failed: 2 })).toEqual({ sent: 1, failed: 2 })
    expect(await counters.increment({ failed: -1, sent: 9 })).toEqual({ failed: 1, sent: 10 })
    expect(seen.revisions.size).toBe(2)
    expect(seen.keys.sort()).toEqual(['failed', 'failed', 'sent', 'sent'])
    expect(await counters.all()).toEqual({ failed: 1, sent: 10 })
    expect(await counters.increment({})).toEqual({})
  })

  it('count under any name there is', async () => {
    const counts = Object.fromEntries(
      ['__proto__', 'constructor', 'toString', '2026/11', 'ÜBER'].map((name) => [name, 1]),
    )
    expect(await counters.increment(counts)).toEqual(counts)
    expect(await counters.all()).toEqual(counts)
    expect(await counters.reset(Object.keys(counts))).toEqual(counts)
  })

  it('write what is in flight together: 100 increments in at most 3 commits', async () => {
    const seen = watch(store)
    const values = await Promise.all(many(100, () => counters.increment('sent')))
    expect(values).toEqual(many(100, (index) => index + 1))
    expect(await counters.get('sent')).toBe(100)
    // In memory nothing waits for anything.
    if (store.supports.processes) expect(seen.keys.length).toBeLessThanOrEqual(3)
    expect(new Set(seen.keys)).toEqual(new Set(['sent']))
  })

  it('refuse one of those that are written together, and count the others', async () => {
    const most = Number.MAX_SAFE_INTEGER
    const told: unknown[] = []
    store.on('state:save-error', ({ key, error }) => told.push([key, error]))
    const [first, refused, last] = await Promise.allSettled([
      counters.increment('sent', most),
      counters.increment('sent', 1),
      counters.increment('sent', -2),
    ])
    expect([first, last]).toEqual([
      { status: 'fulfilled', value: most },
      { status: 'fulfilled', value: most - 2 },
    ])
    const error = refused?.status === 'rejected' ? refused.reason : undefined
    expect(error).toMatchObject({ code: 'STATE_INVALID_VALUE', commitState: 'not-committed' })
    expect(told).toEqual([['sent', error]])
    expect(await counters.get('sent')).toBe(most - 2)
  })

  it('write nothing when all that wait together are refused', async () => {
    await counters.increment('sent', Number.MAX_SAFE_INTEGER)
    const seen = watch(store)
    const outcomes = await Promise.allSettled(many(3, () => counters.increment('sent')))
    expect(outcomes.map(({ status }) => status)).toEqual(many(3, () => 'rejected'))
    expect(seen.keys).toEqual([])
  })

  it('refuse all that wait together when the document is no counter', async () => {
    await store.collection('counters').set('sent', 'not a counter')
    const outcomes = await Promise.allSettled(many(3, () => counters.increment('sent')))
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: { code: 'STATE_VALIDATION_FAILED' } })
    }
    expect(await store.collection('counters').get('sent')).toBe('not a counter')
  })

  it('keep the order in which increments and resets were asked for', async () => {
    const asked = [
      counters.increment('sent', 1),
      counters.increment('sent', 2),
      counters.reset('sent'),
      counters.increment('sent', 4),
      counters.increment({ sent: 8, failed: 1 }),
      counters.increment('sent', 16),
      counters.increment('sent', 32, { durability: 'process' }),
      counters.increment('sent', 64),
    ]
    expect(await Promise.all(asked)).toEqual([1, 3, 3, 4, { sent: 12, failed: 1 }, 28, 60, 124])
  })

  it('write more than fit together in several writes', async () => {
    const values = await Promise.all(many(2_500, () => counters.increment('sent')))
    expect(values).toEqual(many(2_500, (index) => index + 1))
  })

  it('reset to 0 and tell what was there, as one step', async () => {
    expect(await counters.reset('sent')).toBe(0)
    expect(await store.collections()).toEqual([])
    await counters.increment('sent', 5, { per: ['hour', 'day'] })
    expect(await counters.reset('sent')).toBe(5)
    expect(await counters.get('sent')).toBe(0)
    expect(await counters.windows('sent', { per: 'day' })).toEqual([])
    expect(await counters.all()).toEqual({ sent: 0 })
    expect(await store.collection('counters').get('sent')).toEqual({ value: 0 })
    await counters.increment({ sent: 1, failed: 2 })
    const seen = watch(store)
    expect(await counters.reset(['failed', 'sent', 'none', 'sent'])).toEqual({
      failed: 2,
      sent: 1,
      none: 0,
    })
    expect(seen.keys.sort()).toEqual(['failed', 'sent'])
    expect(await counters.all()).toEqual({ failed: 0, sent: 0 })
  })

  it('lose nothing to resets that come between increments', async () => {
    const resets = many(10, () => [
      ...many(5, () => counters.increment('sent').then(() => 0)),
      counters.reset('sent'),
    ])
    const taken = await Promise.all(resets.flat())
    expect(taken.reduce((sum, value) => sum + value, 0)).toBe(50)
    expect(await counters.get('sent')).toBe(0)
  })

  it('refuse what cannot be added exactly, with nothing written', async () => {
    const { MAX_SAFE_INTEGER: max } = Number
    for (const by of [0.5, Number.NaN, Infinity, max + 1, '1' as never, 1n as never]) {
      const error = await failure('STATE_INVALID_VALUE', counters.increment('sent', by))
      expect(error.message).toContain('counters/sent')
      expect(error.commitState).toBe('not-committed')
      await failure('STATE_INVALID_VALUE', counters.increment({ other: 1, sent: by }))
      thrown('STATE_INVALID_VALUE', () => counters.incrementSync('sent', by))
    }
    await failure('STATE_INVALID_VALUE', counters.increment('sent', { per: 'day' } as never))
    expect(await counters.all()).toEqual({})
    expect(await counters.increment('sent', max)).toBe(max)
    expect(await counters.increment('low', -max)).toBe(-max)
    const error = await failure('STATE_INVALID_VALUE', counters.increment('sent'))
    expect(error.details).toMatchObject({ key: 'sent', value: max, by: 1 })
    await failure('STATE_INVALID_VALUE', counters.increment({ other: 1, sent: 1 }))
    await failure('STATE_INVALID_VALUE', counters.increment('low', -1))
    expect(await counters.all()).toEqual({ low: -max, sent: max })
    expect(await counters.increment('sent', -max)).toBe(0)
  })

  it('refuse one increment of many in flight, and count the others', async () => {
    const { MAX_SAFE_INTEGER: max } = Number
    const outcomes = await Promise.allSettled(
      [1, max, 2, -4, max].map((by) => counters.increment('sent', by)),
    )
    expect(outcomes.map((each) => each.status === 'fulfilled' && each.value)).toEqual([
      1,
      false,
      3,
      -1,
      max - 1,
    ])
    expect(await counters.get('sent')).toBe(max - 1)
  })

  it('refuse unusable names', async () => {
    for (const name of ['', 'x'.repeat(8193), undefined as never, null as never, 7 as never]) {
      await failure('STATE_INVALID_KEY', counters.increment(name))
      await failure('STATE_INVALID_KEY', counters.get(name))
    }
  })

  it('take a bare number for the value, and refuse anything else, naming it', async () => {
    const documents = store.collection('counters')
    await documents.set('five', 5)
    expect(await counters.get('five')).toBe(5)
    expect(await counters.increment('five')).toBe(6)
    expect(await documents.get('five')).toEqual({ value: 6 })
    await documents.set('noted', { value: 1, note: 'since May', windows: { month: { May: 1 } } })
    expect(await counters.increment('noted', 1)).toBe(2)
    expect(await documents.get('noted')).toMatchObject({ value: 2, note: 'since May' })
    const day = (values: unknown, timeZone: unknown = 'UTC') => ({
      value: 1,
      windows: { day: { timeZone, values } },
    })
    const others = [
      ...['abc', null, true, 1.5, 2 ** 53, [], {}, { value: '1' }, { value: 1, windows: [] }],
      ...[{ value: 1, windows: { hour: 3 } }, day({}, 7), day(undefined), day({ today: 1 })],
      ...[day({ '2026-11-21': 'x' }), day({ '2026-11-21T14': 1 }), day({ '2026-13-41': 1 })],
    ]
    for (const value of others) {
      await documents.set('wrong', value)
      for (const attempt of [
        () => counters.increment('wrong'),
        () => counters.increment({ five: 1, wrong: 1 }),
        () => counters.get('wrong'),
        () => counters.windows('wrong', { per: 'day' }),
        () => counters.reset(['five', 'wrong']),
        () => store.transaction((tx) => tx.increment({ five: 1, wrong: 1 })),
      ]) {
        const error = await failure('STATE_VALIDATION_FAILED', attempt())
        expect(error.message).toContain('counters/wrong')
        expect(error.details).toMatchObject({ collection: 'counters', key: 'wrong' })
      }
      thrown('STATE_VALIDATION_FAILED', () => counters.incrementSync('wrong'))
      expect(JSON.stringify(await documents.get('wrong'))).toBe(JSON.stringify(value))
    }
    expect(await counters.get('five')).toBe(6)
  })

  it('list totals by name, and report what is no counter', async () => {
    const documents = store.collection('counters')
    await counters.increment(Object.fromEntries(many(40, (index) => [`n${39 - index}`, index])))
    await documents.set('n7', 'abc')
    const invalid: string[] = []
    store.on('state:invalid', ({ key }) => invalid.push(key))
    const all = await counters.all()
    expect(Object.keys(all)).toEqual(Object.keys(all).sort())
    expect(Object.keys(all)).toHaveLength(39)
    expect(all.n39).toBe(0)
    expect(invalid).toEqual(['n7'])
  })

  it('tell of writes that fail, and of reads', async () => {
    const errors: [string, unknown][] = []
    const loaded: string[] = []
    store.on('state:save-error', ({ key, error }) => errors.push([key, error]))
    store.on('state:loaded', ({ key }) => loaded.push(key))
    await store.collection('counters').set('wrong', 'abc')
    const error = await failure(
      'STATE_VALIDATION_FAILED',
      counters.increment({ sent: 1, wrong: 1 }),
    )
    expect(errors).toEqual([
      ['sent', error],
      ['wrong', error],
    ])
    await counters.get('sent')
    expect(loaded).toEqual(['sent'])
  })

  it('count under a lease while it is held, and give up waiting when aborted', async () => {
    const lease = await store.lock('leader')
    expect(await counters.increment('sent', 1, { lease })).toBe(1)
    await lease.release()
    const next = await store.lock('leader')
    await failure('STATE_LEASE_LOST', counters.increment('sent', 1, { lease }))
    await failure('STATE_LEASE_LOST', counters.increment({ sent: 1 }, { lease }))
    await failure('STATE_LEASE_LOST', counters.reset('sent', { lease }))
    thrown('STATE_LEASE_LOST', () => counters.incrementSync('sent', 1, { lease }))
    const signal = AbortSignal.abort(new Error('enough'))
    await failure('STATE_ABORTED', counters.increment('sent', 1, { signal }))
    await failure('STATE_ABORTED', counters.reset('sent', { signal }))
    expect(await counters.increment('sent', 1, { lease: next, durability: 'process' })).toBe(2)
  })

  it('count blocking, after what was in flight', async () => {
    const seen = watch(store)
    const before = many(10, () => counters.increment('sent'))
    expect(counters.incrementSync('sent', 5, { per: 'day' })).toBe(15)
    expect(counters.incrementSync({ sent: 1, failed: 2 })).toEqual({ sent: 16, failed: 2 })
    await Promise.all(before)
    expect(await counters.all()).toEqual({ failed: 2, sent: 16 })
    const writesBefore = store.supports.processes ? 1 : 10
    expect(seen.keys).toHaveLength(writesBefore + 3)
  })

  it('are typed by what is counted', () => {
    const check = (): void => {
      expectTypeOf(counters.increment('sent')).resolves.toEqualTypeOf<number>()
      expectTypeOf(counters.increment({ a: 1 })).resolves.toEqualTypeOf<Record<string, number>>()
      expectTypeOf(counters.reset('sent')).resolves.toEqualTypeOf<number>()
      expectTypeOf(counters.reset(['a'])).resolves.toEqualTypeOf<Record<string, number>>()
      expectTypeOf(counters.incrementSync('sent')).toEqualTypeOf<number>()
      // @ts-expect-error The options of several counters come second.
      void counters.increment({ a: 1 }, 1, { per: 'day' })
      // @ts-expect-error A blocking call cannot be aborted.
      counters.incrementSync('sent', 1, { signal: AbortSignal.abort() })
    }
    expect(check).toBeTypeOf('function')
  })
})

describe.each(fileHomes)('counters in $name', ({ home }) => {
  it('are files to be read, and survive a restart', async () => {
    const place = await home()
    const store = await place.open()
    await store.counters.increment('messages_sent', 12)
    await store.close()
    expect(place.readJson('counters/messages_sent.json')).toMatchObject({ value: 12 })
    const again = await place.open()
    expect(await again.counters.increment('messages_sent')).toBe(13)
  })

  it('adopt a number that a person wrote, and leave a text of theirs alone', async () => {
    const place = await home()
    const store = await place.open()
    await store.counters.increment({ sent: 1, failed: 1 })
    place.edit('counters/sent.json', '5')
    place.edit('counters/failed.json', '"abc"')
    expect(await store.counters.increment('sent')).toBe(6)
    await failure('STATE_VALIDATION_FAILED', store.counters.increment('failed'))
    expect(place.readText('counters/failed.json')).toBe('"abc"')
    expect(await store.counters.all()).toEqual({ sent: 6 })
  })

  it('restore a damaged one from its backup, and leave one that has none out of the list', async () => {
    const place = await home()
    const store = await place.open({ backups: { keep: 1 } })
    await store.counters.increment({ sent: 1, failed: 1 })
    await store.counters.increment('sent')
    place.damage('counters/sent.json')
    place.damage('counters/failed.json')
    const corrupt: unknown[] = []
    store.on('state:corrupt', ({ address }) => corrupt.push(address?.key))
    expect(await store.counters.all()).toEqual({ sent: 1 })
    expect(corrupt.sort()).toEqual(['failed', 'sent'])
  })

  it('refuse to count in a store that is only read', async () => {
    const place = await home()
    await (await place.open()).counters.increment('sent')
    const reader = await place.open({ readOnly: true })
    expect(await reader.counters.get('sent')).toBe(1)
    await failure('STATE_READ_ONLY', reader.counters.increment('sent'))
    await failure('STATE_READ_ONLY', reader.counters.reset('sent'))
    const error = await failure(
      'STATE_READ_ONLY',
      reader.transaction((tx) => tx.increment('sent')),
    )
    expect(error.message).toContain('counters/sent')
  })
})

it('several stores of one directory count exactly together', async () => {
  const place = await realHome()
  const stores = [await place.open(), await place.open(), await place.open()]
  const all = stores.flatMap(({ counters }) =>
    many(50, (index) => counters.increment(index % 2 === 0 ? 'sent' : 'failed')),
  )
  await Promise.all(all)
  for (const { counters } of stores) expect(await counters.all()).toEqual({ failed: 75, sent: 75 })
})
