import { describe, expect, it } from 'vitest'
import {
  type FileOperations,
  type FileSystem,
  MemoryFileSystem,
  NodeFileSystem,
} from '../../src/file-system/index.js'
import { type Fault, FaultInjectingFileSystem, ManualClock } from '../../src/testing/index.js'
import { scratchDirectory } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'

const bytes = (text: string): Uint8Array => Buffer.from(text)

function put(fs: FileOperations, path: string, text: string): void {
  const file = fs.open(path, 'create')
  fs.write(file, bytes(text), 0, text.length, 0)
  fs.sync(file)
  fs.close(file)
}

const textOf = (fs: FileOperations, path: string): string =>
  Buffer.from(fs.readFile(path)).toString()

function faulty(...faults: Fault[]) {
  const inner = new MemoryFileSystem()
  put(inner.blocking, '/old', 'content')
  const clock = new ManualClock()
  const disk = new FaultInjectingFileSystem(inner, { clock })
  disk.inject(...faults)
  return { clock, disk, fs: disk.blocking, inner: inner.blocking }
}

/** What the call failed with, `fine` if it did not. */
async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return 'fine'
  } catch (error) {
    const { code, errno } = error as { code: string; errno?: string }
    return errno ?? code
  }
}

describe('the plan', () => {
  const calls = async ({ disk }: ReturnType<typeof faulty>): Promise<unknown[]> => [
    await outcomeOf(() => disk.blocking.status('/old')),
    await outcomeOf(() => disk.readFile('/old')),
    await outcomeOf(() => disk.status('/none')),
    await outcomeOf(() => disk.blocking.readFile('/old')),
    await outcomeOf(() => disk.blocking.rename('/old', '/new')),
    await outcomeOf(() => disk.readFile('/new')),
  ]
  const fine = 'fine'

  it.each<[string, Fault[], unknown[]]>([
    ['nothing', [], [fine, fine, fine, fine, fine, fine]],
    ['the third of all', [{ nth: 3, errno: 'EIO' }], [fine, fine, 'EIO', fine, fine, fine]],
    [
      'the second of a kind, whichever the form',
      [{ operation: 'readFile', nth: 2, errno: 'EMFILE' }],
      [fine, fine, fine, 'EMFILE', fine, fine],
    ],
    [
      'a path, where a rename leads too',
      [{ path: /new$/, errno: 'EROFS' }],
      [fine, fine, fine, fine, 'EROFS', 'ENOENT'],
    ],
    [
      'two of them, the later counted with the earlier',
      [
        { nth: 2, errno: 'EIO' },
        { nth: 4, errno: 'EACCES' },
      ],
      [fine, 'EIO', fine, 'EACCES', fine, fine],
    ],
    [
      'the first that fits one call',
      [
        { nth: 2, errno: 'EIO' },
        { operation: 'readFile', errno: 'EACCES' },
      ],
      [fine, 'EIO', fine, fine, fine, fine],
    ],
    [
      'an operation from then on',
      [{ nth: 2, errno: 'EIO', persists: 'operation' }],
      [fine, 'EIO', fine, 'EIO', fine, 'EIO'],
    ],
    [
      'an operation from then on, on a path',
      [{ path: /old$/, nth: 2, errno: 'EIO', persists: 'operation' }],
      [fine, 'EIO', fine, 'EIO', fine, fine],
    ],
    [
      'everything from then on',
      [{ nth: 4, errno: 'EIO', persists: 'everything' }],
      [fine, fine, fine, 'EIO', 'EIO', 'EIO'],
    ],
  ])('strikes %s', async (_, faults, expected) => {
    const bench = faulty(...faults)
    expect(await calls(bench)).toEqual(expected)
    const struck = expected.flatMap((each, index) =>
      each === fine || each === 'ENOENT' ? [] : [index + 1],
    )
    expect(bench.disk.struck.map(({ number }) => number)).toEqual(struck)
  })

  it('is replaced by the next, which counts anew', async () => {
    const { disk, fs } = faulty({ nth: 2, errno: 'EIO' })
    fs.status('/old')
    disk.inject({ nth: 2, errno: 'EACCES' })
    fs.status('/old')
    expect(await outcomeOf(() => fs.status('/old'))).toBe('EACCES')
    disk.inject()
    expect(disk.struck).toEqual([])
    expect(await outcomeOf(() => fs.status('/old'))).toBe('fine')
  })

  it('refuses what cannot be', async () => {
    const { disk, fs } = faulty()
    const impossible: Fault[] = [
      { nth: 0, errno: 'EIO' },
      { nth: 1.5, errno: 'EIO' },
      { operation: 'rename', atMostBytes: 1 },
      { operation: 'write', losesWrites: true },
    ]
    for (const fault of impossible) {
      expect(await outcomeOf(() => disk.inject(fault))).toBe('STATE_INVALID_OPTION')
    }
    disk.inject({ losesWrites: true })
    expect(await outcomeOf(() => fs.status('/old'))).toBe('STATE_INVALID_OPTION')
  })

  it('does not let anybody go on for ever', async () => {
    const disk = new FaultInjectingFileSystem(new MemoryFileSystem(), { maxCalls: 3 })
    for (let count = 0; count < 3; count++) disk.blocking.status('/none')
    expect(disk.endless).toBeUndefined()
    expect(await outcomeOf(() => disk.readLink('/none'))).toBe('STATE_UNSUPPORTED')
    expect(disk.endless).toMatchObject({ operation: 'readLink', path: '/none', number: 4 })
  })
})

describe('what is told', () => {
  it('is each call, with its paths', async () => {
    const { disk, fs } = faulty()
    const file = await disk.open('/old', 'update')
    fs.truncate(file, 3)
    fs.close(file)
    fs.rename('/old', '/new')
    expect(disk.calls).toEqual([
      { number: 1, operation: 'open', path: '/old', form: 'promised' },
      { number: 2, operation: 'truncate', path: '/old', form: 'blocking' },
      { number: 3, operation: 'close', path: '/old', form: 'blocking' },
      { number: 4, operation: 'rename', path: '/old', to: '/new', form: 'blocking' },
    ])
  })

  it('is which descriptors are open', async () => {
    const { disk, fs } = faulty({ operation: 'open', nth: 3, errno: 'EMFILE' })
    const first = fs.open('/old', 'read')
    const second = await disk.open('/old', 'update')
    expect(await outcomeOf(() => fs.open('/old', 'read'))).toBe('EMFILE')
    expect(disk.openFiles).toEqual(['/old', '/old'])
    fs.close(first)
    disk.inject({ operation: 'close', errno: 'EIO' })
    // The descriptor is gone all the same.
    expect(await outcomeOf(() => fs.close(second))).toBe('EIO')
    expect(disk.openFiles).toEqual([])
    expect(await outcomeOf(() => fs.statusOf(second))).toBe('EBADF')
  })

  it.each<Fault>([{ errno: 'EIO' }, { losesWrites: true }])(
    'is who syncs again after %o',
    async (mishap) => {
      const { disk, fs } = faulty({ operation: 'sync', ...mishap })
      const failed = fs.open('/old', 'update')
      const other = fs.open('/old', 'update')
      expect(await outcomeOf(() => fs.sync(failed))).toBe('EIO')
      fs.sync(other)
      expect(disk.syncedAgain).toEqual([])
      await disk.sync(failed)
      expect(disk.syncedAgain).toEqual(['/old'])
      fs.close(failed)
      fs.sync(fs.open('/old', 'update'))
      expect(disk.syncedAgain).toEqual(['/old'])
    },
  )

  it('is who syncs again after the file system itself has failed', async () => {
    const failing = new FaultInjectingFileSystem(new MemoryFileSystem())
    put(failing.blocking, '/old', 'content')
    failing.inject({ operation: 'sync', errno: 'EIO' })
    const disk = new FaultInjectingFileSystem(failing)
    const file = await disk.open('/old', 'update')
    expect(await outcomeOf(() => disk.sync(file))).toBe('EIO')
    await disk.sync(file)
    expect(disk.syncedAgain).toEqual(['/old'])
  })
})

describe('a call that goes wrong', () => {
  it('is not made', async () => {
    const { fs, inner } = faulty({ operation: 'unlink', errno: 'EBUSY' })
    expect(await outcomeOf(() => fs.unlink('/old'))).toBe('EBUSY')
    expect(textOf(inner, '/old')).toBe('content')
  })

  it('fails with the reason of its errno', () => {
    const { fs } = faulty({ errno: 'ENOSPC' })
    expect(() => fs.makeDirectory('/new', 0o700)).toThrowError(
      expect.objectContaining({
        code: 'STATE_IO',
        reason: 'DiskFull',
        operation: 'makeDirectory',
        path: '/new',
      }),
    )
  })

  it('takes and gives fewer bytes', async () => {
    const { disk, fs, inner } = faulty()
    const file = fs.open('/old', 'update')
    const buffer = new Uint8Array(7)
    disk.inject({ operation: 'read', atMostBytes: 2 }, { operation: 'write', atMostBytes: 3 })
    expect(await disk.read(file, buffer, 0, 7, 0)).toBe(2)
    expect(await disk.read(file, buffer, 0, 7, 0)).toBe(7)
    expect(fs.write(file, bytes('CHANGED'), 0, 7, 0)).toBe(3)
    expect(textOf(inner, '/old')).toBe('CHAtent')
    disk.inject({ operation: 'write', atMostBytes: 0 })
    expect(fs.write(file, bytes('CHANGED'), 0, 7, 0)).toBe(0)
    expect(textOf(inner, '/old')).toBe('CHAtent')
    expect(disk.struck).toHaveLength(1)
  })

  it('is late by the clock that was given', async () => {
    const { clock, disk, fs } = faulty({
      operation: 'readFile',
      delayMs: 50,
      persists: 'operation',
    })
    let read = false
    const reading = disk.readFile('/old').then(() => {
      read = true
    })
    clock.advance(49)
    await new Promise((resolve) => setImmediate(resolve))
    expect(read).toBe(false)
    clock.advance(1)
    await reading
    fs.readFile('/old')
    expect(clock.monotonicMs()).toBe(100)
  })

  it('hangs until it is released, and is made then', async () => {
    const { disk, inner } = faulty({ operation: 'rename', hangs: true })
    const renaming = disk.rename('/old', '/new')
    await disk.status('/old')
    expect(disk.hanging).toMatchObject([{ operation: 'rename', path: '/old' }])
    expect(inner.status('/new')).toBeUndefined()
    disk.inject()
    expect(disk.hanging).toHaveLength(1)
    disk.release()
    await renaming
    expect(disk.hanging).toEqual([])
    expect(textOf(inner, '/new')).toBe('content')
  })

  it('cannot hang where it would block the thread', async () => {
    const { fs } = faulty({ operation: 'rename', hangs: true })
    expect(await outcomeOf(() => fs.rename('/old', '/new'))).toBe('STATE_UNSUPPORTED')
  })
})

const disks: readonly [string, () => { readonly inner: FileSystem; readonly root: string }][] = [
  ['in memory', () => ({ inner: new MemoryFileSystem(), root: '' })],
  ['that is real', () => ({ inner: new NodeFileSystem(), root: scratchDirectory() })],
]

describe.each(disks)('a sync that loses writes on a disk %s', (_, make) => {
  function losing() {
    const { inner, root } = make()
    const path = `${root}/file`
    put(inner.blocking, path, 'content')
    const disk = new FaultInjectingFileSystem(inner)
    const fs = disk.blocking
    const write = (file: number, text: string, position: number): void => {
      expect(fs.write(file, bytes(text), 0, text.length, position)).toBe(text.length)
    }
    const lose = async (file: number): Promise<void> => {
      disk.inject({ operation: 'sync', losesWrites: true })
      expect(await outcomeOf(() => disk.sync(file))).toBe('EIO')
      expect(disk.struck).toHaveLength(1)
    }
    return { disk, fs, lose, path, text: () => textOf(inner.blocking, path), write }
  }

  it('drops what was written and cut since the last, whichever descriptor did it', async () => {
    const { fs, lose, path, text, write } = losing()
    const file = fs.open(path, 'update')
    const other = fs.open(path, 'update')
    write(file, 'synced, ', 3)
    fs.sync(file)
    expect(text()).toBe('consynced, ')
    write(file, 'CON', 0)
    write(other, 'and more', 20)
    fs.truncate(other, 6)
    fs.truncate(file, 9)
    write(file, 'xyz', 8)
    await lose(file)
    expect(text()).toBe('consynced, ')
    fs.sync(other)
    expect(text()).toBe('consynced, ')
    fs.close(file)
    fs.close(other)
  })

  it('drops what was written through a descriptor that is closed', async () => {
    const { disk, fs, lose, path, text, write } = losing()
    const file = fs.open(path, 'update')
    write(file, ', more', 7)
    fs.close(file)
    const later = fs.open(path, 'read')
    await lose(later)
    expect(text()).toBe('content')
    fs.close(later)
    expect(disk.openFiles).toEqual([])
  })

  it('leaves nothing of a file that was never synced, not even under another name', async () => {
    const { fs, lose, path, write } = losing()
    const file = fs.open(`${path}-new`, 'create')
    write(file, 'never synced', 0)
    fs.rename(`${path}-new`, `${path}-renamed`)
    await lose(file)
    expect(textOf(fs, `${path}-renamed`)).toBe('')
    fs.close(file)
  })

  it('loses nothing of a directory', async () => {
    const { fs, lose, path, text } = losing()
    const directory = fs.open(path.slice(0, -'/file'.length) || '/', 'directory')
    await lose(directory)
    expect(text()).toBe('content')
    fs.close(directory)
  })

  it('does not speak for a write that is still under way', async () => {
    const { disk, fs, lose, path, text } = losing()
    const file = fs.open(path, 'update')
    disk.inject({ operation: 'write', hangs: true })
    const writing = disk.write(file, bytes('CON'), 0, 3, 0)
    await disk.sync(file)
    disk.release()
    await writing
    expect(text()).toBe('CONtent')
    await lose(file)
    expect(text()).toBe('content')
    fs.close(file)
  })

  it('restores exactly what was synced, whatever was done', async () => {
    const random = seededRandom(1)
    const upTo = (limit: number): number => Math.floor(random() * limit)
    for (let round = 0; round < 60; round++) {
      const { fs, lose, path, text, write } = losing()
      const file = fs.open(`${path}-${round}`, 'create')
      fs.close(file)
      const writer = fs.open(path, 'update')
      let synced = text()
      for (let step = 0; step < 12; step++) {
        const kind = upTo(4)
        if (kind === 0) fs.truncate(writer, upTo(30))
        else if (kind === 1 && upTo(2) === 0) {
          fs.sync(writer)
          synced = text()
        } else write(writer, 'abcdefghij'.slice(0, upTo(10)), upTo(30))
      }
      await lose(writer)
      expect(text()).toBe(synced)
      fs.close(writer)
      fs.unlink(path)
    }
  })
})
