import { describe, expect, it } from 'vitest'
import type { StateStore, WriteOptions } from '../../src/store/index.js'
import { Computer } from './computer.js'
import { during, type Entry, isEntry, root, Stretch } from './stretch.js'

describe('the order of a durable write', () => {
  it('syncs a new file, shows it, syncs its directory, and the root for a new collection', async () => {
    const stretch = await during((store) => store.collection('tasks').set('a', 1))
    expect(stretch.complaintsAboutShown(`${root}/tasks/a.json`)).toEqual([])
    const created = stretch.indexOfEntry(`${root}/tasks`)
    expect(created).toBeGreaterThanOrEqual(0)
    expect(stretch.indexOfSync(root, created)).toBeGreaterThan(created)
    expect(stretch.indexOfSync(root, created)).toBeLessThan(
      stretch.indexOfEntry(`${root}/tasks/a.json`),
    )
  })

  it.each([
    ['set', 2],
    ['setSync', 3],
    ['update', 4],
  ] as const)('is the same when %s overwrites', async (how, value) => {
    const stretch = await during(
      async (store) => {
        const tasks = store.collection('tasks')
        if (how === 'set') await tasks.set('a', value)
        else if (how === 'setSync') tasks.setSync('a', value)
        else await tasks.update('a', () => value)
      },
      (store) => store.collection('tasks').set('a', 1),
    )
    expect(stretch.complaintsAboutShown(`${root}/tasks/a.json`)).toEqual([])
    expect(stretch.syncs).toHaveLength(2)
  })

  it('syncs the directory after a delete', async () => {
    const stretch = await during(
      (store) => store.collection('tasks').delete('a'),
      (store) => store.collection('tasks').set('a', 1),
    )
    const removed = stretch.indexOfEntry(`${root}/tasks/a.json`, false)
    expect(removed).toBeGreaterThanOrEqual(0)
    expect(stretch.indexOfSync(`${root}/tasks`, removed)).toBeGreaterThan(removed)
  })

  it('commits a transaction by its intent, before and after everything else', async () => {
    const stretch = await during(
      (store) =>
        store.transaction((transaction) => {
          const tasks = store.collection('tasks')
          transaction.set(tasks, 'a', 2)
          transaction.delete(tasks, 'b')
          transaction.set(store.collection('notes'), 'c', 3)
        }),
      async (store) => {
        await store.collection('tasks').set('a', 1)
        await store.collection('tasks').set('b', 1)
      },
    )
    const intent = stretch.events.find(
      (event): event is Entry =>
        isEntry(event) && event.path.startsWith(`${root}/.holdfast/intents/`),
    )
    const path = intent?.path ?? ''
    const shown = [`${root}/tasks/a.json`, `${root}/notes/c.json`]
    expect([path, ...shown].flatMap((each) => stretch.complaintsAboutShown(each))).toEqual([])

    const intents = `${root}/.holdfast/intents`
    const committed = stretch.indexOfSync(intents, stretch.indexOfEntry(path))
    const changes = [
      ...shown.map((each) => stretch.indexOfEntry(each)),
      stretch.indexOfEntry(`${root}/tasks/b.json`, false),
    ]
    expect(Math.min(...changes)).toBeGreaterThan(committed)
    const forgotten = stretch.indexOfEntry(path, false)
    expect(forgotten).toBeGreaterThan(Math.max(...changes))
    for (const directory of [`${root}/tasks`, `${root}/notes`]) {
      const synced = stretch.indexOfSync(directory, Math.max(...changes))
      expect(synced).toBeGreaterThan(0)
      expect(synced).toBeLessThan(forgotten)
    }
    expect(stretch.indexOfSync(intents, forgotten)).toBeGreaterThan(forgotten)
  })

  it('makes a new store durable before it is open', async () => {
    const computer = new Computer()
    const { store } = await computer.open()
    const stretch = new Stretch(computer.disk, 0)
    expect(stretch.complaintsAboutShown(`${root}/.holdfast/store.json`)).toEqual([])
    expect(stretch.complaintsAboutShown(`${root}/.holdfast/store.copy.json`)).toEqual([])
    for (const [path, parent] of [
      [root, '/'],
      [`${root}/.holdfast`, root],
      [`${root}/.holdfast/ceilings`, `${root}/.holdfast`],
      [`${root}/.holdfast/intents`, `${root}/.holdfast`],
    ] as const) {
      const created = stretch.indexOfEntry(path)
      expect(created, path).toBeGreaterThanOrEqual(0)
      expect(stretch.indexOfSync(parent, created), path).toBeGreaterThan(created)
    }
    await store.close()
  })

  it('has a durable ceiling before the first number is used', async () => {
    const stretch = await during((store) => store.collection('tasks').set('a', 1))
    const ceiling = stretch.indexOfEntry(`${root}/.holdfast/ceilings/0000000000016385`)
    const taken = stretch.events.findIndex(
      (event) => isEntry(event) && event.path.endsWith('/write/0000000000000001'),
    )
    const synced = stretch.indexOfSync(`${root}/.holdfast/ceilings`, ceiling)
    expect(synced).toBeGreaterThan(ceiling)
    expect(taken).toBeGreaterThan(synced)
  })
})

describe('a write that need not survive a power cut', () => {
  const relaxed: WriteOptions = { durability: 'process' }
  const fullCycle = async (store: StateStore, options: WriteOptions): Promise<void> => {
    const tasks = store.collection('tasks')
    await tasks.set('b', 1, options)
    await tasks.set('b', 2, options)
    tasks.setSync('b', 3, { durability: 'process' })
    await tasks.delete('b', options)
    await store.collection('fresh').set('b', 1, options)
    await store.transaction((transaction) => {
      transaction.set(tasks, 'x', 1)
      transaction.set(store.collection('fresh'), 'b', 2)
    }, options)
  }

  it('syncs nothing in a store that is relaxed', async () => {
    const stretch = await during(
      (store) => fullCycle(store, {}),
      (store) => store.collection('tasks').set('a', 1),
      { durability: 'process' },
    )
    expect(stretch.syncs).toEqual([])
  })

  it('syncs nothing when it alone is relaxed', async () => {
    const stretch = await during(
      (store) => fullCycle(store, relaxed),
      (store) => store.collection('tasks').set('a', 1),
    )
    expect(stretch.syncs).toEqual([])
  })

  it('syncs, once, the ceiling of the numbers', async () => {
    const stretch = await during((store) => fullCycle(store, {}), undefined, {
      durability: 'process',
    })
    expect(new Set(stretch.syncs.map((path) => path.slice(root.length)))).toEqual(
      new Set(['/.holdfast/ceilings/0000000000016385', '/.holdfast/ceilings']),
    )
    expect(stretch.syncs).toHaveLength(2)
  })

  it('does not keep a durable write of the same moment from being durable', async () => {
    const stretch = await during(
      (store) =>
        Promise.all([
          store.collection('tasks').set('a', 1, relaxed),
          store.collection('notes').set('b', 1, { durability: 'power' }),
        ]),
      undefined,
      { durability: 'process' },
    )
    expect(stretch.complaintsAboutShown(`${root}/notes/b.json`)).toEqual([])
  })

  it('leaves a collection that the next durable write makes durable', async () => {
    const stretch = await during(
      (store) => store.collection('tasks').set('b', 1, { durability: 'power' }),
      (store) => store.collection('tasks').set('a', 1, relaxed),
    )
    expect(stretch.complaintsAboutShown(`${root}/tasks/b.json`)).toEqual([])
    expect(stretch.indexOfSync(root)).toBeGreaterThanOrEqual(0)
  })
})
