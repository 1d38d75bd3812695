import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { isStateStoreError } from '../../src/errors/index.js'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { jsonSerializer, type Serializer } from '../../src/serializer/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import { encodeKey } from '../../src/storage/file/key-encoding.js'
import { campaignSeed } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import { damage, flipped, zeroed } from './image.js'
import { type OpenedStore, openStore, refusalOf } from './opened-store.js'
import { overBlocking } from './operations.js'
import { SimulatedClock } from './simulated-clock.js'

const seed = campaignSeed

interface Subject {
  readonly key: string
  readonly older: unknown
  readonly saved: unknown
  readonly serializer: Serializer
}

const longKey = `${'Ключ '.repeat(12)}/${'\ud800'}..`

const subjects: Readonly<Record<string, Subject>> = {
  'an object': {
    key: 'a',
    older: { n: 1 },
    saved: { n: 2, text: 'two' },
    serializer: jsonSerializer(),
  },
  'an array': { key: 'b', older: [], saved: [1, 'two'], serializer: jsonSerializer() },
  'a scalar': { key: 'c', older: 'older', saved: 'saved', serializer: jsonSerializer() },
  'a document with a long key': {
    key: longKey,
    older: { n: 1 },
    saved: { n: 2 },
    serializer: jsonSerializer(),
  },
  'an object in YAML': {
    key: 'a',
    older: { n: 1 },
    saved: { n: 2, lines: 'one\ntwo\n' },
    serializer: yamlSerializer(),
  },
  'an array in YAML': { key: 'b', older: [], saved: ['x', { y: 1 }], serializer: yamlSerializer() },
}

/** A store with one document to be damaged and one that must not care. */
class Bench {
  readonly #disk: MemoryFileSystem
  readonly #path: string
  readonly #documents

  private constructor(
    readonly opened: OpenedStore,
    readonly subject: Subject,
    disk: MemoryFileSystem,
  ) {
    this.#disk = disk
    this.#documents = opened.store.collection('docs')
    const { extension } = subject.serializer
    this.#path = `/store/docs/${encodeKey(subject.key)}.${extension}`
  }

  static async with(subject: Subject, backups: number): Promise<Bench> {
    const clock = new SimulatedClock()
    const disk = new MemoryFileSystem({ clock })
    const opened = await openStore({
      fileSystem: overBlocking(disk.blocking, clock.touch),
      clock,
      backups,
      durability: 'process',
      serializer: subject.serializer,
    })
    await opened.store.collection('docs').set('other', { other: true })
    return new Bench(opened, subject, disk)
  }

  async pristine(): Promise<Uint8Array> {
    const { key, older, saved } = this.subject
    await this.#documents.set(key, older)
    await this.#documents.set(key, saved)
    this.opened.events.length = 0
    return this.#disk.blocking.readFile(this.#path)
  }

  /** Puts damaged bytes in place of the document; returns what is wrong with how that is met. */
  async meet(bytes: Uint8Array): Promise<string[]> {
    damage(this.#disk.blocking, this.#path, bytes)
    const { key, older, saved } = this.subject
    const wrong: string[] = []
    const keys = await this.#documents.list()
    const strangers = keys.filter((each) => each !== key && each !== 'other')
    if (strangers.length > 0) wrong.push(`listed ${JSON.stringify(strangers)}`)
    wrong.push(...(await this.#judge(older, saved)))
    if (!isDeepStrictEqual(await this.#documents.get('other'), { other: true })) {
      wrong.push('damaged another document')
    }
    await this.#documents.set('other', { other: true })
    await this.#documents.set(key, saved)
    if (!isDeepStrictEqual(await this.#documents.get(key), saved)) wrong.push('could not be set')
    return wrong
  }

  async #judge(older: unknown, saved: unknown): Promise<string[]> {
    const { key } = this.subject
    const told = (): number => this.opened.eventsOf('state:corrupt').length
    let found: unknown
    try {
      found = await this.#documents.get(key)
    } catch (error) {
      if (!isStateStoreError(error, 'STATE_CORRUPT')) return [`threw ${String(error)}`]
      return told() > 0 ? [] : ['was refused without being reported']
    }
    if (this.opened.eventsOf('state:external-change').length > 0) return ['was taken for an edit']
    if (isDeepStrictEqual(found, saved)) return []
    if (!isDeepStrictEqual(found, older)) return [`gave ${JSON.stringify(found)}`]
    const events = this.opened.eventsOf('state:corrupt')
    const restored = events.some((event) => event.restoredFrom !== undefined)
    return restored ? [] : ['gave the older value without a word']
  }
}

const masks = [0x01, 0x20, 0x80]

describe.each(Object.entries(subjects))('%s that is damaged', (_name, subject) => {
  it.each([
    ['with backups', 10],
    ['without any', 0],
  ])('never shows what was not saved, %s', async (_, backups) => {
    const bench = await Bench.with(subject, backups)
    const random = seededRandom(seed)
    const wrong: string[] = []
    const meet = async (how: string, bytes: Uint8Array): Promise<void> => {
      wrong.push(...(await bench.meet(bytes)).map((each) => `${how}, seed ${seed}: ${each}`))
    }
    const { byteLength } = await bench.pristine()
    for (let at = 0; at < byteLength; at++) {
      // Each mask at every third byte; all of them at all bytes stand in damaged-text.test.ts.
      const mask = masks[(at + backups) % masks.length] ?? 1
      await meet(`byte ${at} with ${mask}`, flipped(await bench.pristine(), at, mask))
      await meet(`cut at ${at}`, (await bench.pristine()).subarray(0, at))
    }
    for (let run = 0; run < 40; run++) {
      const start = Math.floor(random() * byteLength)
      const length = 1 + Math.floor(random() * (byteLength - start))
      await meet(`${length} zeros at ${start}`, zeroed(await bench.pristine(), start, length))
    }
    expect(wrong.slice(0, 5)).toEqual([])
  })
})

describe('a document of which nothing is whole', () => {
  it.each(Object.entries(subjects))(
    '%s: falls back on the newest good backup',
    async (_, subject) => {
      const clock = new SimulatedClock()
      const disk = new MemoryFileSystem({ clock })
      const fs = disk.blocking
      const { store, eventsOf } = await openStore({
        fileSystem: overBlocking(fs, clock.touch),
        clock,
        durability: 'process',
        serializer: subject.serializer,
      })
      const docs = store.collection('docs')
      const { key, older, saved } = subject
      for (const value of [older, saved, saved, saved]) {
        await docs.set(key, value)
        clock.advance(1000)
      }
      const name = `${encodeKey(key)}.${subject.serializer.extension}`
      const kept = `/store/.holdfast/backups/docs/${name}`
      const paths = [`/store/docs/${name}`]
      for (const { id } of (await docs.backups(key)).reverse()) paths.push(`${kept}/${id}`)
      for (const [index, path] of paths.entries()) {
        const bytes = fs.readFile(path)
        const at = Math.floor(bytes.byteLength / 3) + index
        damage(fs, path, index % 2 === 0 ? flipped(bytes, at, 0x20) : bytes.subarray(0, at))
        const last = index === paths.length - 1
        if (!last) {
          expect(await docs.get(key)).toEqual(index < 2 ? saved : older)
          const [event] = eventsOf('state:corrupt').slice(-1)
          expect(event?.restoredFrom).toBe(paths[index + 1]?.slice(kept.length + 1))
          // As it was, so that the next backup has to do.
          damage(fs, `/store/docs/${name}`, fs.readFile(`/store/docs/${name}`).subarray(0, 30))
          continue
        }
        expect(await refusalOf(docs.get(key))).toMatchObject({ code: 'STATE_CORRUPT' })
      }
      await store.close()
    },
  )
})
