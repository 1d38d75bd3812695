import fc from 'fast-check'
import { FileStorage, StateStore } from 'holdfast'
import { MemoryStorage } from 'holdfast/memory'
import { ManualClock, MemoryFileSystem } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'

const names = ['a', 'b', 'c'] as const
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe']
const kinds = [[], ['day'], ['hour'], ['hour', 'day']] as const

const byOf = fc.oneof(fc.integer({ min: -100, max: 100 }), fc.maxSafeInteger())
const countsOf = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), byOf), {
  minLength: 1,
  selector: ([name]) => name,
})
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('count' as const), counts: countsOf }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('transaction' as const), counts: countsOf }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('reset' as const), name: fc.constantFrom(...names) }),
  },
)

const storages = [
  { name: 'MemoryStorage', storage: (clock: ManualClock) => new MemoryStorage({ clock }) },
  {
    name: 'FileStorage',
    storage: (clock: ManualClock) =>
      new FileStorage({ clock, directory: '/store', fileSystem: new MemoryFileSystem() }),
  },
]

async function openOn(storage: FileStorage | MemoryStorage, clock: ManualClock) {
  return await new StateStore({ storage, clock }).open()
}

describe.each(storages)('any counting on $name', ({ storage }) => {
  it('sums up exactly, all or none, whether it waits or not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, waits) => {
        const clock = new ManualClock()
        const store = await openOn(storage(clock), clock)
        const model = new Map<string, number>()
        const running: Promise<void>[] = []
        for (const each of steps) {
          let done: Promise<void>
          if (each.kind === 'reset') {
            const expected = model.get(each.name) ?? 0
            if (model.has(each.name)) model.set(each.name, 0)
            done = store.counters.reset(each.name).then((had) => expect(had).toBe(expected))
          } else {
            const counts = Object.fromEntries(each.counts)
            const after = each.counts.map(([key, by]) => [key, (model.get(key) ?? 0) + by] as const)
            const fits = after.every(([, value]) => Number.isSafeInteger(value))
            if (fits) for (const [key, value] of after) model.set(key, value)
            const counted =
              each.kind === 'count'
                ? store.counters.increment(counts)
                : store.transaction((tx) => tx.increment(counts))
            done = counted.then(
              (values) => {
                expect(fits).toBe(true)
                if (each.kind === 'count') expect(values).toEqual(Object.fromEntries(after))
              },
              (error: unknown) => {
                if (fits) throw error
                expect(error).toMatchObject({ code: 'STATE_INVALID_VALUE' })
              },
            )
          }
          // Transactions begin a little later than they are called, so they keep no order with others.
          const ordered = steps.every(({ kind }) => kind !== 'transaction')
          if (waits || !ordered) await done
          else running.push(done)
        }
        await Promise.all(running)
        const sorted = [...model].sort(([left], [right]) => (left < right ? -1 : 1))
        expect(Object.entries(await store.counters.all())).toEqual(sorted)
        await store.close()
      }),
      { numRuns: 60 },
    )
  })

  it('has windows that sum up to the total, each moment in one, in the order of time', async () => {
    const moment = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2028, 0, 1) })
    const nearChange = fc
      .tuple(
        fc.constantFrom(
          '2026-03-29T01:00Z',
          '2026-10-25T01:00Z',
          '2026-03-08T07:00Z',
          '2026-11-01T06:00Z',
        ),
        fc.integer({ min: -5 * 3_600_000, max: 5 * 3_600_000 }),
      )
      .map(([change, ms]) => Date.parse(change) + ms)
    const counted = fc.record({
      at: fc.oneof(moment, nearChange),
      by: fc.integer({ min: -1000, max: 1000 }),
      per: fc.constantFrom(...kinds),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(counted, { maxLength: 25 }),
        fc.constantFrom(...zones),
        async (counts, timeZone) => {
          const clock = new ManualClock()
          const store = await openOn(storage(clock), clock)
          for (const { at, by, per } of counts) {
            clock.jump(at - clock.now())
            await store.counters.increment('n', by, { per, timeZone })
          }
          const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
          expect(await store.counters.get('n')).toBe(sum(counts.map(({ by }) => by)))
          for (const kind of ['hour', 'day'] as const) {
            const within = counts.filter(({ per }) => (per as readonly string[]).includes(kind))
            const windows = await store.counters.windows('n', { per: kind })
            expect(sum(windows.map(({ value }) => value))).toBe(sum(within.map(({ by }) => by)))
            // Told by another way of the platform than the one that is used.
            const labels = [...within]
              .sort((left, right) => left.at - right.at)
              .map(({ at }) => labelOf(kind, at, timeZone))
            expect(windows.map(({ window }) => window)).toEqual([...new Set(labels)])
            for (const { at } of within) {
              const label = labelOf(kind, at, timeZone)
              const value = windows.find(({ window }) => window === label)?.value
              expect(await store.counters.get('n', { per: kind, at, timeZone })).toBe(value)
            }
          }
          await store.close()
        },
      ),
      { numRuns: 60 },
    )
  })
})

function labelOf(kind: 'hour' | 'day', at: number, timeZone: string): string {
  const text = new Date(at).toLocaleString('sv-SE', { timeZone, timeZoneName: 'longOffset' })
  // 2026-10-25 02:30:00 GMT+02:00
  if (kind === 'day') return text.slice(0, 10)
  const offset = timeZone === 'UTC' ? '' : text.replace(/^.*GMT/, '').replace('−', '-')
  return `${text.slice(0, 10)}T${text.slice(11, 13)}${offset}`
}
