import type { FileOperations } from '../../src/file-system/index.js'
import { damage } from './image.js'
import { lockTtlMs, type Operation } from './single-faults.js'

const before = { 'tasks/a': { n: 1 }, 'tasks/b': [1], 'notes/c': 'c' }

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
