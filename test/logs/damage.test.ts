import { beforeAll, describe, expect, it } from 'vitest'
import type { LogRecord } from '../../src/storage/index.js'
import { campaignSeed } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import { active, append, LogBench, recordsOf } from './log-bench.js'

const contents: readonly unknown[] = [
  { n: 1 },
  { n: 2, text: 'two lines\nin one, and \u2028 of the other kind \u2029' },
  'just a text',
  { id: '1.1', at: '2026-11-21T10:00:00.000Z', sum: '00000000' },
  { nested: [{ id: '3.4', data: {}, sum: 'deadbeef' }] },
  null,
  { text: '","sum":"12345678"}', emoji: '🪨' },
  undefined,
  { long: 'x'.repeat(300) },
  [1, 2, 3],
]

interface Line {
  readonly start: number
  /** Without the newline. */
  readonly end: number
  readonly record: LogRecord
}

let whole: Buffer = Buffer.alloc(0)
const lines: Line[] = []

beforeAll(async () => {
  const bench = new LogBench()
  const storage = await bench.open()
  for (const data of contents) await append(storage, { type: 'kind', agent: 'me', data })
  await append(storage, { data: 'first of two' }, { data: 'second of two' })
  await append(storage, { data: 'last' })
  const records = await recordsOf(storage)
  await storage.close()
  whole = bench.bytesOf(active)
  let start = 0
  for (const record of records) {
    const end = whole.indexOf(10, start)
    lines.push({ start, end, record })
    start = end + 1
  }
})

const idsOf = (records: readonly LogRecord[]): string[] => records.map(({ id }) => id)

/** Reads a log with these bytes, then appends to it and reads again. */
class Trial {
  readonly #bench = new LogBench()

  async of(bytes: Uint8Array) {
    const bench = this.#bench
    const writer = await bench.open()
    await append(writer, { data: 'makes the directory' })
    bench.replace(active, bytes)
    const before = await bench.read()
    const backward = await bench.read({ reverse: true })
    expect(backward.records).toEqual([...before.records].reverse())
    await append(writer, { data: 'appended later' })
    await writer.close()
    return { before, after: await bench.read() }
  }
}

/** Of the records, as read, none has a value that was not written. */
function expectNothingWrong(records: readonly LogRecord[]): void {
  const originals = new Map(lines.map(({ record }) => [record.id, record]))
  for (const record of records) {
    if (record.data === 'appended later') continue
    if (record.origin === 'store') expect(record).toEqual(originals.get(record.id))
  }
}

describe('a log that is cut', () => {
  it('anywhere keeps every whole record, and what is appended next', async () => {
    const trial = new Trial()
    for (let length = 0; length <= whole.length; length++) {
      const { before, after } = await trial.of(whole.subarray(0, length))
      const expected = lines.filter(({ end }) => end <= length).map(({ record }) => record)
      // Of two records of one commit, both or none.
      if (expected.at(-1)?.data === 'first of two') expected.pop()
      expect(before.records, `cut at ${length}`).toEqual(expected)
      const [appended, ...others] = [...after.records].reverse()
      expect(others.reverse(), `cut at ${length}`).toEqual(expected)
      expect(appended?.data).toBe('appended later')
      expect(after.damage, `cut at ${length}`).toEqual([])
    }
  })
})

describe('a commit of many records that is cut', () => {
  it('anywhere is not there, in either direction, however large it is', async () => {
    const bench = new LogBench()
    const writer = await bench.open()
    await append(writer, { data: 'before' })
    const start = bench.bytesOf(active).length
    await append(
      writer,
      ...Array.from({ length: 700 }, (_, n) => ({ data: [n, 'x'.repeat(1000)] })),
    )
    const bytes = bench.bytesOf(active)
    expect((await bench.read()).records).toHaveLength(701)
    const random = seededRandom(campaignSeed)
    for (let round = 0; round < 30; round++) {
      const length = start + Math.floor(random() * (bytes.length - start - 1))
      bench.replace(active, bytes.subarray(0, length))
      for (const reverse of [false, true]) {
        const { records } = await bench.read({ reverse })
        expect(
          records.map(({ data }) => data),
          `cut at ${length}`,
        ).toEqual(['before'])
      }
    }
    await append(writer, { data: 'after' })
    await writer.close()
    const { records, damage } = await bench.read()
    expect(records.map(({ data }) => data)).toEqual(['before', 'after'])
    expect(damage).toEqual([])
  })
})

describe('a log that is damaged', () => {
  const trials = 10_000
  const seed = campaignSeed

  it(`in ${trials} random ways gives back every record that was not hit, and tells where it was`, async () => {
    const random = seededRandom(seed)
    const upTo = (limit: number): number => Math.floor(random() * limit)
    let reported = 0
    for (let round = 0; round < trials; round++) {
      const start = upTo(whole.length)
      const kind = ['flip', 'zeros', 'noise', 'removed', 'inserted'][upTo(5)]
      const length = kind === 'flip' ? 1 : kind === 'inserted' ? 0 : 1 + upTo(60)
      const end = Math.min(whole.length, start + length)
      const hit = whole.subarray(start, end)
      const replacement =
        kind === 'flip'
          ? Buffer.of((hit[0] ?? 0) ^ (1 << upTo(8)))
          : kind === 'zeros'
            ? Buffer.alloc(hit.length)
            : kind === 'removed'
              ? Buffer.alloc(0)
              : Buffer.from(
                  Array.from({ length: kind === 'noise' ? hit.length : 1 + upTo(40) }, () =>
                    upTo(256),
                  ),
                )
      const bytes = Buffer.concat([whole.subarray(0, start), replacement, whole.subarray(end)])
      const context = `seed ${seed}, round ${round}: ${kind} at ${start} to ${end}`
      const { before, after } = await new Trial().of(bytes)
      const untouched = lines.filter((line) => line.end <= start || line.start >= end)
      const expected = untouched.map(({ record }) => record)
      // With nothing whole behind it, what begins a commit may be of one that was never finished.
      if (expected.at(-1)?.data === 'first of two') expected.pop()
      for (const { records, damage } of [before, after]) {
        const found = idsOf(records)
        for (const id of idsOf(expected)) expect(found, context).toContain(id)
        expectNothingWrong(records)
        const lost = lines.filter(({ record }) => !found.includes(record.id))
        const isTail = end >= whole.length - 1
        // What damage leaves as JSON with one mark of ours is taken for a line made by hand, and shown.
        const foreign = records.filter(({ origin }) => origin === 'external')
        if (lost.length > foreign.length && !isTail) {
          expect(damage.length, context).toBeGreaterThan(0)
          reported += 1
        }
        for (const { bytes: size, offset } of damage) {
          expect(size, context).toBeGreaterThan(0)
          expect(offset, context).toBeLessThanOrEqual(start + replacement.length + 1)
        }
      }
      expect(after.records.at(-1)?.data, context).toBe('appended later')
    }
    expect(reported).toBeGreaterThan(trials / 2)
  }, 400_000)
})
