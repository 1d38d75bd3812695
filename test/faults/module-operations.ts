import type { Operation } from './operation.js'

const day = '2026-11-21'
const windows = { day: { timeZone: 'UTC', values: { [day]: 1 } } }
const counted = { 'counters/sent': { value: 3 }, 'counters/failed': { value: 1 } }

/** As tests compare it: times left out. */
const health = (status: string, previous?: string): unknown => ({
  status,
  since: 'a time',
  at: 'a time',
  ...(previous === undefined ? {} : { previous }),
})

/** What changes counters and health. */
export const countersAndHealth: Readonly<Record<string, Operation>> = {
  'an increment': {
    before: counted,
    after: { ...counted, 'counters/sent': { value: 5 } },
    answer: 5,
    act: (store) => store.counters.increment('sent', 2),
  },
  'an increment of a new counter and its window': {
    before: counted,
    after: { ...counted, 'counters/new': { value: 1, windows } },
    answer: 1,
    act: (store) => store.counters.increment('new', 1, { per: 'day', timeZone: 'UTC' }),
  },
  'an increment of two counters': {
    before: counted,
    after: { 'counters/sent': { value: 4 }, 'counters/failed': { value: 3 } },
    answer: { sent: 4, failed: 3 },
    act: (store) => store.counters.increment({ sent: 1, failed: 2 }),
  },
  'a blocking increment': {
    before: counted,
    after: { ...counted, 'counters/sent': { value: 4 } },
    answer: 4,
    act: async (store) => store.counters.incrementSync('sent'),
  },
  'a reset': {
    before: counted,
    after: { ...counted, 'counters/sent': { value: 0 } },
    answer: 3,
    act: (store) => store.counters.reset('sent'),
  },
  'the first record of health': {
    before: counted,
    after: { ...counted, 'health/mail': health('ok'), 'log:health': [{ status: 'ok' }] },
    answer: { component: 'mail', status: 'ok', previous: undefined, changed: true },
    act: (store) => store.health.record('mail', 'ok'),
  },
  'a record of health': {
    before: {},
    position: (store) => store.health.record('mail', 'ok'),
    from: { 'health/mail': health('ok'), 'log:health': [{ status: 'ok' }] },
    after: {
      'health/mail': health('error', 'ok'),
      'log:health': [{ status: 'ok' }, { status: 'error' }],
    },
    answer: { component: 'mail', status: 'error', previous: 'ok', changed: true },
    act: (store) => store.health.record('mail', 'error'),
  },
}
