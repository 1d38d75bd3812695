import { describe, expect, it, vi } from 'vitest'
import type { Steps } from '../../src/file-system/index.js'
import type { LogTail } from '../../src/storage/file/log-tail.js'
import { report } from '../support/campaign.js'
import { operations, recordOperation } from './operations.js'
import { cutEverywhere } from './trial.js'

vi.mock(import('../../src/storage/file/log-tail.js'), async (importOriginal) => ({
  ...(await importOriginal()),
  // biome-ignore lint/correctness/useYield: a protocol without a step.
  *inspectTail(_file: number, size: number): Steps<LogTail> {
    return { end: size, isOpenEnded: false }
  },
}))

describe('a log whose torn end is left where it is', () => {
  it('is found out: the next record stands on the stub', async () => {
    const operation = operations['an append behind a torn one']
    if (operation === undefined) throw new Error('no such operation')
    const recording = await recordOperation(operation)
    const { violations } = await cutEverywhere(recording, {
      seed: 7,
      combinations: 4,
      from: recording.from,
      stopEarly: true,
    })
    expect(violations).toHaveLength(1)
    const by = (violations[0] ?? '').replace(/^.*?\(\d+\), .*?: (?=found|it cannot|verify)/, '')
    const mutant = 'the torn end of a log is not repaired'
    report('mutant of the write path', { mutant, caught: 1, by: by.slice(0, 120) })
  })
})
