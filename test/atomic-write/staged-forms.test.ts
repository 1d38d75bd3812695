import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Replacement, type StagingArea, stagedWriter } from '../../src/atomic-write/index.js'
import {
  type FileSystem,
  io,
  MemoryFileSystem,
  NodeFileSystem,
  runSteps,
  runStepsBlocking,
  type Steps,
  type StepTimer,
} from '../../src/file-system/index.js'
import {
  type Alteration,
  alteredFileSystem,
  refusing,
  writingAtMost,
} from './altered-file-system.js'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const pauses: number[] = []
const timer: StepTimer = {
  sleep: async (durationMs) => {
    pauses.push(durationMs)
  },
  sleepSync: (durationMs) => {
    pauses.push(durationMs)
  },
}

const forms = [
  ['promised', async <T>(fs: FileSystem, steps: Steps<T>) => runSteps(fs, timer, steps)],
  ['blocking', async <T>(fs: FileSystem, steps: Steps<T>) => runStepsBlocking(fs, timer, steps)],
] as const

const text = 'content that is longer than seven bytes'

function* replace(target: string, area: StagingArea, more: Partial<Replacement>): Steps<void> {
  const bytes = Buffer.from(text)
  const wanted = { target, bytes, mode: 0o600, modifiedMicros: 1, durable: true, ...more }
  yield* stagedWriter.publish(yield* stagedWriter.stage(wanted, area))
}

describe.each(forms)('the staged writer, %s', (_form, run) => {
  async function replaceOn(alter: Alteration): Promise<{ order: string[]; stored: string }> {
    const disk = new MemoryFileSystem()
    const order: string[] = []
    const fileSystem = alteredFileSystem(disk, (call) => {
      order.push(call.operation)
      return alter(call)
    })
    await run(
      fileSystem,
      replace('/target', { nextPath: () => '/staged', isRevoked: () => false }, {}),
    )
    return { order, stored: Buffer.from(disk.blocking.readFile('/target')).toString() }
  }

  it.each([1, 7, 1000])(
    'writes all, %i bytes at a time, before it syncs and shows',
    async (most) => {
      const { order, stored } = await replaceOn(writingAtMost(most))
      expect(stored).toBe(text)
      const writes = Array.from({ length: Math.ceil(text.length / most) }, () => 'write')
      const after = ['setModifiedTime', 'sync', 'close', 'rename']
      expect(order).toEqual(['open', ...writes, ...after])
    },
  )

  it('waits ever longer for a rename that is refused', async () => {
    pauses.length = 0
    let refusals = 4
    const { stored } = await replaceOn(
      refusing('EBUSY', ({ operation }) => operation === 'rename' && refusals-- > 0),
    )
    expect(stored).toBe(text)
    expect(pauses).toEqual([1, 2, 4, 8])
  })

  // Seconds travel as a double, which rounds: every microsecond must come back as it was given.
  it('keeps the modification time to the microsecond on the real disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-forms-'))
    folders.push(folder)
    const fileSystem = new NodeFileSystem()
    const { blocking } = fileSystem
    const target = join(folder, 'target')
    const area = { nextPath: () => join(folder, 'staged'), isRevoked: () => false }
    const modifiedMicros = 1_700_000_000_123_457
    await run(fileSystem, replace(target, area, { modifiedMicros }))
    expect(blocking.status(target)?.modifiedMicros).toBe(modifiedMicros)
    const file = blocking.open(target, 'update')
    for (const start of [1_700_000_000_123_000, 1_893_456_000_999_000, 4_102_444_799_500_000]) {
      for (let wanted = start; wanted < start + 1000; wanted++) {
        await run(fileSystem, io.setModifiedTime(file, wanted))
        expect(blocking.statusOf(file).modifiedMicros).toBe(wanted)
      }
    }
    blocking.close(file)
  })
})
