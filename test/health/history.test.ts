import { describe, expect, it } from 'vitest'
import { readHealth, writeHealth } from '../../src/health/component-state.js'
import { toHealthRecord, uptimeOf } from '../../src/health/history.js'

describe('a record of health', () => {
  const line = { id: '1.1', at: 5, origin: 'store' } as const

  it('is what bears a component and a status', () => {
    const record = { ...line, type: 'mail', data: { status: 'ok', details: [1] } }
    expect(toHealthRecord(record)).toEqual({ component: 'mail', status: 'ok', at: 5, details: [1] })
  })

  it.each([
    { type: undefined, data: { status: 'ok' } },
    { type: 'mail', data: { status: 'fine' } },
    { type: 'mail', data: 'ok' },
    { type: 'mail', data: null },
    { type: 'mail', data: undefined },
    { type: 'mail', data: ['ok'] },
  ])('is not $type, $data', (rest) => {
    expect(toHealthRecord({ ...line, ...rest })).toBeUndefined()
  })
})

describe('the state of a component', () => {
  const at = Date.UTC(2026, 0, 1)
  const stored = (value: unknown, savedAt: number) => readHealth({ value, savedAt })

  it('tells the time of its commit, which is a moment before it was written', () => {
    const value = writeHealth(undefined, 'ok', undefined, at + 3)
    expect(stored(value, at)).toMatchObject({ at, since: at })
    const current = stored(value, at)
    const next = writeHealth(current, 'ok', undefined, at + 1003)
    expect(stored(next, at + 1000)).toMatchObject({ at: at + 1000, since: at })
  })

  it('tells its own time where it was saved later: restored, or edited by hand', () => {
    const value = writeHealth(undefined, 'ok', undefined, at)
    expect(stored(value, at + 60_000)).toMatchObject({ at, since: at })
  })
})

describe('uptime', () => {
  const span = { since: 0, until: 100 }

  it('goes by the times of the records, also where a clock was set back', () => {
    const records = [
      { at: 0, status: 'ok' },
      { at: 80, status: 'error' },
      { at: 40, status: 'warning' },
    ] as const
    expect(uptimeOf(records, span)).toEqual({ ok: 0.4, warning: 0.4, error: 0.2, unknown: 0 })
  })

  it('takes the last of several records of one time', () => {
    const records = [
      { at: 50, status: 'ok' },
      { at: 50, status: 'error' },
    ] as const
    expect(uptimeOf(records, span)).toEqual({ ok: 0, warning: 0, error: 0.5, unknown: 0.5 })
  })

  it('is not moved by a record from the future', () => {
    const records = [
      { at: 0, status: 'ok' },
      { at: 1_000_000, status: 'error' },
    ] as const
    expect(uptimeOf(records, span)).toMatchObject({ ok: 1, error: 0 })
  })
})
