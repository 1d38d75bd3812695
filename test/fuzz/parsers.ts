/** The parsers of on-disk bytes, each by itself: what it is fed with, and what may come of it. */
import { isDeepStrictEqual } from 'node:util'
import { increased, toCounter } from '../../src/counter/counter-document.js'
import { isStateStoreError } from '../../src/errors/index.js'
import {
  GenerationCeiling,
  GenerationDirectory,
  SilenceObserver,
} from '../../src/file-lock/index.js'
import { type FileOperations, MemoryFileSystem } from '../../src/file-system/index.js'
import { readHealth, writeHealth } from '../../src/health/component-state.js'
import { toHealthRecord } from '../../src/health/history.js'
import {
  decodeLine,
  encodeContent,
  encodeLine,
  SegmentIndex,
  salvageLine,
} from '../../src/log-segment/index.js'
import { jsonSerializer, type Serializer } from '../../src/serializer/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import {
  encodeDocument,
  judge,
  markedTime,
  markOf,
  namesIn,
  readIntact,
  savedRevisionIn,
} from '../../src/storage/file/document-file.js'
import { Incarnation, sweepIncarnations } from '../../src/storage/file/incarnation.js'
import { decodeKey, encodeKey } from '../../src/storage/file/key-encoding.js'
import {
  decodeIndex,
  decodeManifest,
  encodeIndex,
  encodeManifest,
} from '../../src/storage/file/log-manifest.js'
import { holdsRecord, lastCommittedId } from '../../src/storage/file/log-tail.js'
import { compareRevisions, isRevision } from '../../src/storage/index.js'
import { Machine } from '../faults/machine.js'
import { isAmong, isRecognisable, isStorable, saysHonestly } from './honesty.js'
import { pick, type Random } from './mutations.js'

export interface ParserSubject {
  readonly parser: string
  /** Well-formed inputs to be spoilt. */
  readonly samples: readonly Buffer[]
  /** What is wrong with how the bytes were taken; undefined if nothing is. */
  judge(bytes: Buffer, sample: Buffer, random: Random): string | undefined
}

const address = { collection: 'tasks', key: 'a' }
const savedAt = Date.UTC(2026, 10, 21, 9)
const revision = '12.3'

const documentValues: readonly unknown[] = [
  { status: 'pending', attempts: 0, done: false, ratio: 1.5 },
  { list: [1, { a: null }], text: 'first\nsecond\n', nothing: null },
  { inner: { $holdfast: { revision: '1.1' } } },
  [1, 'two', { three: 3 }, []],
  'just text',
  null,
  12,
]

function documents(parser: string, serializer: Serializer): ParserSubject {
  const encode = (value: unknown): Buffer =>
    Buffer.from(encodeDocument(serializer, value, { revision, savedAt, writer: '4711-b34c' }))
  const savedIn = new Map(documentValues.map((value) => [encode(value).toString(), value]))
  return {
    parser,
    samples: [
      ...documentValues.map(encode),
      Buffer.from(serializer.encode({ made: { by: ['hand', 1] } })),
    ],
    judge: (bytes, sample, random) => {
      namesIn(serializer, bytes)
      savedRevisionIn(serializer, bytes)
      savedRevisionIn(undefined, bytes)
      const saved = savedIn.get(sample.toString())
      const wasOurs = savedIn.has(sample.toString())
      const isMarked = wasOurs && random() < 0.6
      const modified = isMarked ? markedTime(savedAt, markOf(address)) : savedAt * 1000
      const text = bytes.toString('utf8')
      const honest = saysHonestly((each) => serializer.decode(each), text)
      const intact = readIntact(serializer, bytes)
      if (intact !== undefined && !(wasOurs && isDeepStrictEqual(intact.value, saved))) {
        return `was taken for intact: ${JSON.stringify(intact)}`
      }
      const verdict = judge(serializer, address, bytes, modified)
      if (verdict.kind === 'damaged') return undefined
      const { value } = verdict.document
      if (!isStorable(value)) return `gave what could not be stored: ${String(value)}`
      if (wasOurs && isDeepStrictEqual(value, saved)) return undefined
      const mayBeEdited = !isMarked || !(isRecognisable(text) || isRemains(serializer, text))
      if (verdict.kind === 'edited' && mayBeEdited && isAmong(value, honest)) return undefined
      return `${isMarked ? 'marked' : 'unmarked'}, ${verdict.kind}: gave ${JSON.stringify(value)}`
    },
  }
}

const isRemains = ({ heading }: Serializer, text: string): boolean =>
  heading !== undefined && (text.startsWith(heading) || heading.startsWith(text))

const lines = [
  encodeContent({ type: 'sent', agent: 'scout', json: '{"n":1,"list":[{"id":"x"},{"id":"y"}]}' }),
  encodeContent({ type: 'a"b\\', json: '"{\\"id\\":\\"1.1\\""' }),
  encodeContent({ json: 'null' }),
  encodeContent({ type: 'ping', json: undefined }),
  encodeContent({ json: '{"id":"4.17","at":"2026-11-21T10:00:00.000Z","sum":"00000000"}' }),
].map((content, index) =>
  encodeLine(`4.${index + 1}`, `2026-11-21T10:00:0${index}.000Z`, content, index === 2),
)

const recordsIn = (bytes: Buffer) => {
  const found: ReturnType<typeof salvageLine>['records'] = []
  for (let start = 0; start < bytes.length; ) {
    const next = bytes.indexOf(10, start)
    const end = next < 0 ? bytes.length : next
    const whole = decodeLine(bytes, start, end)
    found.push(...(whole === undefined ? salvageLine(bytes, start, end).records : [whole]))
    start = end + 1
  }
  return found
}

const wholeRecords = recordsIn(Buffer.from(lines.join('')))

const logLines: ParserSubject = {
  parser: 'log lines',
  samples: [
    Buffer.from(lines.join('')),
    ...lines.map((line) => Buffer.from(line)),
    Buffer.from(`${lines[0]}{"by":"hand","at":"2026-11-21T10:00:00Z"}\n${lines[1]}`),
  ],
  judge: (bytes) => {
    const index = new SegmentIndex()
    index.add({ bytes, offset: 0 })
    const last = lastCommittedId(bytes)
    if (last !== undefined && !isRevision(last)) return `has ${last} for its last id`
    holdsRecord(bytes, bytes.length, '4.3')
    const said = bytes.length > 100_000 ? undefined : jsonLinesOf(bytes)
    for (const record of recordsIn(bytes)) {
      if (!Number.isFinite(record.at)) return `gave the time ${record.at}`
      const isRight =
        record.origin === 'store'
          ? isAmong(record, wholeRecords)
          : record.id === '0.0' && (said === undefined || isAmong(record.data, said))
      if (!isRight) return `gave ${JSON.stringify(record).slice(0, 300)}`
    }
    return undefined
  },
}

/** What the lines say that are JSON; a carriage return or a blank around them means nothing. */
function jsonLinesOf(bytes: Buffer): unknown[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as unknown]
      } catch {
        return []
      }
    })
}

const segment = { number: 1, bytes: 4096, records: 12, from: savedAt, to: savedAt, lastId: '4.12' }
const manifest = { log: 'sent', segments: [segment, { ...segment, number: 2, lastId: '5.1' }] }

const manifests: ParserSubject = {
  parser: 'log manifests',
  samples: [Buffer.from(encodeManifest(manifest))],
  judge: (bytes) => {
    const found = decodeManifest(bytes.toString('utf8'))
    if (JSON.stringify(found ?? manifest) === JSON.stringify(manifest)) return undefined
    return `gave ${JSON.stringify(found)}`
  },
}

/** As if whoever spoilt it knew how to make the checksum. */
const resealedManifests: ParserSubject = {
  parser: 'log manifests with a right checksum',
  samples: [Buffer.from(JSON.stringify(manifest))],
  judge: (bytes) => {
    const body = parsed(bytes)
    if (body === undefined) return undefined
    const found = decodeManifest(encodeManifest(body as typeof manifest))
    if (found === undefined) return undefined
    const isUsable =
      typeof found.log === 'string' &&
      found.segments.every(
        (each) =>
          isIndex(each.number) &&
          isIndex(each.bytes) &&
          isRevision(each.lastId) &&
          [each.from, each.to].every((time) => time === undefined || Number.isFinite(time)),
      )
    return isUsable ? undefined : `gave ${JSON.stringify(found).slice(0, 300)}`
  },
}

const isIndex = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

/** What JSON can be told of, as a checksum is made of its text. */
function parsed(bytes: Buffer): object | undefined {
  try {
    const body: unknown = JSON.parse(bytes.toString('utf8'))
    JSON.stringify(body)
    return body as object
  } catch {
    return undefined
  }
}

const indexedFile = { bytes: 200_000, inode: '77' }
const blocks = [
  { offset: 0, from: savedAt, to: savedAt + 1, lastId: '4.5', lines: 5 },
  { offset: 70_000, from: savedAt, to: savedAt + 2, lastId: '4.9', lines: 4 },
]

const indexes: ParserSubject = {
  parser: 'segment indexes',
  samples: [Buffer.from(encodeIndex(indexedFile, blocks))],
  judge: (bytes) => {
    const found = decodeIndex(bytes.toString('utf8'), indexedFile)
    // -0 is 0 to the checksum, and to all who use it.
    if (JSON.stringify(found ?? blocks) === JSON.stringify(blocks)) return undefined
    return `gave ${JSON.stringify(found)}`
  },
}

const resealedIndexes: ParserSubject = {
  parser: 'segment indexes with a right checksum',
  samples: [Buffer.from(JSON.stringify(blocks))],
  judge: (bytes) => {
    const body = parsed(bytes)
    if (body === undefined) return undefined
    const found = decodeIndex(encodeIndex(indexedFile, body as typeof blocks), indexedFile)
    if (found === undefined) return undefined
    let before = -1
    for (const block of found) {
      const isUsable =
        isIndex(block.offset) &&
        block.offset > before &&
        block.offset < indexedFile.bytes &&
        [block.from, block.to].every((time) => time === undefined || Number.isFinite(time)) &&
        (block.lastId === undefined || isRevision(block.lastId))
      if (!isUsable) return `gave ${JSON.stringify(found).slice(0, 300)}`
      before = block.offset
    }
    return undefined
  },
}

function writeFile(fs: FileOperations, path: string, bytes: Uint8Array): void {
  const file = fs.open(path, 'create')
  for (let done = 0; done < bytes.byteLength; ) {
    done += fs.write(file, bytes, done, bytes.byteLength - done, done)
  }
  fs.close(file)
}

const dayMs = 86_400_000
const owner = {
  incarnation: '4711-7f3a2b',
  pid: 4711,
  host: 'build-1',
  bootId: 'boot-1',
  pidNamespace: 'pid:[1]',
  startTime: '8812',
  since: '2026-11-21T09:00:34.071Z',
  ttlMs: 5000,
  purpose: 'work',
  name: 'job',
}

const generations: ParserSubject = {
  parser: 'generation files',
  samples: ['wait', 'busy', 'idle', 'free', 'torn'].map((state) =>
    Buffer.from(`${state} 000000000042\n${JSON.stringify(owner)}\n`),
  ),
  judge: (bytes) => {
    const fs = new MemoryFileSystem().blocking
    fs.makeDirectory('/locks', 0o700)
    writeFile(fs, '/locks/0000000000000007', bytes)
    const ceiling = new GenerationCeiling(fs, '/', '/', 'boot-1')
    const record = new GenerationDirectory(fs, '/locks', ceiling).newest()
    if (record === undefined) return 'was not found'
    const { ttlMs, pid, ...texts } = record.owner
    for (const [name, value] of Object.entries(texts)) {
      if (name in owner && value !== undefined && typeof value !== 'string') {
        return `has ${JSON.stringify(value)} for its ${name}`
      }
    }
    if (pid !== undefined && !(Number.isSafeInteger(pid) && pid > 0))
      return `has ${pid} for its pid`
    if (record.owner.incarnation !== undefined && /[/\\]|^\.*$/.test(record.owner.incarnation)) {
      return `has ${record.owner.incarnation} for its incarnation`
    }
    let nowMs = 0
    const observer = new SilenceObserver(new Machine().start(), () => nowMs)
    observer.verdict(record, 5000)
    nowMs = dayMs
    // However long it says that it may be silent, it cannot keep its place for ever.
    return observer.verdict(record, 5000) === undefined ? `blocks for ever: ${ttlMs}` : undefined
  },
}

const owners: ParserSubject = {
  parser: 'incarnation owner files',
  samples: [Buffer.from(`${JSON.stringify(owner)}\n`)],
  judge: (bytes, _, random) => {
    const fs = new MemoryFileSystem().blocking
    for (const path of ['/tasks', '/writers']) fs.makeDirectory(path, 0o700)
    writeFile(fs, '/tasks/a.json', Buffer.from('1'))
    const processes = new Machine().start()
    const live = { ...processes.self, incarnation: '1-aa' }
    new Incarnation({ fs, writers: '/writers', id: '1-aa', owner: live })
    const id = pick(['4711-7f3a2b', '2-bb'], random)
    fs.makeDirectory(`/writers/${id}`, 0o700)
    writeFile(fs, `/writers/${id}.json`, bytes)
    sweepIncarnations(fs, '/writers', processes)
    if (fs.status('/tasks/a.json') === undefined) return 'removed a document'
    return fs.status('/writers/1-aa') === undefined ? 'removed a living writer' : undefined
  },
}

const ceilings: ParserSubject = {
  parser: 'ceilings and boots',
  samples: ['0000000000016384', '0000000000049152', '9999999999999999'].map((number) =>
    Buffer.from(`${number} ${number}\n`),
  ),
  judge: (bytes) => {
    const fs = new MemoryFileSystem().blocking
    for (const path of ['/ceilings', '/boots']) fs.makeDirectory(path, 0o700)
    writeFile(fs, '/ceilings/0000000000032768', Buffer.alloc(0))
    writeFile(fs, '/boots/boot-1', bytes)
    // What else is there, somebody else has made.
    const stray = `/ceilings/${bytes.toString('latin1', 0, 16).replace(/[/\0]/g, '_') || 'x'}`
    if (fs.status(stray) === undefined && !/^\.{1,2}$/.test(stray.slice(10))) {
      if (!/^\d{16}$/.test(stray.slice(10))) writeFile(fs, stray, Buffer.alloc(0))
    }
    const { base } = new GenerationCeiling(fs, '/', '/', 'boot-1')
    if (Number.isSafeInteger(base) && base >= 0 && base <= 32_768) return undefined
    return `numbers from ${base} on`
  },
}

const names: ParserSubject = {
  parser: 'file names of keys',
  samples: [
    'task_1',
    '!agent%20!a',
    '%d0%ba',
    '%ed%a0%80',
    'a%2fb',
    '%%',
    '%63on',
    `%%${'0'.repeat(64)}`,
  ].map((name) => Buffer.from(name)),
  judge: (bytes) => {
    const name = bytes.toString('utf8').slice(0, 255)
    if (name === '') return undefined
    const key = decodeKey(name)
    if (key === undefined) return undefined
    const again = encodeKey(key)
    if (key !== name && again !== name) return `reads ${name} as ${key}, which is ${again}`
    const isPlain = /^[a-z0-9\-_.@+=,!%]+$/.test(again) && !again.startsWith('.')
    return isPlain ? undefined : `wrote ${key} as ${again}`
  },
}

const counter = {
  value: 12,
  windows: {
    day: { timeZone: 'Europe/Berlin', values: { '2026-11-21': 12, '2026-11-22': 1 } },
    hour: { timeZone: 'UTC', values: { '2026-11-21T16': 12 } },
  },
}

/** As it comes from a document, which has refused what cannot be stored. */
function valueIn(bytes: Buffer): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return isStorable(value) ? { value } : undefined
  } catch {
    return undefined
  }
}

const counterDocuments: ParserSubject = {
  parser: 'counter documents',
  samples: [counter, 12].map((value) => Buffer.from(JSON.stringify(value))),
  judge: (bytes) => {
    const found = valueIn(bytes)
    if (found === undefined) return undefined
    const place = { collection: 'counters', key: 'n' }
    const count = (kind: 'day' | 'hour', window: string) =>
      ({ kind, window, timeZone: 'UTC', keep: 2 }) as const
    try {
      const read = toCounter(place, found.value)
      const next = increased(place, read, 1, [
        count('day', '2026-11-23'),
        count('hour', '2026-11-21T16'),
      ])
      return next.value === read.value + 1 ? undefined : `counted to ${next.value}`
    } catch (error) {
      if (isStateStoreError(error)) return undefined
      throw error
    }
  },
}

const health = {
  status: 'ok',
  since: '2026-11-21T09:00:00.000Z',
  at: '2026-11-21T09:30:00.000Z',
  details: { unread: 5 },
  previous: 'error',
}

const healthDocuments: ParserSubject = {
  parser: 'health documents',
  samples: [Buffer.from(JSON.stringify(health))],
  judge: (bytes) => {
    const found = valueIn(bytes)
    if (found === undefined) return undefined
    const { value } = found
    toHealthRecord({ id: '1.1', at: 0, type: 'x', data: value, origin: 'external' })
    const read = readHealth({ savedAt, value })
    const written = writeHealth(read, 'ok', undefined, savedAt)
    if (readHealth({ savedAt, value: written })?.status !== 'ok') return 'cannot be recorded again'
    const isRight = read === undefined || [read.at, read.since].every(Number.isFinite)
    return isRight ? undefined : `gave ${JSON.stringify(read)}`
  },
}

const ids: ParserSubject = {
  parser: 'revisions and ids',
  samples: ['1.1', '12.3~9f86d081', '0.0', '9007199254740991.1'].map((id) => Buffer.from(id)),
  judge: (bytes) => {
    const id = bytes.toString('utf8')
    if (!isRevision(id)) return undefined
    const order = [compareRevisions(id, '5.5'), compareRevisions('5.5', id)]
    return order.every(Number.isFinite) ? undefined : `compares as ${order}`
  },
}

export const parsers: readonly ParserSubject[] = [
  documents('documents in JSON', jsonSerializer()),
  documents('documents in YAML', yamlSerializer()),
  logLines,
  manifests,
  resealedManifests,
  indexes,
  resealedIndexes,
  generations,
  owners,
  ceilings,
  names,
  counterDocuments,
  healthDocuments,
  ids,
]
