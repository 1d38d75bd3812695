import { beforeEach, describe, expect, it } from 'vitest'
import type { FileStorage } from '../../src/storage/file/index.js'
import type { LogQuery } from '../../src/storage/index.js'
import { active, append, directory, LogBench, recordsOf } from './log-bench.js'

const segments = `${directory}/logs/x`
const manifest = `${directory}/.holdfast/logs/x.json`
const indexes = `${directory}/.holdfast/logs/x`
const logSegmentBytes = 4096
const count = 60
const second = 1000

let bench = new LogBench()
let storage: FileStorage

const numbersOf = async (query: Partial<LogQuery> = {}): Promise<unknown[]> =>
  (await bench.read(query)).records.map(({ data }) => (data as { n: number }).n)

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index)

/** Records of some 400 bytes each, a second apart, so that several segments are closed. */
async function fill(from = 0, to = count): Promise<void> {
  for (let n = from; n < to; n++) {
    await append(storage, { data: { n, text: 'x'.repeat(300) } })
    bench.clock.advance(second)
  }
}

const namesIn = (path: string): string[] =>
  bench.fs
    .readDirectory(path)
    .map(({ name }) => name)
    .sort()

beforeEach(async () => {
  bench = new LogBench()
  storage = await bench.open({ logSegmentBytes })
  await fill()
})

describe('a log that has grown', () => {
  it('is kept in segments, each with an index of its times', async () => {
    const closed = namesIn(segments)
    expect(closed.length).toBeGreaterThan(3)
    expect(closed[0]).toBe('000001.jsonl')
    for (const name of closed) {
      const { size } = bench.fs.status(`${segments}/${name}`) ?? { size: 0 }
      expect(size).toBeGreaterThanOrEqual(logSegmentBytes)
      expect(size).toBeLessThan(2 * logSegmentBytes)
    }
    expect(namesIn(indexes)).toEqual(closed.map((name) => name.replace('.jsonl', '.json')))
    expect(await storage.logs()).toMatchObject([{ log: 'x', segments: closed.length + 1 }])
  })

  it('is read as one, both ways', async () => {
    expect(await numbersOf()).toEqual(numbers(0, count))
    expect(await numbersOf({ reverse: true })).toEqual(numbers(0, count).reverse())
  })

  it('is read only where a time can be, or what comes after an id', async () => {
    const all = await recordsOf(storage)
    const from = all[50]
    if (from === undefined) throw new Error('50 records expected')
    // What is not there cannot be read, and would be told of.
    for (const name of namesIn(segments).slice(0, 4)) bench.fs.unlink(`${segments}/${name}`)
    for (const query of [{ since: from.at }, { after: all[49]?.id }]) {
      const { records, damage: told } = await bench.read(query)
      expect(records).toEqual(all.slice(50))
      expect(told).toEqual([])
    }
  })

  it('finds by time what a clock that was set back has recorded', async () => {
    const all = await recordsOf(storage)
    const [first, last] = [all[0]?.at ?? 0, all[count - 1]?.at ?? 0]
    bench.clock.setWallClock(first - 1000 * second)
    await fill(count, count + 30)
    bench.clock.setWallClock(last + second)
    await fill(count + 30, count + 60)
    expect(await numbersOf({ until: first })).toEqual(numbers(count, count + 30))
    expect(await numbersOf({ since: last })).toEqual([
      count - 1,
      ...numbers(count + 30, count + 60),
    ])
    expect(await numbersOf()).toEqual(numbers(0, count + 60))
  })

  it.each([
    ['lost', () => bench.fs.unlink(`${indexes}/000002.json`)],
    ['damaged', () => bench.replace(`${indexes}/000002.json`, Buffer.from('{"holdfast":'))],
  ])('needs no index: one that is %s', async (_, damageIt) => {
    const all = await recordsOf(storage)
    damageIt()
    const since = all[12]?.at
    expect((await bench.read({ since })).records).toEqual(all.slice(12))
    expect((await bench.read({ until: since })).records).toEqual(all.slice(0, 12))
  })

  it('tells of a segment that is gone, and gives back the rest', async () => {
    const gone = `${segments}/000002.jsonl`
    const lost = bench.bytesOf(gone).toString().trimEnd().split('\n').length
    const kept = bench.bytesOf(`${segments}/000001.jsonl`).toString().trimEnd().split('\n').length
    bench.fs.unlink(gone)
    const { records, damage: told } = await bench.read()
    expect(records).toHaveLength(count - lost)
    expect(told).toMatchObject([
      { path: gone, offset: 0, reason: 'a segment of the log is missing' },
    ])
    await fill(count, count + 1)
    expect(await numbersOf()).toEqual([...numbers(0, kept), ...numbers(kept + lost, count + 1)])
  })

  it('reads what there is when the manifest is gone, tells so, and goes on', async () => {
    bench.fs.unlink(manifest)
    const { records, damage: told } = await bench.read()
    expect(records).toHaveLength(count)
    expect(told).toMatchObject([{ path: manifest }])
    await fill(count, 2 * count)
    expect(await numbersOf()).toEqual(numbers(0, 2 * count))
  })

  it('takes no notice of what stands behind the end of a closed segment', async () => {
    const path = `${segments}/000002.jsonl`
    const bytes = bench.bytesOf(path)
    bench.replace(path, Buffer.concat([bytes, bench.bytesOf(active)]))
    const { records, damage: told } = await bench.read()
    expect(records).toHaveLength(count)
    expect(told).toEqual([])
  })
})

describe('a person who edits a log', () => {
  const edit = (path: string, change: (text: string) => string): void =>
    bench.replace(path, Buffer.from(change(bench.bytesOf(path).toString())))

  it.each([active, `${segments}/000002.jsonl`])(
    'in place, in %s, damages the line',
    async (path) => {
      const first = (
        JSON.parse(bench.bytesOf(path).toString().split('\n')[1] ?? '') as { data: { n: number } }
      ).data.n
      edit(path, (text) => text.replace(`{"n":${first},`, '{"n":99,'))
      const { records, damage: told } = await bench.read()
      expect(records).toHaveLength(count - 1)
      expect(told).toMatchObject([{ path, reason: 'not a whole record' }])
      expect(told[0]?.offset).toBeGreaterThan(0)
    },
  )

  it('and deletes a line of the active file removes the record', async () => {
    edit(active, (text) => text.slice(text.indexOf('\n') + 1))
    const { records, damage: told } = await bench.read()
    expect(records).toHaveLength(count - 1)
    expect(told).toEqual([])
    await fill(count, count + 1)
    expect((await bench.read()).records).toHaveLength(count)
  })

  it.each([
    ['at the end', (text: string, line: string) => `${text}${line}\n`],
    ['at the end, without a newline', (text: string, line: string) => `${text}${line}`],
    ['at the beginning', (text: string, line: string) => `${line}\n${text}`],
    ['in the middle', (text: string, line: string) => text.replace('\n', `\n${line}\n`)],
  ])('and adds a line %s finds it among the records', async (_, add) => {
    expect(bench.bytesOf(active).byteLength).toBeGreaterThan(1000)
    edit(active, (text) => add(text, '{"time":"2026-11-21T09:00:00Z","note":"by hand"}'))
    const { records, damage: told } = await bench.read()
    expect(records).toHaveLength(count + 1)
    expect(told).toEqual([])
    expect(records.filter(({ origin }) => origin === 'external')).toEqual([
      {
        id: '0.0',
        at: Date.parse('2026-11-21T09:00:00Z'),
        data: { time: '2026-11-21T09:00:00Z', note: 'by hand' },
        origin: 'external',
      },
    ])
    await fill(count, count + 1)
    expect((await bench.read()).records).toHaveLength(count + 2)
  })

  it('and deletes the log begins another, whose ids go on', async () => {
    const before = await recordsOf(storage)
    for (const name of namesIn(segments)) bench.fs.unlink(`${segments}/${name}`)
    bench.fs.unlink(active)
    bench.fs.unlink(manifest)
    await fill(count, count + 1)
    const { records, damage: told } = await bench.read()
    expect(records).toHaveLength(1)
    expect(told).toEqual([])
    const [last, next] = [before.at(-1)?.id, records[0]?.id].map((id) => id?.split('.').map(Number))
    expect(next?.[0]).toBeGreaterThanOrEqual(last?.[0] ?? 0)
    expect(records[0]?.id).not.toBe(before.at(-1)?.id)
  })
})
