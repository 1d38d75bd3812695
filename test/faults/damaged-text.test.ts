import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { jsonSerializer, type Serializer } from '../../src/serializer/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import {
  encodeDocument,
  judge,
  markedTime,
  markOf,
  type Verdict,
} from '../../src/storage/file/document-file.js'
import { campaignSeed } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import { flipped, zeroed } from './image.js'

const address = { collection: 'tasks', key: 'a' }
const savedAt = Date.UTC(2026, 10, 21, 9, 0, 34, 71)
const modified = markedTime(savedAt, markOf(address))
const revision = '12.3'

const values: Readonly<Record<string, unknown>> = {
  'a flat object': { status: 'pending', attempts: 0, done: false },
  'nested values': {
    list: [1, { a: null }, 'x: y'],
    text: 'first\nsecond\n\n  third\n',
    n: 1.5e10,
  },
  'a user of the reserved name': { inner: { $holdfast: { revision: '1.1', checksum: 'none' } } },
  'an array': [1, 'two', { three: 3 }, []],
  'a string': 'just text, with "quotes" and \u00e9\ufffd',
  'a long text': `${'All work and no play. '.repeat(20)}\n${'More. '.repeat(30)}`,
  nothing: null,
  'an empty object': {},
}

const serializers: readonly Serializer[] = [
  jsonSerializer(),
  yamlSerializer(),
  jsonSerializer({ sortKeys: true }),
]

const subjects = serializers.flatMap((serializer) =>
  Object.entries(values).map(
    ([name, value]) => [serializer.name, name, serializer, value] as const,
  ),
)

const textOf = (serializer: Serializer, value: unknown): Uint8Array =>
  Buffer.from(encodeDocument(serializer, value, { revision, savedAt, writer: '4711-b34c' }))

/** A verdict that would show what was never saved. */
function isWrong(verdict: Verdict, value: unknown): boolean {
  if (verdict.kind === 'damaged') return !verdict.marked
  const { document } = verdict
  const same = isDeepStrictEqual(document.value, value)
  return !same || document.revision !== revision || document.savedAt !== savedAt
}

const masks = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x03]
const seed = campaignSeed

describe.each(subjects)('%s of %s, damaged with its time intact', (_, _name, serializer, value) => {
  const pristine = textOf(serializer, value)
  const complaints = (damaged: Iterable<readonly [string, Uint8Array]>): string[] => {
    const found: string[] = []
    for (const [how, bytes] of damaged) {
      const verdict = judge(serializer, address, bytes, modified)
      if (isWrong(verdict, value)) found.push(`${how}: ${JSON.stringify(verdict)}`)
    }
    return found.slice(0, 5)
  }

  it('is what was saved while it is whole', () => {
    expect(complaints([['whole', pristine]])).toEqual([])
  })

  it('by a flip anywhere', () => {
    const flips = masks.flatMap((mask) =>
      [...pristine.keys()].map(
        (at) => [`byte ${at} with ${mask}`, flipped(pristine, at, mask)] as const,
      ),
    )
    expect(complaints(flips)).toEqual([])
  })

  it('by a cut anywhere', () => {
    const cuts = [...pristine.keys()].map(
      (length) => [`cut at ${length}`, pristine.subarray(0, length)] as const,
    )
    expect(complaints(cuts)).toEqual([])
  })

  it('by zeros anywhere', () => {
    const random = seededRandom(seed)
    const runs = Array.from({ length: 300 }, () => {
      const start = Math.floor(random() * pristine.byteLength)
      const length = 1 + Math.floor(random() * (pristine.byteLength - start))
      return [`${length} zeros at ${start}, seed ${seed}`, zeroed(pristine, start, length)] as const
    })
    const ends = [...pristine.keys()].map(
      (at) => [`zeros from ${at} on`, zeroed(pristine, at, pristine.byteLength - at)] as const,
    )
    const starts = [...pristine.keys()].map(
      (at) => [`zeros up to ${at}`, zeroed(pristine, 0, at + 1)] as const,
    )
    expect(complaints([...runs, ...ends, ...starts])).toEqual([])
  })

  it('by other bytes anywhere, or by bytes that are gone', () => {
    const random = seededRandom(seed + 1)
    const runs = Array.from({ length: 600 }, (_, index) => {
      const start = Math.floor(random() * pristine.byteLength)
      const length = 1 + Math.floor(random() * 12)
      const rest = pristine.subarray(start + length)
      const garbage = Uint8Array.from({ length: index % 3 === 0 ? 0 : length }, () =>
        Math.floor(random() * 256),
      )
      const bytes = Buffer.concat([pristine.subarray(0, start), garbage, rest])
      return [`${length} bytes at ${start}, seed ${seed + 1}`, bytes] as const
    })
    expect(complaints(runs)).toEqual([])
  })
})
