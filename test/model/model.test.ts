import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeFileAtomicWriter } from '../../src/atomic-write/write-file-atomic/index.js'
import { properLockfileLock } from '../../src/file-lock/proper-lockfile/index.js'
import { MemoryFileSystem, NodeFileSystem } from '../../src/file-system/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import type { FileStorageOptions } from '../../src/storage/file/index.js'
import { MemoryStorage } from '../../src/storage/memory/index.js'
import { campaignSeed, report, rounds, scratchDirectory } from '../support/campaign.js'
import { compareAll, type Ideal, ran, type Supports } from './command.js'
import { commands } from './commands.js'
import { StoreModel } from './store-model.js'
import { closingAfterwards, World } from './world.js'

/** Of a failure, as fast-check prints them: to be had again together with the seed. */
const { HOLDFAST_PATH: path, HOLDFAST_REPLAY: replayPath } = process.env

const backups = 3
const options: Partial<FileStorageOptions> = { backups, logSegmentBytes: 4096 }

interface Subject {
  readonly storage: string
  readonly sequences: number
  readonly supports: Supports
  /** A new storage, and what removes it. */
  create(): { readonly world: World; dispose(): void }
}

const nothing = (): void => {}

function onMemoryDisk(more: Partial<FileStorageOptions> = {}): ReturnType<Subject['create']> {
  const storage = { directory: '/store', ...options, ...more }
  return { world: World.onFiles(new MemoryFileSystem(), storage), dispose: nothing }
}

const scratch = scratchDirectory()
let made = 0

function onRealDisk(more: Partial<FileStorageOptions> = {}): ReturnType<Subject['create']> {
  made += 1
  const { closeAll, fileSystem } = closingAfterwards(new NodeFileSystem())
  const storage = { directory: join(scratch, String(made)), ...options, ...more }
  return { world: World.onFiles(fileSystem, storage), dispose: closeAll }
}

const fenced: Supports = { processes: true, deathInTurn: true, backups }
/** What these write bypasses the file system that a dead process can no longer use. */
const unfenced: Supports = { ...fenced, deathInTurn: false }

const subjects: readonly Subject[] = [
  {
    storage: 'MemoryStorage',
    sequences: rounds(100, 1000),
    supports: { processes: false, deathInTurn: false, backups },
    create: () => ({
      world: World.inMemory((clock) => new MemoryStorage({ clock, backups })),
      dispose: nothing,
    }),
  },
  {
    storage: 'FileStorage on a disk in memory',
    sequences: rounds(60, 1000),
    supports: fenced,
    create: () => onMemoryDisk(),
  },
  {
    storage: 'FileStorage with YAML',
    sequences: rounds(40, 500),
    supports: fenced,
    create: () => onMemoryDisk({ serializer: yamlSerializer() }),
  },
  {
    storage: 'FileStorage',
    sequences: rounds(12, 200),
    supports: fenced,
    create: () => onRealDisk(),
  },
  {
    storage: 'FileStorage with write-file-atomic',
    sequences: rounds(8, 130),
    supports: unfenced,
    create: () => onRealDisk({ writer: writeFileAtomicWriter() }),
  },
  {
    storage: 'FileStorage with proper-lockfile',
    sequences: rounds(8, 130),
    supports: unfenced,
    create: () => onRealDisk({ lock: properLockfileLock() }),
  },
]

describe.each(
  // Each has sequences of its own.
  subjects.map((subject, index) => ({ ...subject, seed: campaignSeed + index })),
)('$storage', ({ create, seed, sequences, storage, supports }) => {
  it(
    'is what its model is, whatever is done to it in whatever order',
    async () => {
      ran.clear()
      let crashes = 0
      let reopenings = 0
      const sequence = fc.commands([...commands], {
        maxCommands: 40,
        size: 'max',
        ...(replayPath === undefined ? {} : { replayPath }),
      })
      const property = fc.asyncProperty(sequence, async (each) => {
        const { dispose, world } = create()
        try {
          await world.open(0)
          const model: Ideal = { state: new StoreModel(), isTaken: [true, false], supports }
          await fc.asyncModelRun(() => ({ model, real: world }), each)
          await compareAll(model.state, world.at(0).store, world)
          if (!supports.processes) return
          for (const seat of [0, 1] as const) if (world.isOpen(seat)) await world.close(seat)
          await compareAll(model.state, await world.open(0), world)
          reopenings += 1 + world.reopenings
          crashes += world.crashes
        } finally {
          await world.dispose()
          dispose()
        }
      })
      await fc.assert(property, {
        seed,
        numRuns: sequences,
        ...(path === undefined ? {} : { path }),
      })
      const total = [...ran.values()].reduce((sum, count) => sum + count, 0)
      report('model sequences', {
        storage,
        seed,
        sequences,
        commands: total,
        crashes,
        reopenings,
      })
      expect(total).toBeGreaterThan(sequences)
    },
    rounds(120_000, 3_600_000),
  )
})
