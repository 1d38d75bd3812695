import { type Counters, openStateStore, StateStore, type WindowOptions } from 'holdfast'
import { MemoryStorage } from 'holdfast/memory'
import { ManualClock } from 'holdfast/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { closedAtEnd, everyStore, failure, memoryHome } from '../store/homes.js'

const at = (text: string): number => Date.parse(text)
const hours = (count: number, from: string): number[] =>
  Array.from({ length: count }, (_, hour) => at(from) + hour * 3_600_000)

describe.each(everyStore)('windows of counters on $name', ({ open }) => {
  let clock: ManualClock
  let store: StateStore
  let counters: Counters
  const setTo = (text: string | number): void => {
    clock.jump(Number(typeof text === 'number' ? text : at(text)) - clock.now())
  }
  beforeEach(async () => {
    clock = new ManualClock({ startAt: at('2026-11-21T14:30:00Z') })
    store = await open({ clock })
    counters = store.counters
  })

  it('count in the total and in the window of the present time', async () => {
    await counters.increment('sent', 1)
    expect(await counters.windows('sent', { per: 'day' })).toEqual([])
    expect(await counters.increment('sent', 2, { per: 'day' })).toBe(3)
    setTo('2026-11-22T00:00:00Z')
    expect(await counters.increment('sent', 3, { per: ['hour', 'day'] })).toBe(6)
    expect(await counters.increment({ sent: -1, failed: 1 }, { per: 'hour' })).toEqual({
      sent: 5,
      failed: 1,
    })
    expect(await counters.get('sent')).toBe(5)
    expect(await counters.get('sent', { per: 'day' })).toBe(3)
    expect(await counters.get('sent', { per: 'day', at: at('2026-11-21T23:59:59.999Z') })).toBe(2)
    expect(await counters.get('sent', { per: 'day', at: new Date('2026-11-21') })).toBe(2)
    expect(await counters.get('sent', { per: 'day', at: 0 })).toBe(0)
    expect(await counters.get('sent', { per: 'hour' })).toBe(2)
    expect(await counters.get('none', { per: 'hour' })).toBe(0)
    expect(await counters.windows('sent', { per: 'day' })).toEqual([
      { window: '2026-11-21', value: 2 },
      { window: '2026-11-22', value: 3 },
    ])
    expect(await store.collection('counters').get('sent')).toEqual({
      value: 5,
      windows: {
        day: { timeZone: 'UTC', values: { '2026-11-21': 2, '2026-11-22': 3 } },
        hour: { timeZone: 'UTC', values: { '2026-11-22T00': 2 } },
      },
    })
  })

  it.each([
    ['2026-11-21T14:30:00Z', 'UTC', '2026-11-21', '2026-11-21T14'],
    ['2026-11-21T14:30:00Z', 'Asia/Kolkata', '2026-11-21', '2026-11-21T20+05:30'],
    ['2026-11-21T18:29:59Z', 'Asia/Kolkata', '2026-11-21', '2026-11-21T23+05:30'],
    ['2026-11-21T18:30:00Z', 'Asia/Kolkata', '2026-11-22', '2026-11-22T00+05:30'],
    ['2026-01-01T04:59:59.999Z', 'America/New_York', '2025-12-31', '2025-12-31T23-05:00'],
    ['2026-07-01T04:00:00Z', 'America/New_York', '2026-07-01', '2026-07-01T00-04:00'],
    ['2026-11-21T00:30:00Z', 'America/St_Johns', '2026-11-20', '2026-11-20T21-03:30'],
    ['2026-11-21T14:30:00Z', 'Europe/London', '2026-11-21', '2026-11-21T14+00:00'],
    ['2026-11-21T14:30:00Z', 'Pacific/Kiritimati', '2026-11-22', '2026-11-22T04+14:00'],
    ['1890-01-01T00:00:00Z', 'Europe/Berlin', '1890-01-01', '1890-01-01T00+00:53:28'],
    ['1969-12-31T23:59:59.999Z', 'Europe/London', '1970-01-01', '1970-01-01T00+01:00'],
    ['1969-12-31T23:59:59.999Z', 'UTC', '1969-12-31', '1969-12-31T23'],
  ])('at %s in %s are %s and %s', async (time, timeZone, day, hour) => {
    setTo(time)
    await counters.increment('sent', 1, { per: ['day', 'hour'], timeZone })
    expect(await counters.windows('sent', { per: 'day' })).toEqual([{ window: day, value: 1 }])
    expect(await counters.windows('sent', { per: 'hour' })).toEqual([{ window: hour, value: 1 }])
    expect(await counters.get('sent', { per: 'hour', at: at(time), timeZone })).toBe(1)
  })

  it.each([
    // In Berlin and New York, summer time begins and ends on other Sundays.
    ['Europe/Berlin', '2026-03-28T23:00:00Z', 23, '2026-03-29'],
    ['Europe/Berlin', '2026-10-24T22:00:00Z', 25, '2026-10-25'],
    ['America/New_York', '2026-03-08T05:00:00Z', 23, '2026-03-08'],
    ['America/New_York', '2026-11-01T04:00:00Z', 25, '2026-11-01'],
    ['Asia/Kolkata', '2026-10-24T18:30:00Z', 24, '2026-10-25'],
  ])('in %s the day from %s has %i hours', async (timeZone, from, length, day) => {
    // Last things first: the windows must be in order all the same.
    for (const time of [...hours(length + 2, from)].map((ms) => ms - 3_600_000).reverse()) {
      setTo(time)
      await counters.increment('sent', 1, { per: ['day', 'hour'], timeZone })
    }
    const days = await counters.windows('sent', { per: 'day' })
    expect(days.map(({ value }) => value)).toEqual([1, length, 1])
    expect(days[1]?.window).toBe(day)
    const perHour = await counters.windows('sent', { per: 'hour' })
    expect(perHour).toHaveLength(length + 2)
    for (const [index, time] of hours(length + 2, from).entries()) {
      const label = perHour[index]?.window ?? ''
      // The label names the moment at which its hour began.
      expect(at(`${label.slice(0, 13)}:00${label.slice(13)}`)).toBe(time - 3_600_000)
      expect(await counters.get('sent', { per: 'hour', at: time - 1 })).toBe(1)
    }
  })

  it('tell the hour that comes twice apart, in the order of time', async () => {
    for (const time of ['2026-10-25T01:10:00Z', '2026-10-25T00:20:00Z', '2026-10-25T01:50:00Z']) {
      setTo(time)
      await counters.increment('sent', 1, { per: 'hour', timeZone: 'Europe/Berlin' })
    }
    expect(await counters.windows('sent', { per: 'hour' })).toEqual([
      { window: '2026-10-25T02+02:00', value: 1 },
      { window: '2026-10-25T02+01:00', value: 2 },
    ])
    expect(await counters.get('sent', { per: 'hour', at: at('2026-10-25T00:59:59Z') })).toBe(1)
    expect(await counters.get('sent', { per: 'hour', at: at('2026-10-25T01:00:00Z') })).toBe(2)
  })

  it('belong to one time zone, until they are reset', async () => {
    await counters.increment('sent', 1, { per: 'day', timeZone: 'asia/kolkata' })
    // The same zone by its other name; a window of another kind has its own.
    await counters.increment('sent', 1, { per: 'day', timeZone: 'Asia/Calcutta' })
    await counters.increment('sent', 1, { per: 'hour', timeZone: 'Europe/Berlin' })
    await counters.increment('other', 1, { per: 'day', timeZone: 'Etc/GMT' })
    await counters.increment('other', 1, { per: 'day' })
    for (const timeZone of [{}, { timeZone: 'Europe/Berlin' }]) {
      for (const attempt of [
        () => counters.increment('sent', 1, { per: 'day', ...timeZone }),
        () => counters.increment({ other: 1, sent: 1 }, { per: ['hour', 'day'], ...timeZone }),
        () => store.transaction((tx) => tx.increment('sent', 1, { per: 'day', ...timeZone })),
      ]) {
        const error = await failure('STATE_INVALID_OPTION', attempt())
        expect(error.message).toMatch(/^counters\/(sent|other) counts per (day|hour) in /)
        expect(error.commitState).toBe('not-committed')
      }
    }
    const query = { per: 'day', timeZone: 'UTC' } as const
    await failure('STATE_INVALID_OPTION', counters.get('sent', query))
    expect(await counters.all()).toEqual({ other: 2, sent: 3 })
    expect(await counters.get('sent', { per: 'day', timeZone: 'Asia/Kolkata' })).toBe(2)
    expect(await counters.get('sent', { per: 'day' })).toBe(2)
    expect(await store.collection('counters').get('sent')).toMatchObject({
      windows: { day: { timeZone: expect.stringMatching(/^asia\/(kolkata|calcutta)$/i) } },
    })
    await counters.reset('sent')
    await counters.increment('sent', 1, { per: 'day', timeZone: 'UTC' })
    expect(await counters.get('sent', { per: 'day' })).toBe(1)
  })

  it('refuse zones, kinds, times and numbers to keep that are none, and write nothing', async () => {
    const wrong: WindowOptions[] = [
      ...['Mars/Olympus', '', 'Europe/Berlin ', null as never, 7 as never].map((timeZone) => ({
        per: 'day' as const,
        timeZone,
      })),
      ...[0, -1, 1.5, Infinity, '2' as never].map((keep) => ({ per: 'day' as const, keep })),
      ...['week' as never, ['day', 'week'] as never, '' as never].map((per) => ({ per })),
      ...[{ timeZone: 'UTC' }, { keep: 3 }],
    ]
    for (const options of wrong) {
      await failure('STATE_INVALID_OPTION', counters.increment('sent', 1, options))
      await failure('STATE_INVALID_OPTION', counters.increment({ sent: 1 }, options))
    }
    expect(await counters.all()).toEqual({})
    for (const time of [Number.NaN, Infinity, at('0999-01-01'), new Date(Number.NaN)]) {
      await failure('STATE_INVALID_OPTION', counters.get('sent', { per: 'day', at: time }))
    }
    await failure('STATE_INVALID_OPTION', counters.get('sent', { per: 'week' as never }))
    await failure('STATE_INVALID_OPTION', counters.windows('sent', { per: 'week' as never }))
    const timeZone = 'Mars/Olympus'
    await failure('STATE_INVALID_OPTION', counters.get('sent', { per: 'day', timeZone }))
    expect(await counters.increment('sent', 1, { per: [] })).toBe(1)
    expect(await store.collection('counters').get('sent')).toEqual({ value: 1 })
  })

  it('are all kept, but for those that keep leaves out, of the kinds that it is given for', async () => {
    const days = Array.from({ length: 60 }, (_, day) => at('2025-12-07') + day * 86_400_000)
    for (const day of days) {
      setTo(day)
      await counters.increment('sent', 1, { per: ['day', 'hour'] })
    }
    expect(await counters.windows('sent', { per: 'day' })).toHaveLength(60)
    await counters.increment('sent', 1, { per: 'hour', keep: 3 })
    expect(await counters.windows('sent', { per: 'day' })).toHaveLength(60)
    expect(await counters.windows('sent', { per: 'hour' })).toEqual([
      { window: '2026-02-02T00', value: 1 },
      { window: '2026-02-03T00', value: 1 },
      { window: '2026-02-04T00', value: 2 },
    ])
    // A clock that was set back counts in an old window, which is not among the newest.
    setTo('2026-01-01')
    await counters.increment('sent', 1, { per: 'hour', keep: 3 })
    expect((await counters.windows('sent', { per: 'hour' })).map(({ value }) => value)).toEqual([
      1, 1, 2,
    ])
    expect(await counters.get('sent')).toBe(62)
  })

  it('keep the newest by time, not by label, of an hour that comes twice', async () => {
    for (const time of hours(3, '2026-10-24T23:30:00Z')) {
      setTo(time)
      await counters.increment('sent', 1, { per: 'hour', timeZone: 'Europe/Berlin', keep: 1 })
    }
    expect(await counters.windows('sent', { per: 'hour' })).toEqual([
      { window: '2026-10-25T02+01:00', value: 1 },
    ])
  })

  it('refuse what a window cannot tell exactly, although the total could', async () => {
    const { MAX_SAFE_INTEGER: max } = Number
    await counters.increment('sent', -max)
    await counters.increment('sent', max, { per: 'day' })
    await failure('STATE_INVALID_VALUE', counters.increment('sent', 1, { per: 'day' }))
    expect(await counters.increment('sent', 1)).toBe(1)
    expect(await counters.get('sent', { per: 'day' })).toBe(max)
  })
})

it('hours of a zone whose offset changes by half an hour are apart, and in order', async () => {
  const clock = new ManualClock({ startAt: at('2026-04-04T13:15:00Z') })
  const storage = new MemoryStorage({ clock })
  const { counters } = closedAtEnd(await new StateStore({ storage, clock }).open())
  for (let times = 0; times < 6; times++) {
    await counters.increment('sent', 1, { per: 'hour', timeZone: 'Australia/Lord_Howe' })
    clock.jump(30 * 60_000)
  }
  expect(await counters.windows('sent', { per: 'hour' })).toEqual([
    { window: '2026-04-05T00+11:00', value: 2 },
    { window: '2026-04-05T01+11:00', value: 2 },
    { window: '2026-04-05T01+10:30', value: 1 },
    { window: '2026-04-05T02+10:30', value: 1 },
  ])
})

it('a zone that this platform does not know leaves the total readable, and is named', async () => {
  const { fileSystem, directory } = memoryHome()
  const store = closedAtEnd(await openStateStore(directory, { fileSystem }))
  const day = { timeZone: 'Mars/Olympus', values: { '2026-11-21': 3 } }
  await store.collection('counters').set('sent', { value: 3, windows: { day } })
  expect(await store.counters.increment('sent')).toBe(4)
  expect(await store.counters.windows('sent', { per: 'day' })).toHaveLength(1)
  for (const attempt of [
    () => store.counters.get('sent', { per: 'day' }),
    () => store.counters.increment('sent', 1, { per: 'day' }),
  ]) {
    const error = await failure('STATE_INVALID_OPTION', attempt())
    expect(error.message).toContain('Mars/Olympus')
  }
})
