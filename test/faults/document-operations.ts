import type { FileOperations } from '../../src/file-system/index.js'
import type { Lock } from '../../src/lock/index.js'
import type { VerifyReport } from '../../src/storage/index.js'
import { damage } from './image.js'
import { lockTtlMs, type Operation } from './operation.js'

const before = { 'tasks/a': { n: 1 }, 'tasks/b': [1], 'notes/c': 'c' }

const long = { text: 'x'.repeat(2500) }
const logged = { 'log:x': [{ n: 1 }, { n: 2 }] }

const tear = (fs: FileOperations): void => {
  const path = '/store/logs/x.jsonl'
  damage(fs, path, Buffer.concat([fs.readFile(path), Buffer.from('{"id":"1.9","at":"2026-')]))
}

const damageFirst = (fs: FileOperations): void => {
  const path = '/store/tasks/a.json'
  damage(fs, path, fs.readFile(path).subarray(0, 20))
}

/** What changes documents and logs, and what locks do. */
export const documentsAndLogs: Readonly<Record<string, Operation>> = {
  'the first set of all': {
    before: {},
    after: { 'tasks/a': 1 },
    act: (store) => store.collection('tasks').set('a', 1),
  },
  'a set of a new document': {
    before,
    after: { ...before, 'tasks/new': 1 },
    act: (store) => store.collection('tasks').set('new', 1),
  },
  'a set over a document': {
    before,
    after: { ...before, 'tasks/a': 2 },
    act: (store) => store.collection('tasks').set('a', 2),
  },
  'a second set': {
    before: { 'tasks/a': 1 },
    after: { 'tasks/a': 3 },
    position: (store) => store.collection('tasks').set('a', 1),
    act: (store) => store.collection('tasks').set('a', 3),
  },
  'a delete': {
    before,
    after: { 'tasks/b': [1], 'notes/c': 'c' },
    answer: true,
    act: (store) => store.collection('tasks').delete('a'),
  },
  'an update': {
    before,
    after: { ...before, 'tasks/a': { n: 2 } },
    answer: { n: 2 },
    act: (store) => store.collection<{ n: number }>('tasks').update('a', ({ n }) => ({ n: n + 1 })),
  },
  'a transaction of three documents': {
    before,
    after: { 'tasks/a': 2, 'tasks/b': 2, 'fresh/d': 2, 'notes/c': 'c' },
    act: (store) =>
      store.transaction((transaction) => {
        const tasks = store.collection('tasks')
        transaction.set(tasks, 'a', 2)
        transaction.set(tasks, 'b', 2)
        transaction.set(store.collection('fresh'), 'd', 2)
      }),
  },
  'a blocking set': {
    before,
    after: { ...before, 'tasks/a': 2 },
    act: async (store) => store.collection('tasks').setSync('a', 2),
  },
  'the restoring of a damaged document': {
    before,
    prepare: damageFirst,
    answer: { n: 1 },
    act: (store) => store.collection('tasks').get('a'),
  },
  'the first append of all': {
    before: {},
    after: { 'log:x': [{ n: 1 }] },
    act: (store) => store.log<object>('x').append({ n: 1 }),
  },
  'an append': {
    before: logged,
    after: { ...logged, 'log:x': [...logged['log:x'], { n: 3 }] },
    act: (store) => store.log<object>('x').append({ n: 3 }),
  },
  'a second append': {
    before: { 'log:x': [{ n: 1 }] },
    after: { 'log:x': [{ n: 1 }, { n: 3 }] },
    position: (store) => store.collection('tasks').delete('none'),
    act: (store) => store.log<object>('x').append({ n: 3 }),
  },
  'a blocking append': {
    before: logged,
    after: { ...logged, 'log:x': [...logged['log:x'], { n: 3 }] },
    act: async (store) => store.log<object>('x').appendSync({ n: 3 }),
  },
  'an append of several events': {
    before: logged,
    after: { ...logged, 'log:x': [...logged['log:x'], { n: 3 }, { n: 4 }] },
    act: (store) => store.log('x').appendAll([{ data: { n: 3 } }, { data: { n: 4 } }]),
  },
  'an append that closes a segment': {
    before: { 'log:x': [long, { n: 2 }, long] },
    after: { 'log:x': [long, { n: 2 }, long, { n: 3 }] },
    act: (store) => store.log<object>('x').append({ n: 3 }),
  },
  'an append behind a torn one': {
    before: logged,
    after: { ...logged, 'log:x': [...logged['log:x'], { n: 3 }] },
    prepare: tear,
    act: (store) => store.log<object>('x').append({ n: 3 }),
  },
  'an append after a writer died': {
    before: { 'log:x': [long, { n: 2 }], 'log:y': [{ n: 1 }] },
    crashed: true,
    after: { 'log:x': [long, { n: 2 }, { n: 3 }], 'log:y': [{ n: 1 }] },
    act: (store) => store.log<object>('x').append({ n: 3 }),
  },
  'a transaction of documents, events and a counter': {
    before: { ...before, ...logged },
    after: {
      ...before,
      'tasks/a': 2,
      'counters/done': { value: 1 },
      'log:x': [...logged['log:x'], { n: 3 }],
      'log:z': [{ n: 4 }],
    },
    act: (store) =>
      store.transaction((transaction) => {
        transaction.set(store.collection('tasks'), 'a', 2)
        transaction.append(store.log<object>('x'), { n: 3 })
        transaction.append(store.log<object>('z'), { n: 4 })
        transaction.increment('done')
      }),
  },
  'a merge': {
    before,
    after: { ...before, 'tasks/a': { n: 1, m: 2 } },
    answer: { n: 1, m: 2 },
    act: (store) => store.collection<{ n: number; m?: number }>('tasks').merge('a', { m: 2 }),
  },
  'an update that is awaited': {
    before,
    after: { ...before, 'tasks/a': { n: 2 } },
    answer: { n: 2 },
    act: (store) =>
      store.collection<{ n: number }>('tasks').update('a', async ({ n }) => ({ n: n + 1 })),
  },
  'a delete of nothing': {
    before,
    answer: false,
    act: (store) => store.collection('tasks').delete('none'),
  },
  'making an earlier version the present one': {
    before,
    from: { ...before, 'tasks/a': { n: 2 } },
    position: async (store) => {
      const tasks = store.collection('tasks')
      await tasks.set('a', { n: 2 })
      return (await tasks.backups('a')).at(-1)?.id
    },
    after: before,
    act: (store, id) => store.collection('tasks').restore('a', id as string),
  },
  'the repair of a damaged document': {
    before,
    prepare: damageFirst,
    answer: ({ documents, findings, intact }: VerifyReport) =>
      documents === 3 &&
      intact + findings.length === 3 &&
      findings.some(({ address }) => address?.key === 'a') &&
      findings.every(({ address, kind }) => kind === 'unreadable' || address?.key === 'a'),
    act: (store) => store.verify({ repair: true }),
  },
  'a transaction that reads, writes and deletes': {
    before: { ...before, ...logged },
    after: { 'tasks/a': { n: 2 }, 'notes/c': 'c', ...logged, 'log:z': [{ n: 4 }] },
    answer: [{ n: 1 }, true, false],
    act: (store) =>
      store.transaction(async (transaction) => {
        const tasks = store.collection<{ n: number }>('tasks')
        const first = await transaction.get(tasks, 'a')
        const seen = [
          first,
          await transaction.has(tasks, 'b'),
          await transaction.has(tasks, 'none'),
        ]
        transaction.set(tasks, 'a', { n: (first?.n ?? 0) + 1 })
        transaction.delete(tasks, 'b')
        transaction.append(store.log<object>('z'), { n: 4 })
        return seen
      }),
  },
  'a blocking flush': {
    before,
    after: { ...before, 'tasks/a': 2 },
    act: (store) => {
      const writing = store.collection('tasks').set('a', 2)
      store.flushSync()
      return writing
    },
  },
  'a set under a lock': {
    before,
    after: { ...before, 'tasks/a': 2 },
    position: (store) => store.lock('held', { ttlMs: lockTtlMs }),
    act: (store, lease) => store.collection('tasks').set('a', 2, { lease: lease as Lock }),
  },
  'giving a lock back': {
    before,
    position: (store) => store.lock('next', { ttlMs: lockTtlMs }),
    act: (_, lock) => (lock as Lock).release(),
  },
  'work under two locks': {
    before,
    answer: ['next', 'other'],
    act: (store) =>
      store.withLock(['other', 'next'], { ttlMs: lockTtlMs }, (_, locks) =>
        locks.map(({ name }) => name),
      ),
  },
  'taking a lock': {
    before,
    act: async (store) => (await store.lock('next', { ttlMs: lockTtlMs })).release(),
  },
  'taking a lock again': {
    before,
    position: async (store) => (await store.lock('next', { ttlMs: lockTtlMs })).release(),
    act: async (store) => (await store.lock('next', { ttlMs: lockTtlMs })).release(),
  },
  closing: {
    before,
    ends: true,
    position: async (store) => {
      await store.collection('tasks').set('a', before['tasks/a'])
      await store.lock('held')
    },
    act: (store) => store.close(),
  },
}
