import type { HealthStatus, StateStore } from 'holdfast'
import { beforeEach, describe, expect, it } from 'vitest'
import { failure } from '../store/homes.js'
import { everyHome, type HealthHome } from './homes.js'

const minute = 60_000

describe.each(everyHome)('health on $name', ({ home: makeHome }) => {
  let home: HealthHome
  let store: StateStore
  let start: number
  beforeEach(async () => {
    home = await makeHome()
    store = await home.open()
    start = home.time.now()
  })

  const statusesOf = async (component: string): Promise<unknown[]> =>
    (await store.health.transitions({ component, since: 0 })).map(({ to }) => to)

  describe('record', () => {
    it('tells what was before and whether that changed', async () => {
      const { health } = store
      expect(await health.record('mail', 'ok', { unread: 5 })).toEqual({
        component: 'mail',
        status: 'ok',
        previous: undefined,
        changed: true,
      })
      expect(await health.record('mail', 'ok')).toMatchObject({ previous: 'ok', changed: false })
      expect(await health.record('mail', 'error')).toMatchObject({ previous: 'ok', changed: true })
    })

    it('keeps the present state in a document, times as ISO 8601', async () => {
      await store.health.record('mail', 'ok')
      home.time.advance(minute)
      await store.health.record('mail', 'warning', { unread: 500 })
      home.time.advance(minute)
      await store.health.record('mail', 'warning', 'still')
      expect(await store.collection('health').get('mail')).toEqual({
        status: 'warning',
        since: new Date(start + minute).toISOString(),
        at: new Date(start + 2 * minute).toISOString(),
        details: 'still',
        previous: 'ok',
      })
    })

    it('tells health:changed when the status does, and only then', async () => {
      const told: unknown[] = []
      store.on('health:changed', (change) => told.push(change))
      await store.health.record('mail', 'ok', { n: 1 })
      await store.health.record('mail', 'ok', { n: 2 })
      home.time.advance(minute)
      await store.health.record('mail', 'error', { n: 3 })
      await store.health.record('web', 'error')
      const at = start + minute
      expect(told).toEqual([
        { component: 'mail', from: undefined, to: 'ok', at: start, details: { n: 1 } },
        { component: 'mail', from: 'ok', to: 'error', at, details: { n: 3 } },
        { component: 'web', from: undefined, to: 'error', at, details: undefined },
      ])
    })

    it('is as any write to those who listen', async () => {
      const told: unknown[] = []
      store.on('state:saved', ({ collection, key }) => told.push([collection, key]))
      store.on('log:appended', ({ log, ids }) => told.push([log, ids]))
      await store.health.record('mail', 'ok')
      const [event] = await store.log('health').last()
      expect(told).toEqual([
        ['health', 'mail'],
        ['health', [event?.id]],
      ])
    })

    it('keeps every record in a log', async () => {
      await store.health.record('mail', 'ok', { n: 1 }, { agent: 'scout' })
      await store.health.record('web', 'warning')
      const id = expect.any(String)
      expect(await store.log('health').query().toArray()).toEqual([
        { id, at: start, type: 'mail', agent: 'scout', data: { status: 'ok', details: { n: 1 } } },
        { id, at: start, type: 'web', data: { status: 'warning' } },
      ])
    })

    it.each([
      ['a status that is none', 'mail', 'fine', undefined, 'STATE_INVALID_OPTION'],
      ['a component without a name', '', 'ok', undefined, 'STATE_INVALID_KEY'],
      ['details that are not JSON', 'mail', 'ok', { when: new Date(0) }, 'STATE_INVALID_VALUE'],
    ] as const)('refuses %s, and writes nothing', async (_, component, status, details, code) => {
      await failure(code, store.health.record(component, status as HealthStatus, details))
      expect(await store.health.latest()).toEqual({})
      expect(await store.health.summary()).toEqual({})
    })

    it('writes both or none', async () => {
      const lock = await store.lock('mail')
      await lock.release()
      await failure(
        'STATE_LEASE_LOST',
        store.health.record('mail', 'ok', undefined, { lease: lock }),
      )
      expect(await store.health.latest('mail')).toBeUndefined()
      expect(await store.health.summary()).toEqual({})
    })

    it('takes what it was given as it was when called', async () => {
      const details = { n: 1 }
      const recording = store.health.record('mail', 'ok', details)
      details.n = 2
      await recording
      expect((await store.health.latest('mail'))?.details).toEqual({ n: 1 })
      expect((await store.health.transitions())[0]?.details).toEqual({ n: 1 })
    })

    it('starts anew over what somebody else has put into the document', async () => {
      const documents = store.collection<unknown>('health')
      for (const strange of [
        null,
        7,
        'ok',
        [],
        {},
        { status: 'fine' },
        { status: 'ok', at: 'x' },
      ]) {
        await documents.set('mail', strange)
        expect(await store.health.latest('mail')).toBeUndefined()
        expect(await store.health.latest()).toEqual({})
        expect(await store.health.record('mail', 'ok')).toMatchObject({ previous: undefined })
      }
    })
  })

  describe('of several stores that record at once', () => {
    it('each is told what came just before it', async () => {
      const stores = [store, await home.open(), await home.open()]
      const changes: [string | undefined, string][] = []
      for (const each of stores) {
        each.on('health:changed', ({ from, to }) => changes.push([from, to]))
      }
      const statuses: HealthStatus[] = ['ok', 'warning', 'error', 'ok', 'ok']
      const recorded = await Promise.all(
        Array.from({ length: 60 }, (_, n) => {
          const status = statuses[n % statuses.length] ?? 'ok'
          return stores[n % stores.length]?.health.record('mail', status, { n })
        }),
      )
      // What each was told fits the order in which the log has them.
      const transitions = await store.health.transitions({ component: 'mail' })
      for (const [index, { from }] of transitions.entries()) {
        expect(from).toBe(transitions[index - 1]?.to)
      }
      const pairs = (list: [string | undefined, string][]) => list.map(String).sort()
      expect(pairs(changes)).toEqual(pairs(transitions.map(({ from, to }) => [from, to])))
      expect(recorded.filter((each) => each?.changed)).toHaveLength(transitions.length)
      expect(await store.health.summary()).toEqual({ mail: { ok: 36, warning: 12, error: 12 } })
      const last = transitions.at(-1)
      expect(await store.health.latest('mail')).toMatchObject({
        status: last?.to,
        previous: last?.from,
      })
    })

    it('a status begins with its first record, whoever made it', async () => {
      const other = await home.open()
      await store.health.record('mail', 'error')
      home.time.advance(minute)
      await Promise.all([
        other.health.record('mail', 'error'),
        store.health.record('mail', 'error'),
      ])
      expect(await other.health.latest('mail')).toMatchObject({ since: start, at: start + minute })
    })

    it('one that had to wait counts from when it was written', async () => {
      const other = await home.open()
      // Asked for first, made last: the time passes while it waits for its turn.
      const gate = await store.lock('gate')
      const late = (async () => {
        const lease = await other.lock('gate')
        await other.health.record('mail', 'ok')
        await lease.release()
      })()
      home.time.advance(minute)
      await store.health.record('mail', 'error')
      home.time.advance(minute)
      await gate.release()
      await late
      const latest = await store.health.latest('mail')
      expect(latest).toMatchObject({ status: 'ok', since: start + 2 * minute, previous: 'error' })
    })
  })

  describe('latest', () => {
    it('tells each component, sorted, with since when it is so', async () => {
      const { health } = store
      expect(await health.latest()).toEqual({})
      await health.record('web', 'ok')
      await health.record('mail', 'error', { n: 1 })
      home.time.advance(minute)
      await health.record('mail', 'error', { n: 2 })
      const at = start + minute
      const latest = await health.latest()
      expect(Object.keys(latest)).toEqual(['mail', 'web'])
      expect(latest).toEqual({
        mail: { status: 'error', since: start, at, details: { n: 2 }, previous: undefined },
        web: { status: 'ok', since: start, at: start, details: undefined, previous: undefined },
      })
      expect(await health.latest('mail')).toEqual(latest.mail)
      expect(await health.latest('absent')).toBeUndefined()
    })

    it('survives a clock that is set back', async () => {
      await store.health.record('mail', 'ok')
      home.time.jump(-60 * minute)
      await store.health.record('mail', 'ok')
      expect(await store.health.latest('mail')).toMatchObject({ since: start })
      await store.health.record('mail', 'error')
      const at = start - 60 * minute
      expect(await store.health.latest('mail')).toMatchObject({ status: 'error', since: at, at })
    })

    it('knows components of any name', async () => {
      const names = [
        '__proto__',
        'constructor',
        '../../etc/passwd',
        'a/b',
        'NUL',
        '\u0000',
        '\ud800',
      ]
      names.push('é', 'e\u0301', 'x'.repeat(8192), ' ', '.', '\u001b[31m', '{"a":1}', '**')
      for (const name of names) await store.health.record(name, 'warning', { name })
      const latest = await store.health.latest()
      expect(Object.keys(latest).sort()).toEqual([...names].sort())
      const summary = await store.health.summary()
      for (const name of names) {
        expect(Object.getOwnPropertyDescriptor(summary, name)?.value).toEqual({ warning: 1 })
        expect((await store.health.latest(name))?.details).toEqual({ name })
        expect(await statusesOf(name)).toEqual(['warning'])
        expect((await store.health.uptime(name, { since: 0 })).ok).toBe(0)
      }
      expect(({} as { status?: unknown }).status).toBeUndefined()
      await failure('STATE_INVALID_KEY', store.health.record('x'.repeat(8193), 'ok'))
    })
  })

  describe('summary', () => {
    it('counts the statuses that occurred, in the last 24 hours', async () => {
      const { health } = store
      await health.record('mail', 'error')
      home.time.advance(24 * 60 * minute)
      await health.record('mail', 'ok')
      await health.record('mail', 'ok')
      await health.record('db', 'warning')
      expect(JSON.stringify(await health.summary())).toBe(
        '{"db":{"warning":1},"mail":{"error":1,"ok":2}}',
      )
      home.time.advance(1)
      expect(await health.summary()).toEqual({ db: { warning: 1 }, mail: { ok: 2 } })
      expect(await health.summary({ since: '30d' })).toMatchObject({ mail: { error: 1, ok: 2 } })
      expect(await health.summary({ since: new Date(start), until: start + 1 })).toEqual({
        mail: { error: 1 },
      })
      expect(
        await health.summary({ since: new Date(start + 1).toISOString(), until: '1h' }),
      ).toEqual({})
    })

    it('passes over what is no record of health', async () => {
      await store.health.record('mail', 'ok')
      await store.log('health').append('mail', { status: 'fine' })
      await store.log('health').append({ status: 'ok' })
      await store.log('health').append('mail', 'ok')
      expect(await store.health.summary()).toEqual({ mail: { ok: 1 } })
    })

    it('refuses a time that is none', async () => {
      await failure('STATE_INVALID_OPTION', store.health.summary({ since: 'yesterday' }))
      await failure('STATE_INVALID_OPTION', store.health.summary({ until: Number.NaN }))
    })
  })

  describe('transitions', () => {
    beforeEach(async () => {
      const script: [string, HealthStatus][] = [
        ['mail', 'ok'],
        ['web', 'error'],
        ['mail', 'ok'],
        ['mail', 'error'],
        ['web', 'error'],
        ['mail', 'ok'],
      ]
      for (const [index, [component, status]] of script.entries()) {
        await store.health.record(component, status, { index })
        home.time.advance(minute)
      }
    })

    const at = (index: number) => ({ at: start + index * minute, details: { index } })

    it('are told oldest first', async () => {
      expect(await store.health.transitions()).toEqual([
        { component: 'mail', from: undefined, to: 'ok', ...at(0) },
        { component: 'web', from: undefined, to: 'error', ...at(1) },
        { component: 'mail', from: 'ok', to: 'error', ...at(3) },
        { component: 'mail', from: 'error', to: 'ok', ...at(5) },
      ])
    })

    it('of one component', async () => {
      expect(await store.health.transitions({ component: 'web' })).toEqual([
        { component: 'web', from: undefined, to: 'error', ...at(1) },
      ])
      expect(await store.health.transitions({ component: 'absent' })).toEqual([])
    })

    it('of a time, from what was before it', async () => {
      expect(
        await store.health.transitions({ since: start + 2 * minute, until: start + 5 * minute }),
      ).toEqual([{ component: 'mail', from: 'ok', to: 'error', ...at(3) }])
      const { component, from } = { component: 'mail', from: 'error' }
      expect(await store.health.transitions({ component, since: start + 4 * minute })).toEqual([
        { component, from, to: 'ok', ...at(5) },
      ])
    })

    it('at most so many, the newest', async () => {
      const all = await store.health.transitions()
      expect(await store.health.transitions({ limit: 2 })).toEqual(all.slice(2))
      expect(await store.health.transitions({ limit: 0 })).toEqual([])
      await failure('STATE_INVALID_OPTION', store.health.transitions({ limit: -1 }))
    })
  })

  describe('uptime', () => {
    beforeEach(async () => {
      home.time.advance(10 * minute)
      const script: [HealthStatus, number][] = [
        ['ok', 10],
        ['warning', 5],
        ['ok', 10],
        ['error', 5],
      ]
      for (const [status, minutes] of script) {
        await store.health.record('mail', status)
        home.time.advance(minutes * minute)
      }
    })

    it('tells the share of each status, by time', async () => {
      expect(await store.health.uptime('mail', { since: start })).toEqual({
        ok: 20 / 40,
        warning: 5 / 40,
        error: 5 / 40,
        unknown: 10 / 40,
      })
    })

    it('knows what was before the time that is asked for', async () => {
      const span = { since: start + 15 * minute, until: start + 25 * minute }
      expect(await store.health.uptime('mail', span)).toEqual({
        ok: 0.5,
        warning: 0.5,
        error: 0,
        unknown: 0,
      })
    })

    it('takes what is too old for unknown, until the next record', async () => {
      const staleAfterMs = 6 * minute
      const span = { since: start + 10 * minute, staleAfterMs }
      expect(await store.health.uptime('mail', span)).toEqual({
        ok: 12 / 30,
        warning: 5 / 30,
        error: 5 / 30,
        unknown: 8 / 30,
      })
      const later = { since: start + 19 * minute, until: start + 20 * minute, staleAfterMs }
      expect(await store.health.uptime('mail', later)).toMatchObject({ ok: 0, unknown: 1 })
    })

    it('knows nothing of the future, of no time, and of what was never recorded', async () => {
      const unknown = { ok: 0, warning: 0, error: 0, unknown: 1 }
      const now = home.time.now()
      expect(await store.health.uptime('mail', { since: now + 1 })).toEqual(unknown)
      expect(await store.health.uptime('mail', { since: now, until: now })).toEqual(unknown)
      expect(await store.health.uptime('absent')).toEqual(unknown)
      expect(
        await store.health.uptime('mail', { since: now - 10 * minute, until: now + 60 * minute }),
      ).toMatchObject({ ok: 0.5, error: 0.5 })
      await failure('STATE_INVALID_OPTION', store.health.uptime('mail', { staleAfterMs: -1 }))
    })

    it('sums to 1', async () => {
      for (let minutes = 1; minutes < 60; minutes += 7) {
        const { ok, warning, error, unknown } = await store.health.uptime('mail', {
          since: home.time.now() - minutes * minute - 13,
          staleAfterMs: 7 * minute,
        })
        expect(ok + warning + error + unknown).toBeCloseTo(1, 12)
      }
    })
  })
})
