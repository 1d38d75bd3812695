import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { workerPath } from '../support/workers.js'

describe('describeStorageConformance', () => {
  it('works with node:test', async () => {
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, [workerPath('storage/node-test.worker.ts')], {
      maxBuffer: 2 ** 26,
    })
    expect(stdout).toMatch(/^# pass 2\d\d$/m)
    expect(stdout).toMatch(/^# fail 0$/m)
    expect(stdout).toMatch(/^# skipped 0$/m)
  })
})
