import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import {
  chunksBackward,
  chunksForward,
  crc32,
  decodeLine,
  encodeContent,
  encodeLine,
  type LineChunk,
  portableCrc32,
  SegmentIndex,
  salvageLine,
} from '../../src/log-segment/index.js'

const timeOf = (ms: number): string => new Date(Date.UTC(2026, 10, 21) + ms).toISOString()
const line = (id: string, data: unknown, ms = 0): string =>
  encodeLine(id, timeOf(ms), encodeContent({ json: JSON.stringify(data) }), false)
const at = Date.UTC(2026, 10, 21)

describe('the checksum', () => {
  it.each([crc32, portableCrc32])('is the CRC-32 that others compute (%#)', (checksum) => {
    expect(checksum('123456789')).toBe(0xcbf43926)
    expect(checksum('')).toBe(0)
    expect(checksum('snow ☃')).toBe(checksum(Buffer.from('snow ☃')))
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    expect(checksum(all)).toBe(0x29058c73)
  })
})

describe('what can be had from a line', () => {
  const salvage = (text: string) => {
    const bytes = Buffer.from(text)
    const { records, damaged } = salvageLine(bytes, 0, bytes.length)
    return { records, damaged }
  }
  const whole = line('1.2', { a: 1 }).trimEnd()
  const record = { id: '1.2', at, data: { a: 1 }, origin: 'store' }

  it.each(['', ' \r\n\t '])('is nothing when it is blank: %j', (text) => {
    expect(salvage(text)).toEqual({ records: [], damaged: [] })
  })

  it('is the record, whatever blanks are around it', () => {
    expect(salvage(` \t${whole}\r\n`)).toMatchObject({ records: [record], damaged: [] })
  })

  it.each([
    ['{"a":1}', 0, { a: 1 }],
    ['3', 0, 3],
    ['[1]', 0, [1]],
    ['null', 0, null],
    ['{"at":1e999,"time":7}', 7, { at: Number.POSITIVE_INFINITY, time: 7 }],
    [`{"at":"${timeOf(5)}"}`, at + 5, { at: timeOf(5) }],
    ['{"at":"soon","time":7}', 7, { at: 'soon', time: 7 }],
    ['{"timestamp":8}', 8, { timestamp: 8 }],
    ['{"id":"1.2"}', 0, { id: '1.2' }],
    ['{"sum":"0123abcd"}', 0, { sum: '0123abcd' }],
  ])('is what somebody else wrote: %s', (text, expected, data) => {
    const made = { id: '0.0', at: expected, data, origin: 'external' }
    expect(salvage(text)).toEqual({ records: [made], damaged: [] })
  })

  it.each([
    `{"id":"1.2","at":"${timeOf(0)}"}`,
    '{"id":"1.2","sum":"0123abcd"}',
    `{"at":"${timeOf(0)}","sum":"0123abcd"}`,
    whole.replace('"a":1', '"a":2'),
    whole.slice(0, -1),
    'no JSON',
  ])('is no record when it bears two of our marks, or is none: %s', (text) => {
    const span = { start: 0, end: text.length, reason: 'not a whole record' }
    expect(salvage(text)).toEqual({ records: [], damaged: [span] })
  })

  it('tells zeros from other damage', () => {
    expect(salvage('\0\0\0').damaged).toEqual([{ start: 0, end: 3, reason: 'zeros' }])
    expect(salvage('\0x\0').damaged[0]?.reason).toBe('not a whole record')
  })

  it('is every whole record in it, and where the damage is', () => {
    const torn = whole.slice(0, 20)
    const text = `${torn}${whole}##${whole}${torn}`
    const { records, damaged } = salvage(text)
    expect(records).toMatchObject([record, record])
    expect(damaged.map(({ start, end }) => text.slice(start, end))).toEqual([torn, '##', torn])
  })

  it('is found behind data that look like the end of a record', () => {
    const decoys = line('1.2', { text: Array(14).fill(',"sum":"00000000"}') }).trimEnd()
    // In JSON the quotes are escaped; here they are not.
    const body = `{"id":"1.3","at":"${timeOf(0)}","data":[${'{"x":1,"sum":"00000000"},'.repeat(15)}0]`
    const many = `${body},"sum":"${crc32(body).toString(16).padStart(8, '0')}"}`
    for (const text of [decoys, many]) {
      expect(salvage(`#${text}#`).records, text).toHaveLength(1)
    }
  })
})

describe('a record', () => {
  it.each(['0', 'g', 'A', '/', ':'])('is none when its checksum holds %j instead', (wrong) => {
    const text = line('1.2', 1).trimEnd()
    const bytes = Buffer.from(`${text.slice(0, -3)}${wrong}${text.slice(-2)}`)
    const isSame = bytes.toString() === text
    expect(decodeLine(bytes, 0, bytes.length) === undefined).toBe(!isSame)
  })

  it('is read from the middle of other bytes', () => {
    const text = line('1.2', 1)
    const bytes = Buffer.from(`##${text}##`)
    expect(decodeLine(bytes, 2, text.length + 1)).toMatchObject({ id: '1.2', data: 1 })
    expect(decodeLine(bytes, 2, text.length + 2)).toBeUndefined()
  })
})

/** Lines of these lengths, the last of them without a newline where that is said. */
function fileOf(lengths: readonly number[], isOpen = false) {
  const fs = new MemoryFileSystem()
  const lines = lengths.map((length, index) => `${String(index % 10).repeat(length - 1)}\n`)
  const text = isOpen ? lines.join('').slice(0, -1) : lines.join('')
  const file = fs.blocking.open('/segment', 'create')
  fs.blocking.write(file, Buffer.from(text), 0, text.length, 0)
  return { fs, file, text }
}

async function all(chunks: AsyncIterable<LineChunk>): Promise<LineChunk[]> {
  const found: LineChunk[] = []
  for await (const { bytes, offset } of chunks) found.push({ bytes: Buffer.from(bytes), offset })
  return found
}

describe.each([
  ['short lines', Array<number>(3000).fill(211), false],
  ['a last line that is open', Array<number>(3000).fill(211), true],
  ['lines longer than a chunk', [700_000, 5, 600_000, 9], false],
  ['one long line that is open', [700_000], true],
  ['lines that end where chunks do', [262_144, 262_144, 262_144], false],
  ['one empty line', [1], false],
])('chunks of %s', (_, lengths, isOpen) => {
  it.each([
    ['forward', chunksForward],
    ['backward', chunksBackward],
  ] as const)('are whole lines that make up the file, read %s', async (way, chunksOf) => {
    const { fs, file, text } = fileOf(lengths, isOpen)
    const found = await all(chunksOf(fs, file, 0, text.length))
    if (way === 'backward') found.reverse()
    expect(Buffer.concat(found.map(({ bytes }) => bytes)).equals(Buffer.from(text))).toBe(true)
    let position = 0
    for (const { bytes, offset } of found) {
      expect(offset).toBe(position)
      position += bytes.length
      expect(bytes.at(-1) === 10 || position === text.length).toBe(true)
    }
    if (text.length > 800_000) expect(found.length).toBeGreaterThan(1)
  })

  it('begin and end where they are told to', async () => {
    const { fs, file, text } = fileOf(lengths, isOpen)
    const start = text.indexOf('\n') + 1
    for (const chunksOf of [chunksForward, chunksBackward]) {
      const found = await all(chunksOf(fs, file, start, text.length))
      const length = found.reduce((sum, { bytes }) => sum + bytes.length, 0)
      expect(length).toBe(text.length - start)
      expect(Math.min(...found.map(({ offset }) => offset), text.length)).toBe(start)
    }
  })
})

describe('chunks of a file that is shorter than it was', () => {
  it('are what is left', async () => {
    const { fs, file, text } = fileOf([5, 5])
    const longer = text.length + 1000
    expect(await all(chunksForward(fs, file, 0, longer))).toEqual([
      { bytes: Buffer.from(text), offset: 0 },
    ])
    expect(await all(chunksBackward(fs, file, 0, longer))).toEqual([
      { bytes: Buffer.from(text), offset: 0 },
    ])
  })
})

describe('the index of a segment', () => {
  it('knows the least and greatest time and the greatest id of every block', () => {
    const lines = [line('1.9', 1, 50), line('1.10', 2, 20), line('1.2', 3, 70)]
    const index = new SegmentIndex()
    index.add({ bytes: Buffer.from(`${lines.join('')}{"id":"9.9`), offset: 0 })
    const end = lines.join('').length
    expect(index.end).toBe(end)
    const block = { offset: 0, from: at + 20, to: at + 70, lastId: '1.10', lines: 3 }
    expect(index.blocks).toEqual([block])
    index.add({ bytes: Buffer.from(line('2.1', 4, 60)), offset: end })
    expect(index.blocks).toEqual([{ ...block, lastId: '2.1', lines: 4 }])
  })

  it('begins a block with the first line beyond 64 KiB', () => {
    const index = new SegmentIndex()
    const padded = (length: number, id: string): string =>
      line(id, 'x'.repeat(length - line(id, '').length))
    index.add({ bytes: Buffer.from(padded(65_536, '1.1') + line('1.2', 1)), offset: 0 })
    index.add({ bytes: Buffer.from(line('1.3', 1)), offset: index.end })
    expect(index.blocks.map(({ offset, lines }) => [offset, lines])).toEqual([
      [0, 1],
      [65_536, 2],
    ])
    const other = new SegmentIndex()
    other.add({ bytes: Buffer.from(padded(65_535, '1.1') + line('1.2', 1)), offset: 0 })
    expect(other.blocks).toHaveLength(1)
  })

  it('hides no record that stands in a damaged line', () => {
    const index = new SegmentIndex()
    const joined = `${line('1.1', 1, 5).trimEnd()}${line('3.1', 1, 90)}`
    index.add({ bytes: Buffer.from(`no record\n${joined}`), offset: 0 })
    expect(index.blocks).toEqual([
      { offset: 0, from: at + 5, to: at + 90, lastId: '3.1', lines: 2 },
    ])
  })

  it('has no time for what has none', () => {
    const index = new SegmentIndex()
    index.add({ bytes: Buffer.from('no record\n'), offset: 0 })
    expect(index.blocks).toEqual([
      { offset: 0, from: undefined, to: undefined, lastId: undefined, lines: 1 },
    ])
  })
})
