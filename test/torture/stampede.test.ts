import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NodeFileSystem } from '../../src/file-system/index.js'
import { FileStorage } from '../../src/storage/file/index.js'
import { compareRevisions, type Revision } from '../../src/storage/index.js'
import { report, rounds, scratchDirectory } from '../support/campaign.js'
import { Crew } from './crew.js'
import { ghostProcesses, silentClock, strangerProcesses } from './ghost.js'
import { Population } from './population.js'
import type { RoundCommand } from './stampede.worker.js'

const most = 16
const durability = 'process' as const
const directory = scratchDirectory()
const outside = scratchDirectory()
const crew = new Crew('torture/stampede.worker.ts')

beforeAll(async () => {
  for (let index = 0; index < most; index++) crew.add({ directory, name: `c${index}` })
  await crew.all('ready')
})
afterAll(() => crew[Symbol.asyncDispose]())

/** Dies holding the lease. `known`: the others can see that it is dead, and need not wait for silence. */
async function leaveLease(name: string, ttlMs: number, known: boolean): Promise<number> {
  const processes = known ? ghostProcesses : strangerProcesses
  const clock = silentClock
  const ghost = new FileStorage({ directory, durability, processes, clock, backups: 0 })
  await ghost.open(() => {})
  return (await ghost.acquireLease({ name, ttlMs })).token
}

/** Dies in a turn of the write lease, at one of the calls of a commit of two documents. */
async function leaveTurn(key: string, call: number): Promise<void> {
  const ghost = new Population(new NodeFileSystem()).born()
  const { clock } = ghost
  const processes = ghostProcesses
  const storage = ghost.storage({ directory, durability, processes, clock, backups: 0 })
  await storage.open(() => {})
  ghost.dieAt(call)
  const writes = [key, `${key}-other`].map((each) => ({
    address: { collection: 'lists', key: each },
    change: { kind: 'put' as const, value: ['ghost'] },
  }))
  await ghost.until(storage.commit({ writes }))
  ghost.die()
}

interface Through {
  readonly name: string
  readonly token: unknown
  readonly takeovers: number
}

/** Lets so many contenders go at once; resolves to what each says when it is through. */
async function stampede(
  contenders: number,
  command: Omit<RoundCommand, 'type' | 'marker' | 'log'>,
): Promise<{ through: Through[]; log: string[] }> {
  const files = { marker: `${outside}/inside`, log: `${outside}/log` }
  writeFileSync(files.log, '')
  const workers = crew.workers.slice(0, contenders)
  for (const worker of workers) worker.send({ type: 'round', ...command, ...files })
  const said = await Promise.all(workers.map((worker) => worker.next('through')))
  expect(said.flatMap(({ failure }) => failure ?? [])).toEqual([])
  const log = readFileSync(files.log, 'utf8').trim().split('\n')
  return { through: said as unknown as Through[], log }
}

describe.each([2, 8, 16])('%i at once', (contenders) => {
  it('take over a dead holder of a named lease one after the other', async () => {
    const count = rounds(10, 200)
    let takeovers = 0
    let last = 0
    for (let round = 1; round <= count; round++) {
      // Every fifth time nobody can see that the holder is dead.
      const token = await leaveLease('wanted', 60, round % 5 !== 0)
      expect(token).toBeGreaterThan(last)
      const { through, log } = await stampede(contenders, {
        wanted: 'lease',
        key: 'wanted',
        ttlMs: 30_000,
      })
      const tokens = log.map(Number)
      expect(tokens).toHaveLength(contenders)
      for (const next of tokens) {
        expect(next).toBeGreaterThan(Math.max(last, token))
        last = next
      }
      const took = through.reduce((sum, each) => sum + each.takeovers, 0)
      expect(took).toBe(1)
      takeovers += took
    }
    report('stampede on a lease', { contenders, rounds: count, takeovers, 'last token': last })
  })

  it('take over a dead writer one after the other', async () => {
    const count = rounds(10, 200)
    let takeovers = 0
    let last: Revision = '0.0'
    for (let round = 1; round <= count; round++) {
      const key = `list-${contenders}-${round}`
      await leaveTurn(key, 8 + ((round * 7) % 40))
      const { through, log } = await stampede(contenders, { wanted: 'turn', key, ttlMs: 30_000 })
      expect(log).toHaveLength(contenders)
      const inOrder = through
        .map(({ name, token }) => ({ name, revision: String(token) }))
        .sort((left, right) => compareRevisions(left.revision, right.revision))
      expect(inOrder.map(({ name }) => name)).toEqual(log)
      for (const { revision } of inOrder) {
        expect(compareRevisions(revision, last)).toBeGreaterThan(0)
        last = revision
      }
      takeovers += through.reduce((sum, each) => sum + each.takeovers, 0)
    }
    expect(takeovers).toBeGreaterThan(0)
    report('stampede on the write lease', { contenders, rounds: count, takeovers, last: last })
  })
})
