/** A store with a file of every kind, as a process left it that died in the middle of a transaction. */
import { FileSystemError } from '../../src/errors/index.js'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import type { StateStore } from '../../src/store/index.js'
import { type Image, takeImage } from '../faults/image.js'
import { openStore, refusalOf, type StoreOptions } from '../faults/opened-store.js'
import { overBlocking, watched } from '../faults/operations.js'
import { SimulatedClock } from '../faults/simulated-clock.js'

export interface StoreImage {
  readonly image: Image
  /** Every value that a document has had, oldest first. By collection and key, as JSON. */
  readonly histories: ReadonlyMap<string, readonly unknown[]>
  /** By log and id. */
  readonly events: ReadonlyMap<string, ReadonlyMap<string, unknown>>
}

export const longName = 'Long '.repeat(80)

export const storeOptions = {
  logSegmentBytes: 4096,
  writeTtlMs: 50,
  backups: 3,
} satisfies Partial<StoreOptions>

export const idOf = (collection: string, key: string): string => JSON.stringify([collection, key])

const written: readonly (readonly [collection: string, key: string, values: readonly unknown[]])[] =
  [
    ['docs', 'a', [{ n: 1 }, { n: 2, text: 'two' }, { n: 3, nested: { list: [1, 2, 3] } }]],
    ['docs', 'list', [[1, 'two', null]]],
    ['docs', longName, [{ long: true }]],
    ['notes', 'day', [{ mood: 'calm' }, { mood: 'busy', hours: [9, 17] }]],
    [longName, 'k', [{ in: 'a long collection' }]],
    ['counters', 'plain', [{ value: 3 }]],
  ]

export function inYaml(store: StateStore): StateStore {
  store.collection('notes', { serializer: yamlSerializer() })
  return store
}

export async function makeStoreImage(): Promise<StoreImage> {
  const clock = new SimulatedClock()
  const disk = new MemoryFileSystem({ clock })
  let isOver = false
  // Once its intent is published, it does nothing more.
  const blocking = watched(disk.blocking, ({ args, operation, path, perform }) => {
    if (isOver) throw new FileSystemError('EIO', operation, path)
    const result = perform()
    isOver = operation === 'rename' && String(args[1]).includes('/intents/') && isLast
    return result
  })
  let isLast = false
  const fileSystem = overBlocking(blocking, clock.touch)
  const { store } = await openStore({ ...storeOptions, clock, fileSystem })
  inYaml(store)
  const histories = new Map<string, readonly unknown[]>()
  for (const [collection, key, values] of written) {
    histories.set(idOf(collection, key), values)
    for (const value of values) {
      await store.collection(collection).set(key, value)
      clock.advance(1000)
    }
  }
  const byHand = disk.blocking.open('/store/docs/Notes 1.json', 'create')
  const text = Buffer.from('{ "made": "by hand", "n": [1, 2] }\n')
  disk.blocking.write(byHand, text, 0, text.length, 0)
  disk.blocking.close(byHand)
  histories.set(idOf('docs', 'Notes 1'), [{ made: 'by hand', n: [1, 2] }])
  await store.counters.increment('n', 5, { per: ['day', 'hour'], timeZone: 'Europe/Berlin' })
  await store.health.record('bridge', 'ok', { unread: 5 })
  for (const log of ['sent', longName]) {
    for (let n = 0; n < 50; n++) {
      await store.log(log).append('sent', { n, text: 'x'.repeat(60) }, { agent: 'scout' })
    }
  }
  await (await store.lock('job')).release()
  await store.lock('held', { ttlMs: 50 })
  await store.lock(longName, { ttlMs: 50 })
  for (const key of ['plain', 'n']) {
    histories.set(idOf('counters', key), [await store.collection('counters').get(key)])
  }
  histories.set(idOf('health', 'bridge'), [await store.collection('health').get('bridge')])
  const events = new Map<string, Map<string, unknown>>()
  for (const { log } of await store.logs()) {
    const found = await store.log(log).query().toArray()
    events.set(log, new Map(found.map((event) => [event.id, event])))
  }
  isLast = true
  await refusalOf(
    store.transaction((transaction) => {
      transaction.set(store.collection('docs'), 'a', { n: 4 })
      transaction.set(store.collection('docs'), 'new', { n: 1 })
      transaction.append(store.log('late'), { n: 1 })
    }),
  )
  histories.set(idOf('docs', 'a'), [...(histories.get(idOf('docs', 'a')) ?? []), { n: 4 }])
  histories.set(idOf('docs', 'new'), [undefined, { n: 1 }])
  return { image: takeImage(disk.blocking), histories, events }
}
