import { describe, expect, it } from 'vitest'
import type { FileOperations } from '../../src/file-system/index.js'
import type { StateStore } from '../../src/store/index.js'
import { type Call, watched } from '../faults/operations.js'
import { Computer } from './computer.js'
import { root, Stretch } from './stretch.js'

/** Calls `meanwhile` once, when a call that is not blocking has been asked for but not yet made. */
function interrupting(at: (call: Call) => boolean, meanwhile: () => void, goesOn: boolean) {
  let done = false
  return (operations: FileOperations): FileOperations =>
    watched(operations, (call) => {
      if (done || !at(call)) return call.perform()
      done = true
      meanwhile()
      return goesOn ? call.perform() : undefined
    })
}

const long = 'long '.repeat(20_000)

describe('a blocking write that comes while another write is under way', () => {
  it('makes what had been shown already as durable as it was asked to be', async () => {
    const computer = new Computer()
    let opened: StateStore | undefined
    const alter = interrupting(
      ({ operation, path }) => operation === 'sync' && path === `${root}/tasks`,
      () => opened?.collection('notes').setSync('b', 1),
      false,
    )
    const { store } = await computer.open({ alter })
    opened = store
    const from = computer.disk.moment
    await store.collection('tasks').set('a', 1)
    // The write itself never came to sync its directory.
    const stretch = new Stretch(computer.disk, from)
    expect(stretch.complaintsAboutShown(`${root}/tasks/a.json`)).toEqual([])
    expect(await store.collection('tasks').get('a')).toBe(1)
    expect(await store.collection('notes').get('b')).toBe(1)
    await store.close()
  })

  it.each([
    ['reading what it changes', 'readFile', '/tasks/'],
    ['writing its file', 'write', '/writers/'],
    ['syncing its file', 'sync', '/writers/'],
    ['syncing its directory', 'sync', '/tasks'],
    ['syncing its intent', 'sync', '/intents'],
  ] as const)('completes each once when it is interrupted in %s', async (_, operation, place) => {
    const computer = new Computer()
    let opened: StateStore | undefined
    let interruptions = 0
    const alter = interrupting(
      (call) => opened !== undefined && call.operation === operation && call.path.includes(place),
      () => {
        interruptions += 1
        opened?.collection('notes').setSync('b', 1)
      },
      true,
    )
    const { store } = await computer.open({ alter })
    const tasks = store.collection<{ count: number; text: string }>('tasks')
    await tasks.set('a', { count: 0, text: '' })
    await tasks.set('c', { count: 0, text: '' })
    opened = store
    const count = (key: string): Promise<unknown> =>
      tasks.update(key, ({ count }) => ({ count: count + 1, text: long }))
    const both = store.transaction(async (transaction) => {
      for (const key of ['x', 'y']) transaction.set(tasks, key, { count: 1, text: '' })
    })
    await Promise.all([count('a'), count('a'), count('c'), both])
    opened = undefined
    expect(interruptions).toBe(1)
    const counts = ['a', 'c', 'x', 'y'].map(async (key) => (await tasks.get(key))?.count)
    expect(await Promise.all(counts)).toEqual([2, 1, 1, 1])
    expect(await store.collection('notes').get('b')).toBe(1)
    await store.close()
  })
})
