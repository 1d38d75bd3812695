/** Every file of a store, spoilt one at a time: the store is opened on it, read, written to and verified. */
import { isDeepStrictEqual } from 'node:util'
import { isStateStoreError } from '../../src/errors/index.js'
import type { FileOperations } from '../../src/file-system/index.js'
import type { StateStore } from '../../src/index.js'
import type { IndexBlock } from '../../src/log-segment/index.js'
import { jsonSerializer } from '../../src/serializer/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import {
  decodeManifest,
  encodeIndex,
  type LogManifest,
} from '../../src/storage/file/log-manifest.js'
import { buildImage, damage, fileAt } from '../faults/image.js'
import { Machine } from '../faults/machine.js'
import { openStore } from '../faults/opened-store.js'
import { overBlocking, watched } from '../faults/operations.js'
import { SimulatedClock } from '../faults/simulated-clock.js'
import { isAmong, isRecognisable, isStorable, saysHonestly } from './honesty.js'
import { mutated, oversized, pick, type Random } from './mutations.js'
import { resealed } from './resealing.js'
import { inYaml, longName, makeStoreImage, type StoreImage, storeOptions } from './store-image.js'

/** More than any operation takes, whatever is in the file. */
const callLimit = 100_000

const kinds: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['backups', /\/\.holdfast\/backups\//],
  ['redo intents', /\/\.holdfast\/intents\//],
  ['log manifests', /\/\.holdfast\/logs\/[^/]+$/],
  ['segment indexes', /\/\.holdfast\/logs\/[^/]+\//],
  ['generation files of the writer', /\/domains\/\d+\/write\//],
  ['generation files of locks', /\/domains\/\d+\/names\//],
  ['incarnation owners', /\/domains\/\d+\/writers\/[^/]+\.json$/],
  ['boots', /\/domains\/\d+\/boots\//],
  ['ceilings', /\/ceilings\//],
  ['the stamp', /\/store(?:\.copy)?\.json$/],
  ['log segments', /\/logs\/[^/]+\/\d+\.jsonl$/],
  ['active log files', /\/logs\/[^/]+\.jsonl$/],
  ['counters', /^\/store\/counters\//],
  ['health documents', /^\/store\/health\//],
  ['documents', /^\/store\/[^/.][^/]*\//],
]

const kindOf = (path: string): string | undefined =>
  kinds.find(([, pattern]) => pattern.test(path))?.[0]

export const storeFileKinds = kinds.map(([kind]) => kind)

interface Spoilt {
  readonly path: string
  readonly bytes: Buffer
  /** As if by hardware, with the file's time left alone. */
  readonly keepsTime: boolean
  /** With a right checksum: then it may say what it likes, but nothing else may suffer. */
  readonly isResealed: boolean
}

let made: Promise<StoreImage> | undefined

function spoil(store: StoreImage, kind: string, random: Random): Spoilt | undefined {
  const paths = store.image.files.flatMap((file) => file.paths)
  const ofKind = paths.filter((path) => kindOf(path) === kind)
  if (ofKind.length === 0) throw new Error(`There is no file for ${kind}`)
  const path = pick(ofKind, random)
  const sample = Buffer.from(fileAt(store.image, path).bytes)
  const keepsTime = random() < 0.6
  if (random() < 0.25) {
    const bytes = resealed(path, sample, random)
    if (bytes !== undefined) return { path, bytes, keepsTime, isResealed: true }
  }
  if (random() < 0.01) {
    const size = pick([10_000, 300_000, 1_000_000], random)
    const isYaml = path.endsWith('.yaml')
    const bytes = oversized(sample, isYaml ? Math.min(size, 30_000) : size, random)
    return { path, bytes, keepsTime, isResealed: false }
  }
  return { path, bytes: mutated(sample, random), keepsTime, isResealed: false }
}

/** What is wrong with how one spoilt file was met; undefined if nothing is. */
export async function judgeStoreFile(kind: string, random: Random): Promise<string | undefined> {
  made ??= makeStoreImage()
  const store = await made
  const spoilt = spoil(store, kind, random)
  if (spoilt === undefined) return undefined
  const isDead = random() < 0.5
  const wrong = await new Meeting(store, spoilt).hold(isDead).catch(describe)
  return wrong === undefined ? undefined : `${spoilt.path} (${spoilt.bytes.length} bytes): ${wrong}`
}

const describe = (error: unknown): string =>
  isStateStoreError(error)
    ? `was refused: ${error.code} ${error.message}`
    : `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`

class Meeting {
  readonly #image: StoreImage
  readonly #spoilt: Spoilt
  readonly #disk
  readonly #clock = new SimulatedClock(Date.UTC(2027, 0, 1))

  constructor(image: StoreImage, spoilt: Spoilt) {
    this.#image = image
    this.#spoilt = spoilt
    this.#disk = buildImage(image.image)
  }

  async hold(isDead: boolean): Promise<string | undefined> {
    this.#putInPlace(this.#disk.blocking)
    const machine = new Machine()
    const former = machine.start()
    if (isDead) machine.kill(former)
    const first = await this.#open(machine)
    const wrong =
      (await this.#judgeDocuments(first)) ??
      (await this.#judgeLogs(first)) ??
      (await this.#judgeLocks(first))
    if (wrong !== undefined) return wrong
    await this.#useAll(first)
    await first.verify({ repair: true })
    await first.close()
    const second = await this.#open(machine)
    const last = await this.#judgeWritten(second)
    await second.close()
    const beside = this.#disk.blocking.readDirectory('/').map(({ name }) => name)
    return last ?? (beside.length === 1 ? undefined : `wrote outside: ${beside}`)
  }

  #putInPlace(fs: FileOperations): void {
    const { bytes, keepsTime } = this.#spoilt
    const domain = this.#image.image.internals[0]?.inode ?? ''
    const present = fs.status('/store/.holdfast')?.inode ?? ''
    const path = this.#spoilt.path.replace(`/domains/${domain}/`, `/domains/${present}/`)
    const modified = fs.status(path)?.modifiedMicros ?? 0
    damage(fs, path, this.#withInode(fs, bytes))
    if (keepsTime) return
    const file = fs.open(path, 'update')
    fs.setModifiedTime(file, Math.floor(modified / 1_000_000) * 1_000_000 + 5_000_000)
    fs.close(file)
  }

  /** An index is of one file; on this disk that has another inode. */
  #withInode(fs: FileOperations, bytes: Buffer): Buffer {
    const [, name, number] =
      /\/\.holdfast\/logs\/([^/]+)\/(\d+)\.json$/.exec(this.#spoilt.path) ?? []
    if (number === undefined || !this.#spoilt.isResealed) return bytes
    const inode = fs.status(`/store/logs/${name}/${number}.jsonl`)?.inode ?? ''
    const { body } = JSON.parse(bytes.toString('utf8')) as { body: { blocks: IndexBlock[] } | null }
    if (typeof body !== 'object' || body === null) return bytes
    const { segments } = this.#manifestOf(name ?? '')
    const size = segments.find((each) => each.number === Number(number))?.bytes ?? 0
    return Buffer.from(encodeIndex({ bytes: size, inode }, body.blocks))
  }

  #manifestOf(name: string): LogManifest {
    const { bytes } = fileAt(this.#image.image, `/store/.holdfast/logs/${name}.json`)
    return decodeManifest(Buffer.from(bytes).toString('utf8')) ?? { log: name, segments: [] }
  }

  async #open(machine: Machine): Promise<StateStore> {
    let calls = 0
    const blocking = watched(this.#disk.blocking, ({ operation, perform }) => {
      calls += 1
      if (calls > callLimit) throw new Error(`made more than ${callLimit} calls, now ${operation}`)
      return perform()
    })
    const { store } = await openStore({
      ...storeOptions,
      clock: this.#clock,
      fileSystem: overBlocking(blocking, this.#clock.touch),
      processes: machine.start(),
    })
    return inYaml(store)
  }

  async #judgeDocuments(store: StateStore): Promise<string | undefined> {
    const { path } = this.#spoilt
    const isShared = /\/(?:intents|backups)\//.test(path) && this.#spoilt.isResealed
    for (const [id, values] of this.#image.histories) {
      const [collection, key] = JSON.parse(id) as [string, string]
      const documents = store.collection(collection)
      const isHit = path.startsWith('/store/') && this.#isFileOf(collection, key)
      let found: unknown
      try {
        found = await documents.get(key)
      } catch (error) {
        if (isHit && isStateStoreError(error, 'STATE_CORRUPT')) continue
        return `${id}: ${describe(error)}`
      }
      const latest = collection === 'docs' && (key === 'a' || key === 'new') ? 2 : 1
      const allowed = isHit ? [...values, ...this.#honestValues(path)] : values.slice(-latest)
      if (isShared || isAmong(found, allowed)) continue
      return `${id}: reads ${JSON.stringify(found)?.slice(0, 300)}`
    }
    return undefined
  }

  #isFileOf(collection: string, key: string): boolean {
    const { path } = this.#spoilt
    const [, , directory = '', name = ''] = path.split('/')
    if (directory === '.holdfast') return false
    const isDirectory =
      collection === longName ? directory.startsWith('%%') : directory === collection
    const isName = key === longName ? name.startsWith('%%') : name.replace(/\.\w+$/, '') === key
    return isDirectory && isName
  }

  /** What the text says, where it can pass for a person's. */
  #honestValues(path: string): unknown[] {
    const { bytes, keepsTime } = this.#spoilt
    const text = bytes.toString('utf8')
    const isByHand = path.endsWith('Notes 1.json')
    if (keepsTime && !isByHand && isRecognisable(text)) return []
    const serializer = path.endsWith('.yaml') ? yamlSerializer() : jsonSerializer()
    return saysHonestly((each) => serializer.decode(each), text)
  }

  async #judgeLogs(store: StateStore): Promise<string | undefined> {
    for (const [log, events] of this.#image.events) {
      const isHit = this.#spoilt.path.includes('/logs/')
      const since = 0
      for (const filter of [{}, { reverse: true }, { since, limit: 40 }, { after: '1.1' }]) {
        const found = await store.log(log).query(filter).toArray()
        if (!isHit && !('limit' in filter) && found.length < events.size) {
          return `log ${log}: has ${found.length} of ${events.size} events`
        }
        for (const event of found) {
          const original = events.get(event.id)
          const isRight = event.id === '0.0' || isDeepStrictEqual(event, original)
          if (isHit && this.#spoilt.isResealed) continue
          if (!isRight) return `log ${log}: gave ${JSON.stringify(event).slice(0, 300)}`
        }
      }
    }
    return undefined
  }

  async #judgeLocks(store: StateStore): Promise<string | undefined> {
    for (const name of ['job', 'held', longName]) {
      const lock = await store.lock(name, { waitMs: 200_000_000 })
      if (lock.token < 2) return `the token of ${name} fell to ${lock.token}`
      await store.collection('docs').set('under', { name }, { lease: lock })
      await lock.release()
    }
    const wrong = (await store.locks()).find(
      ({ name, since, state }) =>
        typeof name !== 'string' || Number.isNaN(since) || !['free', 'held'].includes(state),
    )
    return wrong && `lists ${JSON.stringify(wrong)}`
  }

  /** What else reads files. Each may refuse, with an error of ours; not be brought down. */
  async #useAll(store: StateStore): Promise<void> {
    const uses: readonly (() => Promise<unknown>)[] = [
      () => store.counters.get('n'),
      () => store.counters.get('n', { per: 'day' }),
      () => store.counters.windows('n', { per: 'hour' }),
      () => store.counters.increment('n', 1, { per: 'day', timeZone: 'Europe/Berlin' }),
      () => store.health.latest('bridge'),
      () => store.health.record('bridge', 'error'),
      () => store.health.uptime('bridge'),
      () => store.transaction((tx) => tx.get(store.collection('docs'), 'a')),
      () => store.collection('docs').update('a', (value) => ({ value })),
      () => store.collection('notes').update('day', async (value) => ({ value })),
    ]
    for (const use of uses) {
      try {
        await use()
      } catch (error) {
        if (!isStateStoreError(error)) throw error
      }
    }
    // These concern all of the store: one file must not stop them.
    await store.counters.all()
    await store.health.latest()
    await store.health.summary()
    await store.health.statusLine()
    await store.health.check()
    for (const collection of await store.collections()) {
      const documents = store.collection(collection)
      for await (const { key, value } of documents.entries()) {
        if (!isStorable(value)) throw new Error(`${collection}/${key} could not be stored`)
        for (const { id } of await documents.backups(key)) {
          await documents.readBackup(key, id).catch((error: unknown) => {
            if (!isStateStoreError(error)) throw error
          })
        }
      }
    }
    for (const [id] of this.#image.histories) {
      const [collection, key] = JSON.parse(id) as [string, string]
      if (collection !== 'counters') await store.collection(collection).set(key, { again: true })
    }
    for (const log of this.#image.events.keys()) await store.log(log).append('again', { n: 51 })
    await store.counters.increment('other')
  }

  async #judgeWritten(store: StateStore): Promise<string | undefined> {
    for (const [id] of this.#image.histories) {
      const [collection, key] = JSON.parse(id) as [string, string]
      if (collection === 'counters') continue
      const found = await store.collection(collection).get(key)
      if (!isDeepStrictEqual(found, { again: true })) return `${id}: lost what was written`
    }
    for (const log of this.#image.events.keys()) {
      const [last] = await store.log(log).last(1, { type: 'again' })
      if (!isDeepStrictEqual(last?.data, { n: 51 })) return `log ${log}: lost what was appended`
    }
    return (await store.counters.get('other')) === 1 ? undefined : 'lost a count'
  }
}
