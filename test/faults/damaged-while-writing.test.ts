import { describe, expect, it } from 'vitest'
import { type FileSystem, MemoryFileSystem } from '../../src/file-system/index.js'
import { damage, flipped, zeroed } from './image.js'
import { Machine } from './machine.js'
import { openStore } from './opened-store.js'
import { overBlocking } from './operations.js'
import { SimulatedClock } from './simulated-clock.js'

const ttlMs = 50
const masks = [0x01, 0x20, 0x80]

/** Lets one sync wait, as a slow disk would, until it is told to go on. */
class SlowDisk {
  readonly fileSystem: FileSystem
  #waiting: Promise<void> | undefined
  #goOn = (): void => {}
  #reached = (): void => {}

  constructor(fast: FileSystem) {
    this.fileSystem = {
      ...fast,
      sync: async (file) => {
        const waiting = this.#waiting
        this.#waiting = undefined
        if (waiting !== undefined) {
          this.#reached()
          await waiting
        }
        await fast.sync(file)
      },
    }
  }

  /** Resolves once the next sync has begun; it ends with {@link goOn}. */
  holdNextSync(): Promise<void> {
    this.#waiting = new Promise((resolve) => {
      this.#goOn = resolve
    })
    return new Promise((resolve) => {
      this.#reached = resolve
    })
  }

  goOn(): void {
    this.#goOn()
  }
}

interface Counter {
  readonly count: number
}

async function setUp() {
  const clock = new SimulatedClock()
  const machine = new Machine()
  const disk = new MemoryFileSystem({ clock })
  const fast = overBlocking(disk.blocking, clock.touch)
  const slow = new SlowDisk(fast)
  const open = (fileSystem: FileSystem) =>
    openStore({ fileSystem, clock, processes: machine.start(), writeTtlMs: ttlMs })
  const first = await open(slow.fileSystem)
  const second = await open(fast)
  const domains = '/store/.holdfast/domains'
  const domain = `${domains}/${disk.blocking.readDirectory(domains)[0]?.name}`
  const count = (opened: typeof first): Promise<Counter> =>
    opened.store
      .collection<Counter>('counts')
      .update('n', (now) => ({ count: now.count + 1 }), { initial: { count: 0 } })
  return { clock, count, disk: disk.blocking, domain, first, second, slow }
}

/** The file of the newest generation in a directory of the domain. */
function newestIn({ disk, domain }: Awaited<ReturnType<typeof setUp>>, name: string): string {
  const names = disk.readDirectory(`${domain}/${name}`).map((entry) => entry.name)
  const newest = names
    .filter((each) => /^\d+$/.test(each))
    .sort()
    .at(-1)
  return `${domain}/${name}/${newest}`
}

function* damagesOf(bytes: Uint8Array, step: number): Iterable<[string, Uint8Array]> {
  yield ['emptied', new Uint8Array(0)]
  yield ['all zeros', new Uint8Array(bytes.byteLength)]
  yield ['zeros at its head', zeroed(bytes, 0, 18)]
  for (let at = 0; at < bytes.byteLength; at += at < 20 ? 1 : step) {
    const mask = masks[at % masks.length] ?? 1
    yield [`byte ${at} with ${mask}`, flipped(bytes, at, mask)]
    yield [`cut at ${at}`, bytes.subarray(0, at)]
  }
}

async function allDamagesOf(directory: string, step: number): Promise<[string, Uint8Array][]> {
  const world = await setUp()
  const { first, slow } = world
  if (directory === 'names/held') await first.store.lock('held')
  const held = slow.holdNextSync()
  const counting = world.count(first)
  await held
  const damages = [...damagesOf(world.disk.readFile(newestIn(world, directory)), step)]
  slow.goOn()
  await counting
  await first.store.close()
  return damages
}

describe('a writer in its turn, whose mark is damaged', () => {
  it('loses no update, nor does who takes its turn', async () => {
    const wrong: string[] = []
    const damages = await allDamagesOf('write', 4)
    for (const index of damages.keys()) {
      const world = await setUp()
      const { clock, count, disk, first, second, slow } = world
      await count(first)
      const held = slow.holdNextSync()
      const counting = count(first)
      await held
      const path = newestIn(world, 'write')
      // The bytes of this very file, damaged the same way.
      const [how, bytes] = [...damagesOf(disk.readFile(path), 4)][index] ?? [
        'emptied',
        new Uint8Array(0),
      ]
      damage(disk, path, bytes)
      const other = count(second)
      const patience = clock.sleep(4 * ttlMs)
      await Promise.race([other, patience])
      slow.goOn()
      await Promise.all([counting, other])
      const found = await second.store.collection<Counter>('counts').get('n')
      if (found?.count !== 3) wrong.push(`${how}: counted ${found?.count}`)
      for (const { store } of [first, second]) await store.close()
    }
    expect(wrong).toEqual([])
    expect(damages.length).toBeGreaterThan(50)
  })
})

describe('a holder of a lock, whose mark is damaged', () => {
  it('writes under it only while nobody else has it', async () => {
    const wrong: string[] = []
    const damages = await allDamagesOf('names/held', 4)
    for (const index of damages.keys()) {
      const world = await setUp()
      const { clock, disk, first, second, slow } = world
      const docs = first.store.collection('docs')
      await docs.set('warm', 1)
      const lock = await first.store.lock('held', { ttlMs })
      const held = slow.holdNextSync()
      const writing = docs.set('a', 'first', { lease: lock }).then(
        () => 'written',
        (error: { code?: string }) => error.code,
      )
      await held
      const path = newestIn(world, 'names/held')
      const [how, bytes] = [...damagesOf(disk.readFile(path), 4)][index] ?? [
        'emptied',
        new Uint8Array(0),
      ]
      damage(disk, path, bytes)
      // It is to get the lock only when the write of the first can no longer come after it.
      let gotIt = false
      const taking = second.store.lock('held', { ttlMs, waitMs: 20 * ttlMs }).then(
        async (taken) => {
          gotIt = true
          await second.store.collection('docs').set('a', 'second', { lease: taken })
          return taken
        },
        () => undefined,
      )
      await Promise.race([taking, clock.sleep(4 * ttlMs)])
      const overtaken = gotIt
      slow.goOn()
      const outcome = await writing
      const taken = await taking
      const found = await second.store.collection('docs').get('a')
      if (overtaken && outcome === 'written') {
        wrong.push(`${how}: the first wrote after the second had the lock`)
      }
      if (taken !== undefined && found !== 'second') wrong.push(`${how}: found ${found}`)
      if (outcome !== 'written' && outcome !== 'STATE_LEASE_LOST') wrong.push(`${how}: ${outcome}`)
      await taken?.release()
      for (const { store } of [first, second]) await store.close()
    }
    expect(wrong).toEqual([])
  })
})
