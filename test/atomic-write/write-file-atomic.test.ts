import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mountSmallDisk } from '../faults/small-disk.js'
import { WorkerProcess, workerPath } from '../support/workers.js'

describe('write-file-atomic', () => {
  let directory = ''
  beforeEach(() => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-replace-')))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const replace = async (more: Readonly<Record<string, unknown>>): Promise<unknown> => {
    await using worker = WorkerProcess.start('atomic-write/replace.worker.ts', {
      directory,
      ...more,
    })
    return await worker.next('replaced')
  }

  it('puts a truncated file over the good one, and reports success', async () => {
    const short = { atMost: 1000, bytes: 5000 }
    expect(await replace({ writer: 'write-file-atomic', ...short })).toMatchObject({
      reported: 'success',
      found: 1000,
    })
    expect(await replace({ writer: 'staged', ...short })).toMatchObject({
      reported: 'success',
      found: 5000,
    })
  })

  it('does so on a full disk too', async () => {
    using disk = mountSmallDisk(directory, 256 * 1024)
    if (disk === undefined) {
      console.info('mounting is not permitted: shown by short writes only')
      return
    }
    const full = { leaves: 2, bytes: 5 * 4096 }
    const careless = await replace({ writer: 'write-file-atomic', ...full })
    expect(careless).toMatchObject({ reported: 'success' })
    expect(careless).not.toMatchObject({ found: 5 * 4096 })
    disk.clear()
    expect(await replace({ writer: 'staged', ...full })).toMatchObject({
      reported: 'DiskFull',
      found: 'old',
    })
  })
})

describe('the default writer', () => {
  let directory = ''
  beforeEach(() => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-replace-')))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it('keeps the old file where the size of files is limited', () => {
    const limitBytes = 8 * 1024
    const underLimit = (bytes: number): unknown => {
      // In blocks of 512 bytes.
      const script = `ulimit -f ${limitBytes / 512}; exec "$0" "$@"`
      const args = JSON.stringify({ writer: 'staged', directory, bytes })
      const worker = workerPath('atomic-write/replace.worker.ts')
      const command = ['-c', script, process.execPath, worker, args]
      return JSON.parse(execFileSync('sh', command, { encoding: 'utf8' }))
    }
    const tooMuch = { type: 'replaced', reported: 'DiskFull', found: 'old' }
    expect(underLimit(limitBytes + 1000)).toEqual(tooMuch)
    const enough = { type: 'replaced', reported: 'success', found: limitBytes - 1000 }
    expect(underLimit(limitBytes - 1000)).toEqual(enough)
  })
})
