import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { report, rounds, scratchDirectory } from '../support/campaign.js'
import type { ContenderArguments, RunCommand } from './contender.worker.js'
import { Crew } from './crew.js'
import { totalsOf } from './totals.js'

const kinds = ['update', 'transaction', 'lock'] as const
const each = rounds(20, 40)

/** All processes do the same at the same time, one kind of counting after the other. */
async function contend(processes: number, args: ContenderArguments, lanes: number): Promise<void> {
  const members = Array.from({ length: processes }, () => ({ ...args }))
  await using crew = await Crew.start('torture/contender.worker.ts', members)
  for (const kind of kinds) {
    const command: RunCommand = { type: 'run', kind, count: each, lanes, tells: false }
    crew.tell({ ...command })
    await crew.all('finished')
  }
  crew.tell({ type: 'close' })
  for (const worker of crew.workers) {
    expect(await worker.exited).toMatchObject({ code: 0, stderr: '' })
  }
}

describe.each([2, 4, 8])('%i processes', (processes) => {
  it(
    'count exactly by update, transaction and lock',
    async () => {
      const runs = rounds(1, 20)
      for (let run = 1; run <= runs; run++) {
        const directory = scratchDirectory()
        const outside = join(scratchDirectory(), 'count')
        writeFileSync(outside, '0 0')
        const durability = run % 5 === 0 ? 'power' : 'process'
        const args: ContenderArguments = { directory, outside, durability }
        await contend(processes, args, run % 3 === 0 ? 4 : 1)
        const total = processes * each
        expect(await totalsOf(args), `run ${run}`).toEqual({
          counter: total,
          a: { amount: -total, moves: total },
          b: { amount: total, moves: total },
          outside: total,
        })
      }
      report('exact counting', { processes, runs, 'of each kind a run': processes * each })
    },
    rounds(120_000, 3_600_000),
  )
})
