import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type Replacement,
  renameWithRetry,
  type StagingArea,
  stagedWriter,
  syncDirectory,
} from '../../src/atomic-write/index.js'
import { FileSystemError } from '../../src/errors/index.js'
import {
  type FileOperations,
  MemoryFileSystem,
  NodeFileSystem,
  runSteps,
  runStepsBlocking,
  type Steps,
} from '../../src/file-system/index.js'
import { FaultInjectingFileSystem } from '../../src/testing/index.js'
import { refusalOf } from '../faults/opened-store.js'
import { overBlocking, watched } from '../faults/operations.js'
import { SimulatedClock } from '../faults/simulated-clock.js'

const content = (text: string): Uint8Array => Buffer.from(text)

function areaIn(directory: string): StagingArea {
  let next = 0
  return {
    nextPath: () => {
      next += 1
      return `${directory}/${next}`
    },
    isRevoked: () => false,
  }
}

const replacement = (target: string, more: Partial<Replacement> = {}): Replacement => ({
  target,
  bytes: content('the new content'),
  mode: 0o600,
  modifiedMicros: 1_795_251_600_123_456,
  durable: true,
  ...more,
})

function* replace(wanted: Replacement, area: StagingArea): Steps<void> {
  const staged = yield* stagedWriter.stage(wanted, area)
  yield* stagedWriter.publish(staged)
}

/** An old file, a place for temporary ones, and calls that can be made to fail. */
function setUp() {
  const clock = new SimulatedClock()
  const { blocking: raw } = new MemoryFileSystem({ clock })
  raw.makeDirectory('/staging', 0o700)
  const file = raw.open('/target', 'create', 0o640)
  raw.write(file, content('old'), 0, 3, 0)
  raw.close(file)
  const disk = new FaultInjectingFileSystem(overBlocking(raw, clock.touch), { clock })
  const area = areaIn('/staging')
  return {
    clock,
    disk,
    raw,
    run: (more?: Partial<Replacement>) =>
      runSteps(disk, clock, replace(replacement('/target', more), area)),
    text: () => Buffer.from(raw.readFile('/target')).toString(),
    staged: () => raw.readDirectory('/staging'),
  }
}

describe('the staged writer', () => {
  it('replaces content, mode and time at once', async () => {
    const { raw, run, staged, text } = setUp()
    await run({ mode: 0o644 })
    expect(text()).toBe('the new content')
    expect(raw.status('/target')).toMatchObject({
      mode: 0o644,
      modifiedMicros: 1_795_251_600_123_456,
    })
    expect(staged()).toEqual([])
  })

  it('goes on after a write that took less, were it one byte at a time', async () => {
    const { disk, run, text } = setUp()
    disk.inject({ nth: 2, atMostBytes: 1, persists: 'operation' })
    await run()
    expect(disk.calls.filter(({ operation }) => operation === 'write')).toHaveLength(15)
    expect(text()).toBe('the new content')
  })

  it('takes a write of nothing for a full disk', async () => {
    const { disk, run, staged, text } = setUp()
    disk.inject({ nth: 2, atMostBytes: 0, persists: 'operation' })
    expect(await refusalOf(run())).toMatchObject({
      code: 'STATE_IO',
      reason: 'DiskFull',
      operation: 'write',
    })
    expect(disk.calls.filter(({ operation }) => operation === 'write')).toHaveLength(1)
    expect(text()).toBe('old')
    expect(staged()).toEqual([])
  })

  it('drops the temporary file after a failed fsync, and never syncs it again', async () => {
    const { disk, run, staged, text } = setUp()
    await run({ bytes: content('old') })
    disk.inject()
    await run({ bytes: content('old') })
    const at = disk.calls.findIndex(({ operation }) => operation === 'sync') + 1
    disk.inject({ nth: at, errno: 'EIO' })
    expect(await refusalOf(run())).toMatchObject({ reason: 'InputOutput', errno: 'EIO' })
    expect(disk.calls.map(({ operation }) => operation).slice(at - 1)).toEqual([
      'sync',
      'close',
      'unlink',
    ])
    expect(disk.syncedAgain).toEqual([])
    expect(text()).toBe('old')
    expect(staged()).toEqual([])
  })

  it('keeps the old file and leaves nothing behind, whichever call fails', async () => {
    const { disk, run } = setUp()
    disk.inject()
    await run()
    const calls = [...disk.calls]
    for (const [index, { operation }] of calls.entries()) {
      const bench = setUp()
      bench.disk.inject({ nth: index + 1, errno: 'EIO' })
      expect(await refusalOf(bench.run()), operation).toMatchObject({ code: 'STATE_IO' })
      expect(bench.text(), operation).toBe('old')
      // What was staged is the caller's once staging has succeeded.
      const ours = operation === 'rename' ? 1 : 0
      expect(bench.staged(), operation).toHaveLength(ours)
    }
    expect(calls.length).toBeGreaterThanOrEqual(6)
  })

  it('reports why it failed, not what failed while it tidied up', async () => {
    const { clock, raw } = setUp()
    const broken = watched(raw, ({ operation, path, perform }) => {
      if (operation === 'sync') throw new FileSystemError('ENOSPC', operation, path)
      if (operation === 'close' || operation === 'unlink') {
        throw new FileSystemError('EIO', operation, path)
      }
      return perform()
    })
    const steps = replace(replacement('/target'), areaIn('/staging'))
    const error = await refusalOf(runSteps(overBlocking(broken), clock, steps))
    expect(error).toMatchObject({ reason: 'DiskFull', operation: 'sync' })
  })

  it('closes once, though closing fails: the number may be another file by then', async () => {
    const { disk, run } = setUp()
    disk.inject()
    await run()
    const at = disk.calls.findIndex(({ operation }) => operation === 'close') + 1
    const bench = setUp()
    bench.disk.inject({ nth: at, errno: 'EIO' })
    expect(await refusalOf(bench.run())).toMatchObject({ operation: 'close' })
    const closed = bench.disk.calls.filter(({ operation }) => operation === 'close')
    expect(closed).toHaveLength(1)
  })

  it.each(['close', 'unlink'])('hides no mistake of the program in %s', async (broken) => {
    const { clock, raw } = setUp()
    const mistake = new TypeError('not a function')
    const operations = watched(raw, ({ operation, path, perform }) => {
      if (operation === 'sync') throw new FileSystemError('EIO', operation, path)
      if (operation === broken) throw mistake
      return perform()
    })
    const steps = replace(replacement('/target'), areaIn('/staging'))
    await expect(runSteps(overBlocking(operations), clock, steps)).rejects.toBe(mistake)
  })

  it('says what it is', () => {
    expect(stagedWriter).toMatchObject({ name: 'staged', supports: { fencing: true } })
  })

  it('removes what it discards', async () => {
    const { clock, disk, staged } = setUp()
    const steps = stagedWriter.stage(replacement('/target'), areaIn('/staging'))
    const prepared = await runSteps(disk, clock, steps)
    expect(staged()).toHaveLength(1)
    await runSteps(disk, clock, stagedWriter.discard(prepared))
    expect(staged()).toEqual([])
  })

  it.each(['publish', 'discard'] as const)('has nothing to %s when nothing was staged', (way) => {
    const { clock, disk } = setUp()
    disk.inject()
    const nothing = { replacement: replacement('/target'), path: undefined }
    runStepsBlocking(disk, clock, stagedWriter[way](nothing))
    expect(disk.calls).toEqual([])
  })

  it('discards without failing', async () => {
    const { clock, disk } = setUp()
    const area = areaIn('/staging')
    const staged = await runSteps(disk, clock, stagedWriter.stage(replacement('/target'), area))
    disk.inject({ nth: 1, errno: 'EIO' })
    await runSteps(disk, clock, stagedWriter.discard(staged))
    await runSteps(disk, clock, stagedWriter.discard(staged))
  })

  it('gives exactly the mode that was asked for, whatever the umask', async () => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-staged-')))
    const umask = process.umask(0o077)
    try {
      const fs = new NodeFileSystem()
      const area = areaIn(directory)
      for (const mode of [0o600, 0o640, 0o644, 0o666, 0o400, 0o660, 0o601]) {
        const target = join(directory, `target-${mode}`)
        await runSteps(fs, new SimulatedClock(), replace(replacement(target, { mode }), area))
        expect(statSync(target).mode & 0o777).toBe(mode)
      }
    } finally {
      process.umask(umask)
      rmSync(directory, { recursive: true })
    }
  })
})

describe('syncing a directory', () => {
  it.each([undefined, 'EIO'])('opens it as one and closes it (fault %s)', (fault) => {
    const { clock, raw } = setUp()
    const calls: string[] = []
    const operations = watched(raw, ({ args, operation, path, perform }) => {
      calls.push(`${operation} ${args[1] ?? ''}`.trim())
      if (operation === 'sync' && fault !== undefined)
        throw new FileSystemError(fault, 'sync', path)
      return perform()
    })
    const sync = (): void =>
      runStepsBlocking(overBlocking(operations), clock, syncDirectory('/staging'))
    if (fault === undefined) sync()
    else expect(sync).toThrowError(expect.objectContaining({ errno: fault, operation: 'sync' }))
    expect(calls).toEqual(['open directory', 'sync', 'close'])
  })
})

describe('a rename while another program holds the file', () => {
  /** Renames that are refused so many times. */
  function refusing(errno: string, times: number) {
    const clock = new SimulatedClock()
    const { blocking } = new MemoryFileSystem()
    blocking.close(blocking.open('/from', 'create'))
    let tries = 0
    const operations: FileOperations = {
      ...blocking,
      rename: (from, to) => {
        tries += 1
        if (tries <= times) throw new FileSystemError(errno, 'rename', to)
        blocking.rename(from, to)
      },
    }
    const fileSystem = overBlocking(operations, clock.touch)
    return { clock, fileSystem, tries: () => tries }
  }

  it.each(['EPERM', 'EACCES', 'EBUSY'])('is tried again after %s', async (errno) => {
    const { clock, fileSystem, tries } = refusing(errno, 3)
    await runSteps(fileSystem, clock, renameWithRetry('/from', '/to'))
    expect(tries()).toBe(4)
  })

  it.each(['EPERM', 'EACCES', 'EBUSY'])('is given up in half a second after %s', async (errno) => {
    const { clock, fileSystem, tries } = refusing(errno, 1000)
    const error = await refusalOf(runSteps(fileSystem, clock, renameWithRetry('/from', '/to')))
    expect(error).toMatchObject({ code: 'STATE_IO', errno })
    expect(tries()).toBeLessThan(20)
    expect(clock.monotonicMs()).toBeGreaterThan(500)
    expect(clock.monotonicMs()).toBeLessThan(600)
  })

  it.each(['EXDEV', 'ENOSPC', 'EIO', 'EROFS', 'ENOENT'])(
    'is given up at once after %s',
    (errno) => {
      const { clock, fileSystem, tries } = refusing(errno, 1000)
      const rename = (): void =>
        runStepsBlocking(fileSystem, clock, renameWithRetry('/from', '/to'))
      expect(rename).toThrowError(expect.objectContaining({ errno }))
      expect(tries()).toBe(1)
    },
  )
})
