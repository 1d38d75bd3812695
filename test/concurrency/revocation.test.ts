/**
 * Renames that are in the kernel while their source directory is taken away: once a writer has been
 * revoked, nothing of it may appear any more. A thread renames files out of a staging directory while
 * this one revokes it, started together, over and over.
 */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { type FileOperations, NodeFileSystem } from '../../src/file-system/index.js'
import { revokeIncarnation } from '../../src/storage/file/incarnation.js'

const filesPerRound = 4
const rounds = process.env.HOLDFAST_TORTURE === undefined ? 1500 : 20_000
const { blocking } = new NodeFileSystem()

/** Waits for each round, then renames all there is, as a writer that knows nothing of its end. */
const renamer = `
  const { workerData } = require('node:worker_threads')
  const { renameSync } = require('node:fs')
  const flags = new Int32Array(workerData.flags)
  const [begun, done, landed] = [0, 1, 2]
  for (let round = 1; round <= workerData.rounds; round++) {
    while (Atomics.load(flags, begun) < round) {}
    for (let file = 0; file < workerData.files; file++) {
      try {
        renameSync(workerData.root + '/writers/w/' + file, workerData.root + '/target/' + round + '-' + file)
        Atomics.add(flags, landed, 1)
      } catch (error) {
        if (error.code !== 'ENOENT') throw error
      }
    }
    Atomics.store(flags, done, round)
    Atomics.notify(flags, done)
  }
`

type Revoke = (fs: FileOperations, writers: string, id: string) => void

interface Outcome {
  /** Renames that became visible after the revocation had returned. */
  readonly late: number
  readonly landed: number
  readonly refused: number
}

const roots: string[] = []
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true })
})

async function race(revoke: Revoke, count: number): Promise<Outcome> {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-revocation-'))
  roots.push(root)
  const [writers, target] = [join(root, 'writers'), join(root, 'target')]
  mkdirSync(writers)
  mkdirSync(target)
  const flags = new Int32Array(new SharedArrayBuffer(12))
  const workerData = { flags: flags.buffer, rounds: count, files: filesPerRound, root }
  const worker = new Worker(renamer, { eval: true, workerData })
  let late = 0
  try {
    for (let round = 1; round <= count; round++) {
      mkdirSync(join(writers, 'w'))
      for (let file = 0; file < filesPerRound; file++)
        writeFileSync(join(writers, 'w', `${file}`), '')
      Atomics.store(flags, 0, round)
      // A little later each time, so that every moment of a rename is met.
      for (let spin = (round * 37) % 900; spin > 0; spin--) Atomics.load(flags, 1)
      revoke(blocking, writers, 'w')
      const visible = readdirSync(target).length
      while (Atomics.load(flags, 1) < round) Atomics.wait(flags, 1, round - 1, 1000)
      late += readdirSync(target).length - visible
      rmSync(target, { recursive: true })
      rmSync(join(writers, 'w.revoked'), { recursive: true, force: true })
      mkdirSync(target)
    }
  } finally {
    await worker.terminate()
  }
  const landed = Atomics.load(flags, 2)
  return { late, landed, refused: count * filesPerRound - landed }
}

describe('revocation', () => {
  it(`leaves none of ${rounds * filesPerRound} aligned renames to land late`, async () => {
    const { late, landed, refused } = await race(revokeIncarnation, rounds)
    console.log(`drained: ${landed} landed before, ${refused} refused, ${late} late`)
    expect(late).toBe(0)
    // Both must have happened, or nothing was aligned.
    expect(landed).toBeGreaterThan(0)
    expect(refused).toBeGreaterThan(0)
  })

  it('would, without the drain', async () => {
    const renameOnly: Revoke = (_fs, writers, id) =>
      renameSync(join(writers, id), join(writers, `${id}.revoked`))
    let late = 0
    for (let tries = 0; tries < 20 && late === 0; tries++) {
      late = (await race(renameOnly, 1000)).late
    }
    console.log(`only renamed away: ${late} late in 1000 rounds`)
    expect(late).toBeGreaterThan(0)
  })
})
