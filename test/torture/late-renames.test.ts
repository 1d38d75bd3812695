import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { NodeFileSystem } from '../../src/file-system/index.js'
import { revokeIncarnation } from '../../src/storage/file/incarnation.js'
import { campaignSeed, report, rounds, scratchDirectory } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import { workerPath } from '../support/workers.js'
import type { RenamerData } from './renamer.worker.js'

const { blocking } = new NodeFileSystem()
const threads = 6
/** Each thread's share of a round. */
const files = 4

type Revoke = (writers: string, id: string) => void

interface Race {
  readonly rounds: number
  /** Renames that landed before the revocation returned. */
  readonly early: number
  /** And after. */
  readonly late: number
}

/** Lets threads rename while this one revokes, as close to each other as can be. */
async function race(count: number, revoke: Revoke, random: () => number): Promise<Race> {
  const directory = scratchDirectory()
  for (const name of ['writers', 'target']) mkdirSync(`${directory}/${name}`)
  const shared = new SharedArrayBuffer(12)
  const slots = new Int32Array(shared)
  const path = workerPath('torture/renamer.worker.ts')
  const ended = Array.from({ length: threads }, (_, thread) => {
    const workerData: RenamerData = { shared, directory, thread, files }
    const renamer = new Worker(path, { workerData })
    return new Promise((resolve) => renamer.once('exit', resolve))
  })
  let early = 0
  let late = 0
  for (let round = 1; round <= count; round++) {
    const staging = `${directory}/writers/${round}`
    mkdirSync(staging)
    for (let name = 0; name < threads * files; name++) {
      writeFileSync(`${staging}/${name % threads}-${Math.floor(name / threads)}`, '')
    }
    Atomics.store(slots, 0, round)
    Atomics.notify(slots, 0)
    const begun = (round - 1) * threads + 1 + Math.floor(random() * threads)
    while (Atomics.load(slots, 1) < begun);
    revoke(`${directory}/writers`, String(round))
    const landed = readdirSync(`${directory}/target`).length
    for (let done = 0; done < round * threads; done = Atomics.load(slots, 2)) {
      Atomics.wait(slots, 2, done, 10)
    }
    const inTheEnd = readdirSync(`${directory}/target`)
    early += landed
    late += inTheEnd.length - landed
    for (const name of inTheEnd) blocking.unlink(`${directory}/target/${name}`)
    if (round % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  Atomics.store(slots, 0, 0)
  Atomics.notify(slots, 0)
  await Promise.all(ended)
  return { rounds: count, early, late }
}

describe('a rename that is in the kernel while its directory is revoked', () => {
  it('has landed or failed once the revocation has returned', async () => {
    const seed = campaignSeed
    const real = await race(
      rounds(250, 3_000),
      (writers, id) => revokeIncarnation(blocking, writers, id),
      seededRandom(seed),
    )
    report('revocation', { seed, ...real })
    expect(real.early).toBeGreaterThan(0)
    expect(real.late).toBe(0)
  })

  it('would land later if the directory were only renamed away', async () => {
    const seed = campaignSeed
    const random = seededRandom(seed)
    let mutant: Race = { rounds: 0, early: 0, late: 0 }
    for (let tries = 1; tries <= 50 && mutant.late === 0; tries++) {
      mutant = await race(
        rounds(200, 2_000),
        (writers, id) => blocking.rename(`${writers}/${id}`, `${writers}/${id}.revoked`),
        random,
      )
    }
    report('mutant without the drain', { seed, ...mutant })
    expect(mutant.late).toBeGreaterThan(0)
  })
})
