import { describe, expect, it } from 'vitest'
import { type FileOperations, MemoryFileSystem } from '../../src/file-system/index.js'
import type { FileStorage } from '../../src/storage/file/index.js'
import { compareRevisions, type Revision } from '../../src/storage/index.js'
import { campaignSeed, report, rounds } from './campaign.js'
import { type Life, Population } from './population.js'
import { seededRandom } from './seeds.js'

const root = '/store'
const names = ['a', 'b'] as const

/** The highest numbers that were ever handed out. */
interface Highest {
  revision: Revision
  readonly tokens: Map<string, number>
}

function removeAll(fs: FileOperations, path: string): void {
  for (const { name, kind } of fs.readDirectory(path)) {
    if (kind === 'directory') removeAll(fs, `${path}/${name}`)
    else fs.unlink(`${path}/${name}`)
  }
  fs.removeDirectory(path)
}

/** What was never synced may be gone after a power cut: generation files, and all that is known of boots. */
function cutPower(fs: FileOperations, random: () => number): void {
  const domains = `${root}/.holdfast/domains`
  for (const { name: domain } of fs.readDirectory(domains)) {
    for (const part of ['write', 'boots', ...names.map((name) => `names/${name}`)]) {
      const path = `${domains}/${domain}/${part}`
      if (fs.status(path) === undefined) continue
      const fate = random()
      if (fate < 0.2) {
        removeAll(fs, path)
        continue
      }
      for (const { name } of fs.readDirectory(path)) {
        const file = `${path}/${name}`
        const lot = random()
        if (lot < 0.4) fs.unlink(file)
        else if (lot < 0.6) fs.truncate(fs.open(file, 'update'), 0)
      }
    }
  }
}

async function useNumbers(
  storage: FileStorage,
  highest: Highest,
  { turns, isLast }: { readonly turns: number; readonly isLast: boolean },
): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    const { revision } = await storage.commit({
      writes: [{ address: { collection: 'c', key: 'k' }, change: { kind: 'put', value: turn } }],
    })
    expect(compareRevisions(revision, highest.revision)).toBeGreaterThan(0)
    highest.revision = revision
    for (const name of names) {
      // The holder before may be one of an earlier boot, that only silence can settle.
      const lease = await storage.acquireLease({ name, ttlMs: 50, waitMs: 10_000 })
      expect(lease.token).toBeGreaterThan(highest.tokens.get(name) ?? -1)
      highest.tokens.set(name, lease.token)
      // Some are still held when the power goes.
      if (!isLast || turn < turns - 1) await lease.release()
    }
  }
}

const boots = rounds(12, 300)

describe.each<[string, boolean]>([
  ['tells boots apart', true],
  ['does not', false],
])('numbers, where the system %s', (_, tellsBoots) => {
  it('rise across power cuts', async () => {
    const seed = campaignSeed
    const random = seededRandom(seed)
    const memory = new MemoryFileSystem()
    const highest: Highest = { revision: '0.0', tokens: new Map() }
    for (let boot = 1; boot <= boots; boot++) {
      const population = new Population(memory, { bootId: `boot-${boot}` })
      const lives: Life[] = []
      const processCount = 1 + Math.floor(random() * 3)
      for (let process = 1; process <= processCount; process++) {
        const life = population.born()
        const { processes } = life
        const { bootId, ...self } = processes.self
        const storage = life.storage({
          directory: root,
          backups: 0,
          writeTtlMs: 50,
          processes: tellsBoots ? processes : { ...processes, self },
        })
        await storage.open(() => {})
        const turns = 1 + Math.floor(random() * 4)
        await useNumbers(storage, highest, { turns, isLast: process === processCount })
        lives.push(life)
      }
      for (const life of lives) life.die()
      cutPower(memory.blocking, random)
    }
    report('power cuts', { seed, boots, 'last revision': highest.revision })
  })
})

describe('numbers beyond their first ceiling', () => {
  it('rise across a power cut', async () => {
    const memory = new MemoryFileSystem()
    const beyond = 16_500
    const population = new Population(memory)
    const life = population.born()
    const storage = life.storage({ directory: root, backups: 0 })
    await storage.open(() => {})
    let token = 0
    while (token < beyond) {
      const lease = await storage.acquireLease({ name: 'a' })
      token = lease.token
      await lease.release()
    }
    life.die()
    const [domain] = memory.blocking.readDirectory(`${root}/.holdfast/domains`)
    removeAll(memory.blocking, `${root}/.holdfast/domains/${domain?.name}`)
    population.bootId = 'boot-2'
    const next = population.born().storage({ directory: root })
    await next.open(() => {})
    expect((await next.acquireLease({ name: 'a' })).token).toBeGreaterThan(token)
    await next.close()
  })
})
