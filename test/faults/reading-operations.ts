import type { HealthCheck } from '../../src/health/index.js'
import type { LogEvent } from '../../src/log/index.js'
import type { VerifyReport } from '../../src/storage/index.js'
import type { StateStore } from '../../src/store/index.js'
import { lockTtlMs, type Operation } from './operation.js'

const documents = { 'tasks/a': { n: 1 }, 'tasks/b': [1], 'notes/c': 'c' }

const long = { text: 'x'.repeat(2500) }
/** Over two segments. */
const events = [long, { n: 2 }, long, { n: 4 }]
const logged = { 'log:x': events, 'log:y': [{ n: 1 }] }

const windows = { day: { timeZone: 'UTC', values: { '2026-11-20': 1, '2026-11-21': 2 } } }
const counted = { 'counters/sent': { value: 3, windows }, 'counters/failed': { value: 1 } }

const dataOf = (found: readonly LogEvent<unknown>[]): unknown[] => found.map(({ data }) => data)

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** Two components, one of which has changed. */
const healthy = {
  before: {},
  position: async (store: StateStore) => {
    await store.health.record('mail', 'ok')
    await store.health.record('chat', 'ok')
    await store.health.record('mail', 'error', { code: 7 })
  },
  from: {
    'health/mail': {
      status: 'error',
      since: 'a time',
      at: 'a time',
      details: { code: 7 },
      previous: 'ok',
    },
    'health/chat': { status: 'ok', since: 'a time', at: 'a time' },
    'log:health': [{ status: 'ok' }, { status: 'ok' }, { status: 'error', details: { code: 7 } }],
  },
} satisfies Partial<Operation>

/** What only looks: whatever goes wrong, it tells the truth or that it cannot. */
export const reading: Readonly<Record<string, Operation>> = {
  'a get': {
    before: documents,
    answer: { n: 1 },
    act: (store) => store.collection('tasks').get('a'),
  },
  'a get of nothing': {
    before: documents,
    answer: (given: unknown) => given === undefined,
    act: (store) => store.collection('tasks').get('none'),
  },
  'a get in a collection that is none': {
    before: documents,
    answer: (given: unknown) => given === undefined,
    act: (store) => store.collection('none').get('a'),
  },
  'a look whether there is a document': {
    before: documents,
    answer: true,
    act: (store) => store.collection('tasks').has('b'),
  },
  'a list': {
    before: documents,
    answer: ['a', 'b'],
    act: (store) => store.collection('tasks').list(),
  },
  'a list with a pattern': {
    before: documents,
    answer: ['b'],
    act: (store) => store.collection('tasks').list({ pattern: 'b*' }),
  },
  entries: {
    before: documents,
    answer: { a: { n: 1 }, b: [1] },
    act: async (store) => {
      const found = await all(store.collection('tasks').entries())
      return Object.fromEntries(found.map(({ key, value }) => [key, value]))
    },
  },
  'the collections': {
    before: documents,
    answer: ['notes', 'tasks'],
    act: (store) => store.collections(),
  },
  'earlier versions': {
    before: documents,
    answer: 1,
    act: async (store) => (await store.collection('tasks').backups('a')).length,
  },
  'an earlier version': {
    before: documents,
    from: { ...documents, 'tasks/a': 2 },
    position: async (store) => {
      const tasks = store.collection('tasks')
      await tasks.set('a', 2)
      return (await tasks.backups('a')).at(-1)?.id
    },
    answer: { n: 1 },
    act: async (store, id) => (await store.collection('tasks').readBackup('a', id as string)).value,
  },
  'a transaction that reads': {
    before: documents,
    answer: [{ n: 1 }, true],
    act: (store) =>
      store.transaction(async (transaction) => {
        const tasks = store.collection('tasks')
        return [await transaction.get(tasks, 'a'), await transaction.has(tasks, 'b')]
      }),
  },
  'a query': {
    before: logged,
    answer: events,
    act: async (store) => dataOf(await store.log('x').query().toArray()),
  },
  'a query as it is read': {
    before: logged,
    answer: events,
    act: async (store) => dataOf(await all(store.log('x').query())),
  },
  'a query of a log that is none': {
    before: logged,
    answer: [],
    act: async (store) => dataOf(await store.log('none').query().toArray()),
  },
  'the last events': {
    before: logged,
    answer: [{ n: 4 }, long],
    act: async (store) => dataOf(await store.log('x').last(2)),
  },
  'recent events': {
    before: logged,
    answer: events,
    act: async (store) => dataOf(await store.log('x').recent('1h').toArray()),
  },
  'a count': { before: logged, answer: 4, act: (store) => store.log('x').count() },
  'following a log': {
    before: logged,
    answer: events,
    act: async (store) => {
      const found: LogEvent<unknown>[] = []
      for await (const event of store.log('x').follow({ after: '0.0' })) {
        found.push(event)
        if (found.length === events.length) break
      }
      return dataOf(found)
    },
  },
  'the logs': {
    before: logged,
    answer: ['x', 'y'],
    act: async (store) => (await store.logs()).map(({ log }) => log),
  },
  'the value of a counter': {
    before: counted,
    answer: 3,
    act: (store) => store.counters.get('sent'),
  },
  'the value of no counter': {
    before: counted,
    answer: 0,
    act: (store) => store.counters.get('none'),
  },
  'the windows of a counter': {
    before: counted,
    answer: [1, 2],
    act: async (store) =>
      (await store.counters.windows('sent', { per: 'day' })).map(({ value }) => value),
  },
  'all counters': {
    before: counted,
    answer: { failed: 1, sent: 3 },
    act: (store) => store.counters.all(),
  },
  'the health of a component': {
    ...healthy,
    answer: 'error',
    act: async (store) => (await store.health.latest('mail'))?.status,
  },
  'the health of all components': {
    ...healthy,
    answer: ['chat ok', 'mail error'],
    act: async (store) =>
      Object.entries(await store.health.latest()).map(([name, { status }]) => `${name} ${status}`),
  },
  'a summary of health': {
    ...healthy,
    answer: { chat: { ok: 1 }, mail: { ok: 1, error: 1 } },
    act: (store) => store.health.summary({ since: '1h' }),
  },
  'transitions of health': {
    ...healthy,
    answer: ['mail to ok', 'chat to ok', 'mail to error'],
    act: async (store) =>
      (await store.health.transitions({ since: '1h' })).map(
        ({ component, to }) => `${component} to ${to}`,
      ),
  },
  'the uptime of a component': {
    ...healthy,
    answer: 1,
    act: async (store) => {
      const { error, ok, unknown, warning } = await store.health.uptime('mail', { since: '1h' })
      return Math.round(error + ok + unknown + warning)
    },
  },
  'a self-check': {
    before: { ...documents, ...logged },
    answer: ({ alerts, documents, exists, logs, ok, writable }: HealthCheck) =>
      ok ? exists && writable && documents === 3 && logs === 2 : alerts.length > 0,
    act: (store) => store.health.check(),
  },
  'a status line': {
    ...healthy,
    answer: (line: string) => line.includes('mail') && line.includes('chat'),
    act: (store) => store.health.statusLine({ color: false }),
  },
  'the locks': {
    before: documents,
    position: (store) => store.lock('next', { ttlMs: lockTtlMs }).then((lock) => lock.release()),
    answer: ['next free'],
    act: async (store) => (await store.locks()).map(({ name, state }) => `${name} ${state}`),
  },
  'a verification': {
    before: { ...documents, ...logged },
    answer: ({ documents, findings, intact, records }: VerifyReport) =>
      documents === 3 &&
      records === 5 &&
      intact + findings.length === 3 &&
      findings.every(({ kind }) => kind === 'unreadable'),
    act: (store) => store.verify(),
  },
}
