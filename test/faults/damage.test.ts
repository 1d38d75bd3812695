/** Damage to any file of a store: one byte flipped, or the file cut, its time as it was. */
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { isStateStoreError } from '../../src/errors/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import type { Collection } from '../../src/store/index.js'
import { campaignSeed, isLong, rounds } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import { buildImage, damage, flipped, type Image, takeImage, zeroed } from './image.js'
import { openStore, type StoreOptions } from './opened-store.js'
import { overBlocking } from './operations.js'
import { SimulatedClock } from './simulated-clock.js'

/** Of a file larger than this, only some places are hit. */
const placesPerFile = rounds(220, 4096)

/** Every value a key has had, oldest first; `undefined` stands for absent. */
const histories: Readonly<Record<string, readonly unknown[]>> = {
  'docs/a': [{ n: 1 }, { n: 2, text: 'two' }, { n: 3, nested: { list: [1, 2, 3] } }],
  'docs/list': [[1, 'two', null]],
  [`docs/${'long '.repeat(80)}`]: [{ long: true }],
  'notes/day': [{ mood: 'calm' }, { mood: 'busy', hours: [9, 17] }],
}
const split = (id: string): [string, string] => {
  const at = id.indexOf('/')
  return [id.slice(0, at), id.slice(at + 1)]
}

type Store = Awaited<ReturnType<typeof openStore>>

async function open(options: StoreOptions): Promise<Store> {
  const opened = await openStore({ ...options, writeTtlMs: 50 })
  opened.store.collection('notes', { serializer: yamlSerializer() })
  return opened
}

const collectionOf = ({ store }: Store, name: string): Collection<unknown> => store.collection(name)

async function makeImage(): Promise<Image> {
  const disk = buildImage({ directories: [], files: [], symlinks: [], internals: [] })
  const opened = await open({ fileSystem: disk })
  for (const [id, values] of Object.entries(histories)) {
    const [collection, key] = split(id)
    for (const value of values) await collectionOf(opened, collection).set(key, value)
  }
  const lock = await opened.store.lock('job')
  await lock.release()
  await opened.store.close()
  return takeImage(disk.blocking)
}

/** Undefined if all is as it should be; else what is wrong. */
async function judgeStore(
  image: Image,
  path: string,
  bytes: Uint8Array,
): Promise<string | undefined> {
  const disk = buildImage(image)
  damage(disk.blocking, path, bytes)
  const clock = new SimulatedClock(Date.UTC(2027, 0, 1))
  const fileSystem = overBlocking(disk.blocking, clock.touch)
  const opened = await open({ fileSystem, clock })
  for (const [id, values] of Object.entries(histories)) {
    const [collection, key] = split(id)
    const wrong = await judgeKey(collectionOf(opened, collection), key, values, path)
    if (wrong !== undefined) return `${id}: ${wrong}`
  }
  const lock = await opened.store.lock('job', { waitMs: 60_000 })
  if (lock.token < 2) return `the lock's token fell to ${lock.token}`
  await lock.release()
  await opened.store.verify({ repair: true })
  await opened.store.close()
  return undefined
}

async function judgeKey(
  collection: Collection<unknown>,
  key: string,
  values: readonly unknown[],
  damaged: string,
): Promise<string | undefined> {
  const last = values.at(-1)
  const isHit = damaged.startsWith(`/store/${collection.name}/`)
  try {
    const value = await collection.get(key)
    const allowed = isHit ? values : [last]
    if (!allowed.some((each) => isDeepStrictEqual(each, value))) {
      return `reads ${JSON.stringify(value)}`
    }
  } catch (error) {
    if (!isHit || !isStateStoreError(error, 'STATE_CORRUPT')) return `fails: ${String(error)}`
  }
  await collection.set(key, { again: true })
  const again = await collection.get(key)
  return isDeepStrictEqual(again, { again: true }) ? undefined : 'cannot be set again'
}

const seed = campaignSeed
const random = seededRandom(seed)

function placesIn(length: number): number[] {
  if (length <= placesPerFile) return Array.from({ length }, (_, index) => index)
  return Array.from({ length: placesPerFile }, () => Math.floor(random() * length))
}

const masks = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80]

describe(`damage (seed ${seed})`, () => {
  it('to any file gives no wrong value, stops nothing, and hurts no other key', async () => {
    const image = await makeImage()
    let trials = 0
    const failures: string[] = []
    const tryOut = async (path: string, bytes: Uint8Array, what: string): Promise<void> => {
      trials += 1
      const wrong = await judgeStore(image, path, bytes).catch((error: unknown) => String(error))
      if (wrong !== undefined) failures.push(`${path}, ${what}: ${wrong}`)
    }
    for (const { paths, bytes } of image.files) {
      const path = paths[0] ?? ''
      for (const index of placesIn(bytes.byteLength)) {
        const chosen = isLong ? masks : [masks[Math.floor(random() * masks.length)] ?? 1]
        for (const mask of chosen) {
          await tryOut(path, flipped(bytes, index, mask), `byte ${index} ^ ${mask}`)
        }
      }
      for (const length of placesIn(bytes.byteLength)) {
        if (!isLong && length % 4 !== 0) continue
        await tryOut(path, bytes.subarray(0, length), `cut at ${length}`)
        await tryOut(path, zeroed(bytes, length, 16), `zeros from ${length}`)
      }
    }
    console.log(`${trials} damages to ${image.files.length} files, seed ${seed}`)
    expect(failures.slice(0, 10)).toEqual([])
    expect(trials).toBeGreaterThan(1000)
  })
})
