import { describe, expect, it } from 'vitest'
import { type FileOperations, MemoryFileSystem } from '../../src/file-system/index.js'
import { openStore, refusalOf } from './opened-store.js'
import { overBlocking, watched } from './operations.js'
import { SimulatedClock } from './simulated-clock.js'

interface Counter {
  readonly count: number
  readonly note?: string
}

const write = (fs: FileOperations, path: string, text: string): void => {
  const bytes = Buffer.from(text)
  const file = fs.open(path, fs.status(path) === undefined ? 'create' : 'update')
  fs.truncate(file, 0)
  fs.write(file, bytes, 0, bytes.byteLength, 0)
  fs.close(file)
}

/** The ways of editors. */
const saving: Readonly<Record<string, (fs: FileOperations, path: string, text: string) => void>> = {
  'in place': write,
  'by rename': (fs, path, text) => {
    write(fs, `${path}~`, text)
    fs.rename(`${path}~`, path)
  },
}

/** A store in whose turn, after it has read and before it shows what it writes, somebody does something. */
async function setUp() {
  const clock = new SimulatedClock()
  const { blocking } = new MemoryFileSystem({ clock })
  let meanwhile: (() => void) | undefined
  const fs = watched(blocking, ({ operation, path, perform }) => {
    const act = meanwhile
    if (act !== undefined && operation === 'sync' && path.includes('/writers/')) {
      meanwhile = undefined
      clock.advance(1)
      act()
    }
    return perform()
  })
  const fileSystem = overBlocking(fs, clock.touch)
  const opened = await openStore({ fileSystem, clock })
  return {
    ...opened,
    disk: blocking,
    counts: opened.store.collection<Counter>('counts'),
    inTurn: (act: () => void) => {
      meanwhile = act
    },
  }
}

const edited = (count: number): string => JSON.stringify({ count, note: 'mine' })
const path = '/store/counts/a.json'

describe.each(Object.entries(saving))(
  'a file that is saved %s while it is being written',
  (_, save) => {
    it('is what an update builds on', async () => {
      const { counts, disk, inTurn, store } = await setUp()
      await counts.set('a', { count: 1 })
      inTurn(() => save(disk, path, edited(10)))
      await counts.update('a', (now) => ({ ...now, count: now.count + 1 }))
      expect(await counts.get('a')).toEqual({ count: 11, note: 'mine' })
      await store.close()
    })

    it('refuses a conditional write and a conditional delete', async () => {
      const { counts, disk, inTurn, store } = await setUp()
      const { revision } = await counts.set('a', { count: 1 })
      inTurn(() => save(disk, path, edited(10)))
      const refused = { code: 'STATE_REVISION_CONFLICT' }
      expect(
        await refusalOf(counts.set('a', { count: 2 }, { ifRevision: revision })),
      ).toMatchObject(refused)
      expect(await refusalOf(counts.delete('a', { ifRevision: revision }))).toMatchObject(refused)
      expect(await counts.get('a')).toEqual({ count: 10, note: 'mine' })
      await store.close()
    })

    it('refuses a write that demands that there be none', async () => {
      const { counts, disk, inTurn, store } = await setUp()
      await counts.set('b', { count: 1 })
      inTurn(() => save(disk, path, edited(10)))
      expect(await refusalOf(counts.set('a', { count: 2 }, { ifRevision: null }))).toMatchObject({
        code: 'STATE_REVISION_CONFLICT',
      })
      expect(await counts.get('a')).toEqual({ count: 10, note: 'mine' })
      await store.close()
    })

    it('makes a transaction begin again', async () => {
      const { counts, disk, inTurn, store } = await setUp()
      await counts.set('a', { count: 1 })
      await counts.set('b', { count: 1 })
      inTurn(() => save(disk, path, edited(10)))
      await store.transaction(async (transaction) => {
        const { count = 0 } = (await transaction.get(counts, 'a')) ?? {}
        transaction.set(counts, 'a', { count: count - 1 })
        transaction.set(counts, 'b', { count: count + 1 })
      })
      expect(await counts.get('a')).toEqual({ count: 9 })
      expect(await counts.get('b')).toEqual({ count: 11 })
      await store.close()
    })

    it('does not hold up the others of the batch', async () => {
      const { counts, disk, inTurn, store } = await setUp()
      await counts.set('a', { count: 1 })
      await counts.set('b', { count: 1 })
      inTurn(() => save(disk, path, edited(10)))
      const add = (key: string): Promise<Counter> =>
        counts.update(key, (now) => ({ ...now, count: now.count + 1 }))
      await Promise.all([add('a'), add('b'), add('a'), add('b')])
      expect(await counts.get('a')).toEqual({ count: 12, note: 'mine' })
      expect(await counts.get('b')).toEqual({ count: 3 })
      await store.close()
    })

    it('is in the backups when it is overwritten unseen', async () => {
      const { counts, disk, inTurn, store } = await setUp()
      await counts.set('a', { count: 1 })
      inTurn(() => save(disk, path, edited(10)))
      await counts.set('a', { count: 2 })
      expect(await counts.get('a')).toEqual({ count: 2 })
      const [backup] = (await counts.backups('a')).slice(-1)
      expect((await counts.readBackup('a', backup?.id ?? '')).value).toEqual({
        count: 10,
        note: 'mine',
      })
      await store.close()
    })

    it('mends a document better than its backup does', async () => {
      const { counts, disk, inTurn, store } = await setUp()
      await counts.set('a', { count: 1 })
      await counts.set('a', { count: 2 })
      write(disk, path, '{ "count": ')
      inTurn(() => save(disk, path, edited(10)))
      expect(await counts.get('a')).toEqual({ count: 10, note: 'mine' })
      await store.close()
    })
  },
)
