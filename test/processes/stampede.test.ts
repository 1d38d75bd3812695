import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type ProcessTable, processTable } from '../../src/file-lock/index.js'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { openStateStore } from '../../src/store/index.js'
import { WorkerProcess } from '../support/workers.js'
import { seededRandom } from '../torture/seeds.js'
import { HastyClock } from './hasty-clock.js'

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const isTorture = process.env.HOLDFAST_TORTURE !== undefined
const rounds = isTorture ? 1_000 : 15
const seed = Number(process.env.HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** As a process that has just died would have described itself. */
function deadProcess(): ProcessTable {
  const real = processTable()
  return { ...real, self: { ...real.self, pid: 8_000_001, startTime: '1' } }
}

describe("a stampede on a dead holder's lock", () => {
  it.each([2, 8, 16])(
    'lets %i contenders in one by one',
    async (count) => {
      const random = seededRandom(seed + count)
      const folder = mkdtempSync(join(tmpdir(), 'holdfast-stampede-'))
      cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
      const directory = join(folder, 'store')
      const trace = join(folder, 'trace')
      const workers = Array.from({ length: count }, () =>
        WorkerProcess.start('processes/contender.worker.ts', { directory, trace }),
      )
      for (const worker of workers) cleanups.push(() => worker[Symbol.asyncDispose]())
      for (const worker of workers) await worker.next('ready')
      const holder = await openStateStore(directory, { processes: deadProcess() })
      cleanups.push(() => holder.close())

      let last = 0
      for (let round = 0; round < rounds; round++) {
        writeFileSync(trace, '')
        const lock = await holder.lock('contended', { ttlMs: 3_600_000, waitMs: 110_000 })
        expect(lock.token).toBeGreaterThan(last)
        for (const worker of workers) {
          worker.send({ type: 'contend', delay: Math.floor(random() * 20_000) })
        }
        for (const worker of workers) await worker.next('done')
        const tokens = readFileSync(trace, 'utf8').trim().split('\n').map(Number)
        expect(tokens).toHaveLength(count)
        last = lock.token
        for (const token of tokens) {
          expect(token).toBeGreaterThan(last)
          last = token
        }
        await lock.release()
      }
      console.log(`${count} contenders: ${rounds} rounds, seed ${seed}, last token ${last}`)
    },
    isTorture ? 3_600_000 : 120_000,
  )
})

describe('numbers across reboots', () => {
  const domains = '/store/.holdfast/domains'

  interface KeptFile {
    readonly path: string
    readonly bytes: Uint8Array
  }

  const directoriesOf = (fileSystem: MemoryFileSystem): string[] => {
    const fs = fileSystem.blocking
    const domain = `${domains}/${fs.readDirectory(domains)[0]?.name}`
    const names = fs.readDirectory(`${domain}/names`).map(({ name }) => `${domain}/names/${name}`)
    const all = [`${domain}/write`, `${domain}/boots`, ...names]
    return all.filter((path) => fs.status(path) !== undefined)
  }

  const unsyncedFiles = (fileSystem: MemoryFileSystem): KeptFile[] =>
    directoriesOf(fileSystem).flatMap((directory) =>
      fileSystem.blocking.readDirectory(directory).map(({ name }) => {
        const path = `${directory}/${name}`
        return { path, bytes: fileSystem.blocking.readFile(path) }
      }),
    )

  /** Nothing of what was done to the names since then has reached the disk. */
  function putBack(fileSystem: MemoryFileSystem, files: readonly KeptFile[]): void {
    const fs = fileSystem.blocking
    for (const { path } of unsyncedFiles(fileSystem)) fs.unlink(path)
    for (const { path, bytes } of files) {
      const file = fs.open(path, 'create')
      fs.write(file, bytes, 0, bytes.byteLength, 0)
      fs.close(file)
    }
  }

  /** Takes away what was never synced, as a power cut may: names, or what was in the files. */
  function cutPower(fileSystem: MemoryFileSystem, random: () => number): void {
    const fs = fileSystem.blocking
    for (const directory of directoriesOf(fileSystem)) {
      const fate = random()
      for (const { name } of fs.readDirectory(directory)) {
        const path = `${directory}/${name}`
        const own = random()
        if (fate < 0.4 || own < 0.3) fs.unlink(path)
        else if (own < 0.5) {
          const file = fs.open(path, 'update')
          fs.truncate(file, 0)
          fs.close(file)
        }
      }
      if (fate < 0.3) fs.removeDirectory(directory)
    }
  }

  it.each([0, 1, 2, 3])('rise above all that were handed out (%i)', async (variant) => {
    const random = seededRandom(seed + variant)
    const boots = isTorture ? 2_000 : 60
    const fileSystem = new MemoryFileSystem()
    let highestToken = 0
    let highestGeneration = 0
    for (let boot = 0; boot < boots; boot++) {
      const { self } = processTable(new MemoryFileSystem())
      const processes: ProcessTable = {
        self: { ...self, bootId: `boot-${boot}`, pidNamespace: 'pid:[1]', startTime: '1' },
        liveness: () => 'unknown',
      }
      const clock = new HastyClock()
      const options = { fileSystem, clock, processes }
      const before = boot === 0 ? [] : unsyncedFiles(fileSystem)
      // Where numbering starts in a boot is for the first opener to say, and for all others to read.
      if (random() < 0.5) await (await openStateStore('/store', options)).close()
      const store = await openStateStore('/store', options)
      const documents = store.collection<number>('docs')
      const tokensBefore = highestToken
      const generationBefore = highestGeneration
      for (let step = 0; step < 1 + random() * 4; step++) {
        const lock = await store.lock('name', { waitMs: 300_000 })
        expect(lock.token, `seed ${seed}, boot ${boot}`).toBeGreaterThan(tokensBefore)
        expect(lock.token).toBeGreaterThan(step === 0 ? tokensBefore : highestToken)
        highestToken = lock.token
        if (random() < 0.7) await lock.release()
        else break
      }
      const { revision } = await documents.set('a', boot)
      const generation = Number(revision.split('.')[0])
      expect(generation, `seed ${seed}, boot ${boot}`).toBeGreaterThan(generationBefore)
      highestGeneration = generation
      if (random() < 0.5) await store.close()
      if (random() < 0.3) putBack(fileSystem, before)
      else cutPower(fileSystem, random)
    }
    console.log(`${boots} boots, seed ${seed}: token ${highestToken}, ${highestGeneration}`)
  })
})
