import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStateStore } from '../../src/store/index.js'
import { refusalOf } from '../faults/opened-store.js'
import { workerPath } from '../support/workers.js'
import type { OverwritingArguments } from './overwriting.worker.js'

const mostBytes = 32 * 1024
const length = 40 * 1024

/** Replaces a good document by one that does not fit, and tells what the store told. */
function overwrite(args: Omit<OverwritingArguments, 'length'>, limit: boolean): unknown {
  const worker = workerPath('atomic-write/overwriting.worker.ts')
  // In blocks of 512 bytes.
  const script = limit ? `ulimit -f ${mostBytes / 512}; exec "$0" "$@"` : 'exec "$0" "$@"'
  const told = JSON.stringify({ ...args, length, ...(limit ? {} : { mostBytes }) })
  const command = ['-c', script, process.execPath, worker, told]
  return JSON.parse(execFileSync('sh', command, { encoding: 'utf8' }))
}

describe.each([
  ['by the limit of the process', true],
  ['as a disk would that is full', false],
] as const)('a store whose files cannot grow, %s', (_, limit) => {
  let directory = ''
  beforeEach(async () => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-overwrite-')))
    const store = await openStateStore(directory)
    await store.collection('docs').set('a', 'old')
    await store.close()
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it.each(['promised', 'blocking'] as const)('keeps the old document, %s', async (form) => {
    expect(overwrite({ directory, writer: 'staged', form }, limit)).toEqual({
      ok: false,
      code: 'STATE_IO',
      commitState: 'not-committed',
      reason: 'DiskFull',
    })
    const store = await openStateStore(directory)
    expect(await store.collection('docs').get('a')).toBe('old')
    await store.close()
  })

  it.each(['promised', 'blocking'] as const)(
    'loses it to write-file-atomic, which reports success, %s',
    async (form) => {
      expect(overwrite({ directory, writer: 'write-file-atomic', form }, limit)).toEqual({
        ok: true,
      })
      expect(readFileSync(join(directory, 'docs/a.json'))).toHaveLength(mostBytes)
      const store = await openStateStore(directory)
      // Damage is contained all the same: never a wrong value.
      expect(await refusalOf(store.collection('docs').get('a'))).toMatchObject({
        code: 'STATE_CORRUPT',
      })
      await store.close()
    },
  )
})
