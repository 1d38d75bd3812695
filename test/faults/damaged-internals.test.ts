import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { FileSystemError, isStateStoreError } from '../../src/errors/index.js'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { campaignSeed, report } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import { buildImage, damage, fileAt, flipped, type Image, takeImage, zeroed } from './image.js'
import { Machine } from './machine.js'
import { type OpenedStore, openStore, refusalOf } from './opened-store.js'
import { overBlocking, watched } from './operations.js'
import { SimulatedClock } from './simulated-clock.js'
import { type State, stateOf } from './states.js'

const ttlMs = 50
const seed = campaignSeed
const before: State = { 'tasks/a': { n: 1 }, 'tasks/b': [2], 'notes/c': 'c' }
const after: State = { 'tasks/a': { n: 9 }, 'notes/c': 'c', 'notes/d': 9 }

interface Left {
  readonly image: Image
  /** What may be found in it. */
  readonly allowed: readonly State[]
}

type Ending = (opened: OpenedStore) => Promise<unknown>

/** What is on the disk when a process comes to its end in some way. */
async function leftBy(end: Ending, allowed: readonly State[]): Promise<Left> {
  const clock = new SimulatedClock()
  const disk = new MemoryFileSystem({ clock })
  let stopped = false
  // Once its intent is published, it does nothing more.
  const fs = watched(disk.blocking, ({ args, operation, path, perform }) => {
    if (stopped) throw new FileSystemError('EIO', operation, path)
    const result = perform()
    stopped = operation === 'rename' && String(args[1]).includes('/intents/')
    return result
  })
  const opened = await openStore({
    fileSystem: overBlocking(fs, clock.touch),
    clock,
    writeTtlMs: ttlMs,
  })
  for (const [name, value] of Object.entries(before)) {
    const [collection = '', key = ''] = name.split('/')
    await opened.store.collection(collection).set(key, value)
  }
  await opened.store.lock('held', { ttlMs })
  await end(opened)
  return { image: takeImage(disk.blocking), allowed }
}

const endings: Readonly<Record<string, () => Promise<Left>>> = {
  'was closed': () => leftBy(({ store }) => store.close(), [before]),
  'was killed between two turns': () => leftBy(async () => {}, [before]),
  'was killed in a transaction': () =>
    leftBy(
      ({ store }) =>
        refusalOf(
          store.transaction((transaction) => {
            transaction.set(store.collection('tasks'), 'a', { n: 9 })
            transaction.delete(store.collection('tasks'), 'b')
            transaction.set(store.collection('notes'), 'd', 9)
          }),
        ),
      [before, after],
    ),
}

/** Opens what is left, with one file damaged, and works with it. */
async function workOn({ image, allowed }: Left, path: string, bytes: Uint8Array, isDead: boolean) {
  const clock = new SimulatedClock(Date.UTC(2026, 10, 21, 10))
  const disk = buildImage(image)
  const domain = image.internals[0]?.inode ?? ''
  const present = disk.blocking.status('/store/.holdfast')?.inode ?? ''
  damage(disk.blocking, path.replace(`/domains/${domain}/`, `/domains/${present}/`), bytes)
  const machine = new Machine()
  const former = machine.start()
  if (isDead) machine.kill(former)
  const wrong: string[] = []
  try {
    const processes = machine.start()
    const fileSystem = overBlocking(disk.blocking, clock.touch)
    const { store } = await openStore({ fileSystem, clock, processes, writeTtlMs: ttlMs })
    const found = await stateOf(store)
    if (!allowed.some((state) => isDeepStrictEqual(found, state))) {
      wrong.push(`found ${JSON.stringify(found)}`)
    }
    await store.collection<number>('counts').update('n', (n) => n + 1, { initial: 0 })
    const held = await store.lock('held', { ttlMs })
    await store.collection('tasks').set('a', 'new', { lease: held })
    await held.release()
    await store.close()
    const again = await openStore({ fileSystem, clock, processes: machine.start() })
    const { 'counts/n': count, 'tasks/a': a, ...rest } = await stateOf(again.store)
    const { 'tasks/a': _, ...same } = found
    if (count !== 1 || a !== 'new' || !isDeepStrictEqual(rest, same)) {
      wrong.push(`left ${JSON.stringify({ count, a, ...rest })}`)
    }
    await again.store.close()
  } catch (error) {
    wrong.push(isStateStoreError(error) ? `was refused: ${error.message}` : `threw ${error}`)
  }
  wrong.push(...clock.uncaught.map((error) => `a timer threw ${error}`))
  return wrong
}

const masks = [0x01, 0x20, 0x80]

/** Damage to a file, at each of its bytes. */
function* damagesTo(
  bytes: Uint8Array,
  step: number,
  random: () => number,
): Iterable<[string, Uint8Array]> {
  for (let at = 0; at < bytes.byteLength; at += step) {
    const mask = masks[at % masks.length] ?? 1
    yield [`byte ${at} with ${mask}`, flipped(bytes, at, mask)]
    if (at % 6 === 0) yield [`cut at ${at}`, bytes.subarray(0, at)]
  }
  for (let run = 0; run < 5; run++) {
    const start = Math.floor(random() * bytes.byteLength)
    const length = 1 + Math.floor(random() * (bytes.byteLength - start))
    yield [`${length} zeros at ${start}`, zeroed(bytes, start, length)]
  }
  yield ['all zeros', new Uint8Array(bytes.byteLength)]
}

const isInternal = (path: string): boolean =>
  path.includes('/.holdfast/') && !path.includes('/backups/') && !path.endsWith('/reserve')

describe.each(Object.entries(endings))('a store that %s', (_name, makeLeft) => {
  it.each([
    ['is known to be dead', true, 1],
    ['may be alive', false, 5],
  ])('works whatever file is damaged, when its former process %s', async (_, isDead, step) => {
    const left = await makeLeft()
    const random = seededRandom(seed)
    const paths = left.image.files.flatMap(({ paths }) => paths).filter(isInternal)
    const wrong: string[] = []
    let trials = 0
    for (const path of paths) {
      for (const [how, bytes] of damagesTo(fileAt(left.image, path).bytes, step, random)) {
        trials += 1
        const found = await workOn(left, path, bytes, isDead)
        wrong.push(...found.map((each) => `${path}, ${how}, seed ${seed}: ${each}`))
      }
    }
    report('damaged internals', { seed, files: paths.length, damages: trials })
    expect(wrong.slice(0, 8)).toEqual([])
  })
})
