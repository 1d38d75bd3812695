import { afterEach, describe, expect, it } from 'vitest'
import {
  type FileSystemReason,
  isStateStoreError,
  type StateStoreError,
} from '../../src/errors/index.js'
import type { FileSystem } from '../../src/file-system/index.js'
import { type OpenOptions, openStateStore, type StateStore } from '../../src/store/index.js'
import { alteredFileSystem, refusing } from '../atomic-write/altered-file-system.js'
import { rounds } from '../support/campaign.js'
import { memoryDisk, mountedDisk, type SmallDisk } from './small-disks.js'

const diskKibibytes = 3072

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function opened(
  fileSystem: FileSystem,
  directory: string,
  options: OpenOptions = {},
): Promise<StateStore> {
  const store = await openStateStore(directory, { fileSystem, ...options })
  // On a full disk nothing can be promised of closing.
  open.push(() => store.close().catch(() => undefined))
  return store
}

/** What the promise is rejected with. */
async function failureOf(work: () => unknown): Promise<StateStoreError> {
  try {
    await work()
  } catch (error) {
    if (!isStateStoreError(error)) throw error
    return error
  }
  throw new Error('It did not fail')
}

const large = (letter: string): string => letter.repeat(100_000)
const documents = (store: StateStore) => store.collection<string>('docs')
const events = (store: StateStore, name = 'x') => store.log<string>(name)

function filesBelow(fileSystem: FileSystem, path: string): string[] {
  return fileSystem.blocking.readDirectory(path).flatMap(({ name, kind }) => {
    const entry = `${path}/${name}`
    return kind === 'directory' ? filesBelow(fileSystem, entry) : [entry]
  })
}

/** Whatever is neither a document nor part of the layout. */
function leftovers({ fileSystem, directory }: SmallDisk): string[] {
  const isStaged = (path: string): boolean => /\/writers\/[^/]+\/|\/draft-/.test(path)
  return filesBelow(fileSystem, directory).filter(isStaged)
}

/** All documents and logs, as somebody sees them who opens the store now. */
async function reread({ fileSystem, directory }: SmallDisk): Promise<Record<string, string>> {
  const store = await openStateStore(directory, { fileSystem, readOnly: true })
  const values: Record<string, string> = {}
  for await (const { key, value } of documents(store).entries()) values[key] = value
  for (const { log } of await store.logs()) {
    const texts = (await events(store, log).query().toArray()).map(({ data }) => data)
    if (texts.length > 0) values[`log:${log}`] = texts.join(', ')
  }
  await store.close()
  return values
}

/** Adds documents until that fails, first large ones, then small ones. */
async function fillUp(store: StateStore): Promise<StateStoreError> {
  let failure: StateStoreError | undefined
  for (const size of [100_000, 10_000, 1_000]) {
    for (let index = 0; ; index++) {
      try {
        await documents(store).set(`filler-${size}-${index}`, 'f'.repeat(size))
      } catch (error) {
        if (!isStateStoreError(error, 'STATE_IO')) throw error
        failure = error
        break
      }
    }
  }
  if (failure === undefined) throw new Error('The disk took everything')
  return failure
}

const full = { code: 'STATE_IO', reason: 'DiskFull', commitState: 'not-committed', retryable: true }

const mounted = mountedDisk(64)
mounted?.dispose()
const kinds: [string, () => SmallDisk][] = [['memory', () => memoryDisk(diskKibibytes)]]
if (mounted !== undefined) {
  kinds.push([
    'tmpfs',
    () => {
      const disk = mountedDisk(diskKibibytes)
      if (disk === undefined) throw new Error('A tmpfs could be mounted a moment ago')
      return disk
    },
  ])
}
console.log(`full disks: ${kinds.map(([name]) => name).join(', ')}`)

describe.each(kinds)('a full disk (%s)', (_name, create) => {
  function prepare(): SmallDisk {
    const disk = create()
    open.push(() => disk.dispose())
    return disk
  }

  async function filled(options: OpenOptions = {}): Promise<[SmallDisk, StateStore]> {
    const disk = prepare()
    const store = await opened(disk.fileSystem, disk.directory, options)
    await documents(store).set('old', 'old value')
    await documents(store).set('other', 'other value')
    await events(store).append('sent', 'old event')
    expect(await fillUp(store)).toMatchObject(full)
    return [disk, store]
  }

  const failing: readonly [string, (store: StateStore) => unknown][] = [
    ['set', (store) => documents(store).set('old', large('n'))],
    ['set of a new document', (store) => documents(store).set('new', large('n'))],
    ['update', (store) => documents(store).update('old', () => large('n'))],
    ['setSync', (store) => documents(store).setSync('old', large('n'))],
    [
      'transaction',
      (store) =>
        store.transaction((transaction) => {
          transaction.set(documents(store), 'old', large('n'))
          transaction.set(documents(store), 'other', large('n'))
        }),
    ],
    ['append', (store) => events(store).append('sent', large('n'))],
    ['append to a new log', (store) => events(store, 'new').append('sent', large('n'))],
    ['appendSync', (store) => events(store).appendSync('sent', large('n'))],
    [
      'transaction with events',
      (store) =>
        store.transaction((transaction) => {
          transaction.set(documents(store), 'old', 'new value')
          transaction.append(events(store), 'sent', large('n'))
          transaction.append(events(store, 'new'), 'sent', large('n'))
        }),
    ],
  ]
  it.each(failing)('fails %s with the old values intact', async (_operation, work) => {
    const [disk, store] = await filled()
    disk.fill()
    const before = await reread(disk)
    expect(before.old).toBe('old value')
    expect(await failureOf(() => work(store))).toMatchObject(full)
    expect(await reread(disk)).toEqual(before)
    expect(leftovers(disk)).toEqual([])
    expect(await documents(store).get('old')).toBe('old value')
    expect(await documents(store).get('other')).toBe('other value')
    // Nor later, when it would fit.
    disk.empty()
    await documents(store).set('after', 'goes on')
    expect(await reread(disk)).toEqual({ ...before, after: 'goes on' })
    await work(store)
    expect(await documents(store).list()).toContain('after')
    expect(leftovers(disk)).toEqual([])
  })

  it('fails lock, and gives the lock once there is room', async () => {
    const [disk, store] = await filled()
    const failure = await failureOf(async () => {
      for (let index = 0; index < 10_000; index++) {
        disk.fill()
        await store.lock(`name-${index}`, { waitMs: 0 })
      }
    })
    expect(failure).toMatchObject(full)
    expect(leftovers(disk)).toEqual([])
    disk.empty()
    const lock = await store.lock('name', { waitMs: 0 })
    await documents(store).set('old', 'under the lock', { lease: lock })
    await lock.release()
    expect((await reread(disk)).old).toBe('under the lock')
  })

  it('gives no lock a holder that does not exist', async () => {
    const [disk, store] = await filled()
    const early = await store.lock('early').catch(() => undefined)
    await early?.release()
    disk.fill()
    const taken = await store.lock('early', { waitMs: 0 }).catch((error: unknown) => error)
    if (isStateStoreError(taken)) expect(taken).toMatchObject(full)
    disk.empty()
    if (taken instanceof Error) await (await store.lock('early', { waitMs: 0 })).release()
    expect((await store.locks()).filter(({ name }) => name !== 'early')).toEqual([])
  })

  it('opens on a full disk, by the reserve, to read and to delete', async () => {
    const [disk, store] = await filled()
    await documents(store).delete('filler-1000-0')
    disk.empty()
    await documents(store).set('makes', 'room for the reserve')
    await store.close()
    disk.fill()
    const later = await opened(disk.fileSystem, disk.directory)
    expect(await documents(later).get('old')).toBe('old value')
    expect(await failureOf(() => documents(later).set('old', large('n')))).toMatchObject(full)
    expect(await documents(later).delete('old')).toBe(true)
    expect(await reread(disk)).not.toHaveProperty('old')
    expect(leftovers(disk)).toEqual([])
  })

  it('fails to open with the same error where not even the reserve is left', async () => {
    const [disk, store] = await filled()
    await store.close()
    const reserve = `${disk.directory}/.holdfast/reserve`
    const fs = disk.fileSystem.blocking
    if (fs.status(reserve) !== undefined) fs.unlink(reserve)
    disk.fill()
    const before = await reread(disk)
    for (let tries = 0; tries < 3; tries++) {
      expect(await failureOf(() => opened(disk.fileSystem, disk.directory))).toMatchObject(full)
    }
    expect(await reread(disk)).toEqual(before)
    disk.empty()
    const later = await opened(disk.fileSystem, disk.directory)
    await documents(later).set('old', 'new value')
    expect(await reread(disk)).toEqual({ ...before, old: 'new value' })
    expect(leftovers(disk)).toEqual([])
  })

  it('fails to create a store, and can when there is room', async () => {
    const disk = prepare()
    disk.fill()
    for (let tries = 0; tries < 3; tries++) {
      expect(await failureOf(() => opened(disk.fileSystem, disk.directory))).toMatchObject(full)
    }
    disk.empty()
    const store = await opened(disk.fileSystem, disk.directory)
    await documents(store).set('first', 'value')
    expect(await reread(disk)).toEqual({ first: 'value' })
    expect(leftovers(disk)).toEqual([])
  })

  it('deletes every document, and the space can be used again', async () => {
    const [disk, store] = await filled({ backups: false })
    disk.fill()
    for (const key of await documents(store).list()) {
      if (key.startsWith('filler')) expect(await documents(store).delete(key)).toBe(true)
    }
    expect(await reread(disk)).toEqual({
      old: 'old value',
      other: 'other value',
      'log:x': 'old event',
    })
    expect(leftovers(disk)).toEqual([])
    for (let index = 0; index < 10; index++) await documents(store).set(`${index}`, large('n'))
    expect(await documents(store).list()).toHaveLength(12)
  })

  it('deletes although no backup can be kept, and says so', async () => {
    const [disk, store] = await filled()
    const skipped: unknown[] = []
    store.on('backup:skipped', (detail) => skipped.push(detail))
    let deleted = 0
    for (const key of await documents(store).list()) {
      disk.fill()
      expect(await documents(store).delete(key)).toBe(true)
      deleted += 1
    }
    expect(deleted).toBeGreaterThan(10)
    expect(await reread(disk)).toEqual({ 'log:x': 'old event' })
    if (_name === 'memory') expect(skipped.length).toBeGreaterThan(0)
  })
})

describe('a disk with little room', () => {
  const steps = rounds(48, 480)
  const most = 96_000

  const operations: readonly [string, (store: StateStore) => unknown, readonly string[]][] = [
    ['set', (store) => documents(store).set('a', 'n'.repeat(9_000)), ['a']],
    ['update', (store) => documents(store).update('a', () => 'n'.repeat(9_000)), ['a']],
    ['setSync', (store) => documents(store).setSync('a', 'n'.repeat(9_000)), ['a']],
    [
      'transaction',
      (store) =>
        store.transaction((transaction) => {
          for (const key of ['a', 'b', 'c'])
            transaction.set(documents(store), key, 'n'.repeat(9_000))
        }),
      ['a', 'b', 'c'],
    ],
    ['delete', (store) => documents(store).delete('a'), ['a']],
    [
      'deletes together',
      (store) =>
        store.transaction((transaction) => {
          for (const key of ['a', 'b']) transaction.delete(documents(store), key)
        }),
      ['a', 'b'],
    ],
    ['append', (store) => events(store).append('sent', 'n'.repeat(9_000)), ['log:x']],
    ['appendSync', (store) => events(store).appendSync('sent', 'n'.repeat(9_000)), ['log:x']],
    [
      'transaction with events',
      (store) =>
        store.transaction((transaction) => {
          transaction.set(documents(store), 'a', 'n'.repeat(9_000))
          for (const log of ['x', 'y']) {
            transaction.append(events(store, log), 'sent', 'n'.repeat(9_000))
          }
        }),
      ['a', 'log:x', 'log:y'],
    ],
  ]

  /** The state after the operation on a disk with `room` bytes, judged by who opens it afterwards. */
  async function judge(
    work: (store: StateStore) => unknown,
    keys: readonly string[],
    room: number,
  ): Promise<string> {
    const disk = memoryDisk(diskKibibytes)
    const store = await opened(disk.fileSystem, disk.directory)
    const fs = disk.fileSystem.blocking
    for (const key of ['a', 'b', 'c']) await documents(store).set(key, `old ${key}`)
    await documents(store).set('spare', 'to be deleted')
    await events(store).append('sent', 'old event')
    // With its reserve a store would not notice.
    fs.unlink(`${disk.directory}/.holdfast/reserve`)
    const before = await reread(disk)
    disk.fileSystem.setCapacity(disk.fileSystem.usedBytes + room)
    const outcome = await Promise.resolve()
      .then(() => work(store))
      .then(
        () => 'done' as const,
        (error: unknown) => {
          expect(error).toMatchObject({ code: 'STATE_IO', reason: 'DiskFull' })
          return (error as StateStoreError).commitState
        },
      )
    const context = `${room} bytes of room, ${outcome}`
    expect(leftovers(disk), context).toEqual([])
    if (outcome === 'not-committed') expect(await reread(disk), context).toEqual(before)
    // Whatever became of it, it is not in the way of winning space back.
    disk.fill()
    expect(await documents(store).delete('spare'), context).toBe(true)
    disk.fileSystem.setCapacity(undefined)
    await (await opened(disk.fileSystem, disk.directory)).close()
    const after = await reread(disk)
    const changed = keys.filter((key) => after[key] !== before[key])
    if (outcome === 'committed' || outcome === 'done') expect(changed, context).toEqual(keys)
    else if (outcome === 'not-committed') expect(changed, context).toEqual([])
    else expect([0, keys.length], context).toContain(changed.length)
    await documents(store).set('a', 'goes on')
    expect((await reread(disk)).a, context).toBe('goes on')
    return outcome
  }

  it.each(operations)('tells the truth about %s', async (name, work, keys) => {
    const tally = new Map<string, number>()
    for (let step = 0; step < steps; step++) {
      const outcome = await judge(work, keys, Math.floor((step * most) / steps))
      tally.set(outcome, (tally.get(outcome) ?? 0) + 1)
    }
    console.log(`${name}: ${JSON.stringify(Object.fromEntries(tally))}`)
    if (name === 'delete') expect([...tally.keys()]).toEqual(['done'])
    else if (name !== 'deletes together') expect(tally.size).toBeGreaterThan(1)
  })
})

describe('other refusals of the disk', () => {
  const refusals: readonly [string, FileSystemReason][] = [
    ['EDQUOT', 'QuotaExceeded'],
    ['EROFS', 'ReadOnlyFileSystem'],
    ['EACCES', 'PermissionDenied'],
    ['EMFILE', 'TooManyOpenFiles'],
    ['ENFILE', 'TooManyOpenFiles'],
    ['ENOSPC', 'DiskFull'],
  ]

  const works: readonly [string, (store: StateStore) => unknown][] = [
    ['set', (store) => documents(store).set('old', 'new value')],
    ['update', (store) => documents(store).update('old', () => 'new value')],
    ['setSync', (store) => documents(store).setSync('old', 'new value')],
    [
      'transaction',
      (store) =>
        store.transaction((transaction) => {
          transaction.set(documents(store), 'old', 'new value')
          transaction.set(documents(store), 'other', 'new value')
        }),
    ],
    ['lock', (store) => store.lock('name', { waitMs: 0 })],
  ]

  it.each(refusals)('%s is told as %s', async (errno, reason) => {
    for (const [name, work] of works) {
      const disk = memoryDisk(diskKibibytes)
      let isRefusing = false
      const creates = ['create']
      const fileSystem = alteredFileSystem(
        disk.fileSystem,
        refusing(errno, ({ operation, args }) => {
          if (!isRefusing) return false
          return operation === 'open' && creates.includes(String(args[1]))
        }),
      )
      const store = await opened(fileSystem, disk.directory)
      await documents(store).set('old', 'old value')
      await documents(store).set('other', 'other value')
      const before = await reread(disk)
      isRefusing = true
      const expected = { code: 'STATE_IO', reason, errno, commitState: 'not-committed' }
      expect(await failureOf(() => work(store)), name).toMatchObject(expected)
      expect(await reread(disk), name).toEqual(before)
      expect(leftovers(disk), name).toEqual([])
      isRefusing = false
      await work(store)
      if (name === 'lock') continue
      expect(await reread(disk), name).toMatchObject({ old: 'new value' })
    }
  })

  it.each(refusals)('%s while a store is opened is told as %s', async (errno, reason) => {
    const disk = memoryDisk(diskKibibytes)
    const created = refusing(
      errno,
      ({ operation, args }) => operation === 'open' && args[1] === 'create',
    )
    const fileSystem = alteredFileSystem(disk.fileSystem, created)
    const expected = { code: 'STATE_IO', reason, errno, commitState: 'not-committed' }
    expect(await failureOf(() => opened(fileSystem, disk.directory))).toMatchObject(expected)
    const store = await opened(disk.fileSystem, disk.directory)
    await documents(store).set('first', 'value')
    expect(await failureOf(() => opened(fileSystem, disk.directory))).toMatchObject(expected)
    expect(await reread(disk)).toEqual({ first: 'value' })
  })
})
