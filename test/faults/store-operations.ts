import type { FileOperations } from '../../src/file-system/index.js'
import { damage } from './image.js'
import { lockTtlMs, type Operation } from './single-faults.js'

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

/** What a store does, each with what it leaves. */
export const operations: Readonly<Record<string, Operation>> = {
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
    act: (store) => store.collection('tasks').delete('a'),
  },
  'an update': {
    before,
    after: { ...before, 'tasks/a': { n: 2 } },
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
    after: before,
    prepare: damageFirst,
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
  'taking a lock': {
    before,
    after: before,
    act: async (store) => (await store.lock('next', { ttlMs: lockTtlMs })).release(),
  },
  'taking a lock again': {
    before,
    after: before,
    position: async (store) => (await store.lock('next', { ttlMs: lockTtlMs })).release(),
    act: async (store) => (await store.lock('next', { ttlMs: lockTtlMs })).release(),
  },
  closing: {
    before,
    after: before,
    ends: true,
    position: async (store) => {
      await store.collection('tasks').set('a', before['tasks/a'])
      await store.lock('held')
    },
    act: (store) => store.close(),
  },
}
