import { afterEach, describe, expect, it } from 'vitest'
import { type ProcessTable, processTable } from '../../src/file-lock/index.js'
import { type FileOperations, MemoryFileSystem } from '../../src/file-system/index.js'
import { openStateStore } from '../../src/store/index.js'
import { campaignSeed, isLong } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import { Population } from '../torture/population.js'
import { HastyClock } from './hasty-clock.js'

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const seed = campaignSeed

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
    const boots = isLong ? 2_000 : 60
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

function removeAll(fs: FileOperations, path: string): void {
  for (const { name, kind } of fs.readDirectory(path)) {
    if (kind === 'directory') removeAll(fs, `${path}/${name}`)
    else fs.unlink(`${path}/${name}`)
  }
  fs.removeDirectory(path)
}

describe('numbers beyond their first ceiling', () => {
  it('rise across a power cut', async () => {
    const memory = new MemoryFileSystem()
    const beyond = 16_500
    const population = new Population(memory)
    const life = population.born()
    const storage = life.storage({ directory: '/store', backups: 0 })
    await storage.open(() => {})
    let token = 0
    while (token < beyond) {
      const lease = await storage.acquireLease({ name: 'a' })
      token = lease.token
      await lease.release()
    }
    life.die()
    const [domain] = memory.blocking.readDirectory('/store/.holdfast/domains')
    removeAll(memory.blocking, `/store/.holdfast/domains/${domain?.name}`)
    population.bootId = 'boot-2'
    const next = population.born().storage({ directory: '/store' })
    await next.open(() => {})
    expect((await next.acquireLease({ name: 'a' })).token).toBeGreaterThan(token)
    await next.close()
  })
})
