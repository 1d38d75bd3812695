import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { campaignSeed, report, rounds, scratchDirectory } from '../support/campaign.js'
import { WorkerProcess } from '../support/workers.js'
import type { FuzzArguments } from './fuzz.worker.js'
import { parsers } from './parsers.js'
import { storeFileKinds } from './store-files.js'

/** With the number of an input, which is told with each failure, only that one is tried. */
const { HOLDFAST_INPUT: single } = process.env

/** At an input of a few megabytes at most, for so long, a process is at a standstill. */
const standstillMs = 60_000
const lookMs = 1000

const scratch = scratchDirectory()

interface Outcome {
  readonly inputs: Readonly<Record<string, number>>
  readonly failures: readonly string[]
}

async function fuzz(
  names: readonly string[],
  kind: FuzzArguments['kind'],
  count: number,
): Promise<Outcome> {
  const progress = join(scratch, kind)
  const range = single === undefined ? { from: 0, count } : { from: Number(single), count: 1 }
  const args: FuzzArguments = { names, kind, seed: campaignSeed, progress, ...range }
  writeFileSync(progress, '')
  const execArgv = ['--max-old-space-size=128']
  await using worker = WorkerProcess.start('fuzz/fuzz.worker.ts', { ...args }, { execArgv })
  const at = (): string => readFileSync(progress, 'utf8').trim()
  let seen = ''
  let sinceMs = performance.now()
  let isAtStandstill = false
  const watching = setInterval(() => {
    const now = at()
    if (now !== seen) sinceMs = performance.now()
    seen = now
    if (performance.now() - sinceMs < standstillMs) return
    isAtStandstill = true
    worker.kill()
  }, lookMs)
  try {
    return (await worker.next('done')) as unknown as Outcome
  } catch (error) {
    const why = isAtStandstill ? 'it hangs' : String(error).slice(0, 2000)
    return { inputs: {}, failures: [`${at()}: ${why}`] }
  } finally {
    clearInterval(watching)
  }
}

const timeLimitMs = rounds(120_000, 7_200_000)

describe(`spoilt inputs (seed ${campaignSeed})`, () => {
  it(
    'of any parser give no wrong value, no hang, no crash',
    async () => {
      const names = parsers.map(({ parser }) => parser)
      const { failures, inputs } = await fuzz(names, 'parser', rounds(150, 4_000))
      expect(failures).toEqual([])
      for (const parser of names) {
        report('fuzzed inputs', { parser, seed: campaignSeed, inputs: inputs[parser] })
      }
    },
    timeLimitMs,
  )

  it(
    'in any file of a store give no wrong value, and all else goes on',
    async () => {
      const { failures, inputs } = await fuzz(storeFileKinds, 'store', rounds(6, 100))
      expect(failures).toEqual([])
      for (const kind of storeFileKinds) {
        report('fuzzed inputs', {
          parser: `${kind} of a store`,
          seed: campaignSeed,
          inputs: inputs[kind],
        })
      }
    },
    timeLimitMs,
  )
})
