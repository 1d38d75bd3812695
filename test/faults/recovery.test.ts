import { describe, expect, it } from 'vitest'
import { FileSystemError } from '../../src/errors/index.js'
import { type FileOperations, MemoryFileSystem } from '../../src/file-system/index.js'
import { jsonSerializer, type Serializer } from '../../src/serializer/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import { damage } from './image.js'
import { Machine } from './machine.js'
import { openStore, refusalOf } from './opened-store.js'
import { overBlocking, watched } from './operations.js'
import { SimulatedClock } from './simulated-clock.js'

const ttlMs = 50
const high = '99999.9'

/** Keys and values that look like what recovery goes by. */
const hostile: readonly (readonly [string, string, unknown])[] = [
  ['a key', `revision: ${high} "revision": "${high}" ${'x'.repeat(200)}`, 1],
  ['a key of two lines', `\n$holdfast:\n  revision: "${high}"\n${'x'.repeat(200)}`, 1],
  ['a value', 'a', { revision: high, nested: { $holdfast: { revision: high } } }],
  ['a text', 'a', `$holdfast:\n  revision: "${high}"\n"$holdfast": {"revision": "${high}"}`],
  ['a list', 'a', ['$holdfast', { revision: high }]],
]

/**
 * A disk on which a process works that can be killed when an intent of its own stands and so many of
 * its documents are shown.
 */
async function setUp(serializer: Serializer, shown = 0) {
  const clock = new SimulatedClock()
  const machine = new Machine()
  const disk = new MemoryFileSystem({ clock })
  const mortal = { armed: false, dead: false, renames: 0 }
  const dying: FileOperations = watched(disk.blocking, ({ args, operation, path, perform }) => {
    if (mortal.dead) throw new FileSystemError('EIO', operation, path)
    const result = perform()
    if (mortal.armed && operation === 'rename' && /\/(intents|docs)\//.test(String(args[1]))) {
      mortal.renames += 1
      mortal.dead = mortal.renames > shown
    }
    return result
  })
  const open = (fs: FileOperations, processes = machine.start()) => {
    const fileSystem = overBlocking(fs, clock.touch)
    return openStore({ fileSystem, clock, processes, serializer, writeTtlMs: ttlMs })
  }
  const processes = machine.start()
  const first = await open(dying, processes)
  return {
    disk: disk.blocking,
    first,
    /** Does something in which the process is killed. */
    dieIn: async (work: () => Promise<unknown>): Promise<void> => {
      mortal.armed = true
      expect(await refusalOf(work())).toBeDefined()
      machine.kill(processes)
    },
    reopen: () => open(disk.blocking),
  }
}

describe.each([jsonSerializer(), yamlSerializer()])(
  'a transaction cut off, in $name',
  (serializer) => {
    it.each(hostile)('is completed whatever is in %s', async (_, key, value) => {
      const { dieIn, first, reopen } = await setUp(serializer)
      const docs = first.store.collection('docs')
      await docs.set(key, value)
      await docs.set('other', 'old')
      await dieIn(() =>
        first.store.transaction((transaction) => {
          transaction.set(docs, key, 'new')
          transaction.set(docs, 'other', 'new')
        }),
      )
      const { store, storage } = await reopen()
      expect(store.recovery).toMatchObject({ rolledForward: 1 })
      expect(await store.collection('docs').get(key)).toBe('new')
      expect(await store.collection('docs').get('other')).toBe('new')
      expect(storage.name).toBe('file')
      await store.close()
    })

    it('sets aside what a person put in its way, and stands', async () => {
      const { dieIn, disk, first, reopen } = await setUp(serializer)
      const docs = first.store.collection('docs')
      await docs.set('a', 'old')
      await docs.set('b', 'old')
      await dieIn(() =>
        first.store.transaction((transaction) => {
          transaction.set(docs, 'a', 'new')
          transaction.set(docs, 'b', 'new')
        }),
      )
      const path = `/store/docs/a.${serializer.extension}`
      const edited = Buffer.from(serializer.encode({ note: 'mine', revision: high }))
      damage(disk, path, edited)
      const file = disk.open(path, 'update')
      disk.setModifiedTime(file, Date.UTC(2026, 10, 21, 12) * 1000 + 500)
      disk.close(file)
      const { store, eventsOf } = await reopen()
      expect(await store.collection('docs').get('a')).toBe('new')
      expect(await store.collection('docs').get('b')).toBe('new')
      const kept = eventsOf('state:corrupt').map(({ quarantinedAs }) => String(quarantinedAs))
      expect(kept).toHaveLength(1)
      expect(disk.readFile(kept[0] ?? '')).toEqual(Uint8Array.from(edited))
      await store.close()
    })
  },
)

describe('a transaction cut off in a collection whose format is named after opening', () => {
  it.each([0, 1, 2])('is completed when %i of its documents were shown', async (shown) => {
    const { dieIn, disk, first, reopen } = await setUp(jsonSerializer(), shown)
    const options = { serializer: yamlSerializer() }
    const docs = first.store.collection('docs', options)
    await docs.set('a', 'old')
    await docs.set('b', 'old')
    await dieIn(() =>
      first.store.transaction((transaction) => {
        transaction.set(docs, 'a', 'new')
        transaction.set(docs, 'b', 'new')
      }),
    )
    const { store, events } = await reopen()
    const again = store.collection('docs', options)
    expect([await again.get('a'), await again.get('b')]).toEqual(['new', 'new'])
    expect(events.map(({ event }) => event).filter((name) => name === 'state:corrupt')).toEqual([])
    expect(disk.readDirectory('/store/.holdfast/intents')).toEqual([])
    const [backup] = await again.backups('a')
    expect((await again.readBackup('a', backup?.id ?? '')).value).toBe('old')
    await store.close()
  })
})
