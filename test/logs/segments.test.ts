import { describe, expect, it } from 'vitest'
import type { FileStorage } from '../../src/storage/file/index.js'
import type { LogQuery, LogRecord } from '../../src/storage/index.js'
import { campaignSeed } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import { active, append, directory, LogBench, recordsOf } from './log-bench.js'

const segmentBytes = 200 * 1024
const closedSegments = `${directory}/logs/x`
const internals = `${directory}/.holdfast/logs`
const hour = 3_600_000

const segmentsOf = (bench: LogBench): string[] =>
  bench.fs
    .readDirectory(closedSegments)
    .map(({ name }) => `${closedSegments}/${name}`)
    .sort()

/** What a query is to give, found by looking at everything. */
function expectedOf(records: readonly LogRecord[], query: Partial<LogQuery>): LogRecord[] {
  const { after, agent, reverse, since, types, until } = query
  const from = after === undefined ? 0 : records.findIndex(({ id }) => id === after) + 1
  const matching = records
    .slice(from)
    .filter(
      ({ agent: by, at, type }) =>
        (since === undefined || at >= since) &&
        (until === undefined || at < until) &&
        (types === undefined || (type !== undefined && types.includes(type))) &&
        (agent === undefined || by === agent),
    )
  return reverse === true ? matching.reverse() : matching
}

/** A log of several segments, written by several openings, with a clock that is set forth and back. */
async function writeLog(bench: LogBench, random: () => number, count: number): Promise<void> {
  let storage: FileStorage | undefined
  for (let done = 0; done < count; ) {
    if (storage === undefined || random() < 0.02) {
      await storage?.close()
      storage = await bench.open({ logSegmentBytes: segmentBytes })
    }
    bench.clock.setWallClock(bench.clock.now() + Math.floor((random() - 0.4) * 10 * 60_000))
    const group = Array.from({ length: 1 + Math.floor(random() * 8) }, () => ({
      type: random() < 0.5 ? 'sent' : 'seen',
      agent: random() < 0.3 ? 'scout' : undefined,
      data: { n: done++, text: 'x'.repeat(Math.floor(random() * 2000)) },
    }))
    await append(storage, ...group)
  }
  await storage?.close()
}

/** Everything a query can ask for, at random. */
function randomQuery(records: readonly LogRecord[], random: () => number): Partial<LogQuery> {
  const times = records.map(({ at }) => at)
  const least = Math.min(...times)
  const anyTime = (): number =>
    least + Math.floor(random() * (Math.max(...times) - least + 2 * hour)) - hour
  const maybe = <T>(share: number, value: () => T): T | undefined =>
    random() < share ? value() : undefined
  const since = maybe(0.6, anyTime)
  return {
    since,
    until: maybe(0.4, () => (since === undefined ? anyTime() : since + random() * 3 * hour)),
    after: maybe(0.3, () => records[Math.floor(random() * records.length)]?.id ?? '0.0'),
    types: maybe(0.3, () => ['sent']),
    agent: maybe(0.2, () => 'scout'),
    reverse: random() < 0.5,
  }
}

const corruptions: [string, (bench: LogBench) => void][] = [
  ['as it was written', () => {}],
  [
    'without its indexes',
    ({ fs }) => {
      for (const { name } of fs.readDirectory(`${internals}/x`)) fs.unlink(`${internals}/x/${name}`)
    },
  ],
  [
    'with a damaged index',
    (bench) => {
      const path = `${internals}/x/000001.json`
      const text = bench.bytesOf(path).toString()
      bench.replace(path, Buffer.from(text.replace('"blocks":[{', '"blocks":[{"lines":9},{')))
    },
  ],
  [
    'with an index of another file',
    (bench) =>
      bench.replace(`${internals}/x/000001.json`, bench.bytesOf(`${internals}/x/000002.json`)),
  ],
  ['without its manifest', ({ fs }) => fs.unlink(`${internals}/x.json`)],
  ['with an empty manifest', (bench) => bench.replace(`${internals}/x.json`, Buffer.alloc(0))],
]

describe.each(corruptions)('a log of many segments, %s', (name, corrupt) => {
  const seed = campaignSeed

  it('answers any query like one that looks at everything', async () => {
    const random = seededRandom(seed)
    const bench = new LogBench()
    await writeLog(bench, random, 1200)
    const { records } = await bench.read()
    expect(records.map(({ data }) => (data as { n: number }).n)).toEqual(
      Array.from(records, (_, n) => n),
    )
    expect(records.length).toBeGreaterThanOrEqual(1200)
    expect(segmentsOf(bench).length).toBeGreaterThan(4)
    corrupt(bench)
    const damage: unknown[] = []
    const reader = await bench.open({ readOnly: true }, damage as never)
    for (let round = 0; round < 60; round++) {
      const query = randomQuery(records, random)
      const context = `seed ${seed}: ${JSON.stringify(query)}`
      expect(await recordsOf(reader, query), context).toEqual(expectedOf(records, query))
    }
    await reader.close()
    expect(damage.length > 0).toBe(name.includes('manifest'))
  })

  it('goes on where it was', async () => {
    const random = seededRandom(seed)
    const bench = new LogBench()
    await writeLog(bench, random, 600)
    const before = (await bench.read()).records
    corrupt(bench)
    await writeLog(bench, random, 600)
    const { records, damage } = await bench.read()
    expect(records.slice(0, before.length)).toEqual(before)
    expect(records.length).toBeGreaterThanOrEqual(before.length + 600)
    expect(new Set(records.map(({ id }) => id)).size).toBe(records.length)
    // The manifest was written again with the next segment that was closed.
    expect(damage).toEqual([])
  })
})

describe('a log of many segments', () => {
  async function filled(): Promise<{ bench: LogBench; records: readonly LogRecord[] }> {
    const bench = new LogBench()
    const storage = await bench.open({ logSegmentBytes: segmentBytes })
    for (let minute = 0; minute < 40 * 60; minute++) {
      bench.clock.setWallClock(bench.clock.now() + 60_000)
      await append(storage, { data: { minute, text: 'x'.repeat(600) } })
    }
    await storage.close()
    return { bench, records: (await bench.read()).records }
  }

  it('reads for the last hour, in any direction, what that takes', async () => {
    const { bench, records } = await filled()
    const reader = await bench.open({ readOnly: true })
    const since = bench.clock.now() - hour
    const expected = expectedOf(records, { since })
    expect(expected.length).toBe(61)
    for (const reverse of [false, true]) {
      const first = await bench.bytesReadBy(() => recordsOf(reader, { since, reverse }))
      const again = await bench.bytesReadBy(() => recordsOf(reader, { since, reverse }))
      // The active file is indexed the first time; then only blocks that can match are read.
      expect(first).toBeLessThan(segmentBytes + 2 * 64 * 1024 + 2 * segmentBytes)
      expect(again).toBeLessThan(3 * 64 * 1024)
      expect(await recordsOf(reader, { since, reverse })).toEqual(
        reverse ? [...expected].reverse() : expected,
      )
    }
    await reader.close()
  })

  it('reads for a time long past, and for what follows an id, what that takes', async () => {
    const { bench, records } = await filled()
    const reader = await bench.open({ readOnly: true })
    const since = (records[700]?.at ?? 0) - 1
    const day = { since, until: since + hour }
    expect(await bench.bytesReadBy(() => recordsOf(reader, day))).toBeLessThan(3 * 64 * 1024)
    expect(await recordsOf(reader, day)).toEqual(expectedOf(records, day))
    const after = records.at(-30)?.id
    await recordsOf(reader, { after })
    expect(await bench.bytesReadBy(() => recordsOf(reader, { after }))).toBeLessThan(2 * 64 * 1024)
    expect(await recordsOf(reader, { after })).toEqual(records.slice(-29))
    await reader.close()
  })

  it('is read back from the end no further than is asked for', async () => {
    const { bench, records } = await filled()
    const reader = await bench.open({ readOnly: true })
    const bytes = await bench.bytesReadBy(async () => {
      for await (const group of reader.readLog({ log: 'x', reverse: true })) {
        expect(group[0]).toEqual(records.at(-1))
        return
      }
    })
    expect(bytes).toBeLessThanOrEqual(256 * 1024)
    await reader.close()
  })

  it('of which one was deleted gives the rest, and tells which is missing', async () => {
    const { bench, records } = await filled()
    const [, second = ''] = segmentsOf(bench)
    const lost = linesIn(bench, second)
    bench.fs.unlink(second)
    for (const reverse of [false, true]) {
      const { records: found, damage } = await bench.read({ reverse })
      const kept = records.filter(({ id }) => !lost.has(id))
      expect(found).toEqual(reverse ? kept.reverse() : kept)
      expect(damage).toEqual([
        expect.objectContaining({
          log: 'x',
          path: second,
          offset: 0,
          reason: expect.stringContaining('missing'),
        }),
      ])
    }
    await expectGoesOn(bench)
  })

  it('of which one was cut gives the rest, and tells what is missing', async () => {
    const { bench, records } = await filled()
    const [, second = ''] = segmentsOf(bench)
    const whole = bench.bytesOf(second)
    const kept = whole.subarray(0, Math.floor(whole.length / 2))
    bench.replace(second, kept)
    const lost = linesIn(bench, second, whole.subarray(kept.lastIndexOf(10) + 1))
    for (const reverse of [false, true]) {
      const { records: found, damage } = await bench.read({ reverse })
      const rest = records.filter(({ id }) => !lost.has(id))
      expect(found).toEqual(reverse ? rest.reverse() : rest)
      expect(damage).toContainEqual(
        expect.objectContaining({
          path: second,
          offset: kept.length,
          bytes: whole.length - kept.length,
        }),
      )
    }
    await expectGoesOn(bench)
  })

  it('of which the active file was deleted gives the rest, and goes on', async () => {
    const { bench, records } = await filled()
    const lost = linesIn(bench, active)
    expect(lost.size).toBeGreaterThan(0)
    bench.fs.unlink(active)
    const { records: found } = await bench.read()
    expect(found).toEqual(records.filter(({ id }) => !lost.has(id)))
    await expectGoesOn(bench)
  })

  it('is read to its end by those who began before others closed segments', async () => {
    for (const reverse of [false, true]) {
      const bench = new LogBench()
      const writer = await bench.open({ logSegmentBytes: segmentBytes })
      let n = 0
      const write = async (count: number): Promise<void> => {
        for (let done = 0; done < count; done++) {
          await append(writer, { data: { n: n++, text: 'x'.repeat(1000) } })
        }
      }
      await write(700)
      const atStart = (await bench.read()).records
      const reader = await bench.open({ readOnly: true })
      const seen: LogRecord[] = []
      for await (const group of reader.readLog({ log: 'x', reverse })) {
        seen.push(...group)
        await write(150)
      }
      const ids = seen.map(({ id }) => id)
      expect(new Set(ids).size, 'none twice').toBe(ids.length)
      const known = new Set(atStart.map(({ id }) => id))
      const ofStart = seen.filter(({ id }) => known.has(id))
      expect(ofStart).toEqual(reverse ? [...atStart].reverse() : atStart)
      await reader.close()
      await writer.close()
    }
  })

  it('shows nothing twice when whoever closed a segment died before the log had another file', async () => {
    const { bench } = await filled()
    const newest = segmentsOf(bench).at(-1) ?? ''
    bench.fs.unlink(active)
    const { records } = await bench.read()
    bench.fs.link(newest, active)
    expect((await bench.read()).records).toEqual(records)
    expect((await bench.read({ reverse: true })).records).toEqual([...records].reverse())
    await expectGoesOn(bench)
    expect((await bench.read()).records.slice(0, records.length)).toEqual(records)
  })

  it.each([
    ['a line break was lost', (first: Buffer) => first.subarray(0, -1)],
    ['the record before was torn', (first: Buffer) => first.subarray(0, 80)],
  ])('finds a record by time where %s', async (_, rest) => {
    const bench = new LogBench()
    const writer = await bench.open()
    await append(writer, { data: 'long before, and long enough to be torn' })
    const first = bench.bytesOf(active)
    bench.clock.setWallClock(bench.clock.now() + 10 * hour)
    await append(writer, { data: 'now' })
    await writer.close()
    const after = bench.bytesOf(active).subarray(first.length)
    bench.replace(active, Buffer.concat([rest(first), after]))
    const since = bench.clock.now() - hour
    expect((await bench.read({ since })).records.map(({ data }) => data)).toEqual(['now'])
    expect((await bench.read({ until: since })).records.length).toBe(
      (await bench.read()).records.length - 1,
    )
  })

  it('is indexed anew when other lines stand in its file', async () => {
    const bench = new LogBench()
    const writer = await bench.open()
    await append(writer, { data: 'long ago' })
    await writer.close()
    const reader = await bench.open({ readOnly: true })
    const since = bench.clock.now() + hour
    expect(await recordsOf(reader, { since })).toEqual([])
    const length = bench.bytesOf(active).length - 1
    const line = `{"time":${since + 1},"note":"in the same place"`
    const file = bench.fs.open(active, 'update')
    bench.fs.write(
      file,
      Buffer.from(`${line}${' '.repeat(length - line.length - 1)}}\n`),
      0,
      length + 1,
      0,
    )
    bench.fs.close(file)
    expect(await recordsOf(reader, { since })).toHaveLength(1)
    await reader.close()
  })

  it('shows a damaged id to nobody, and hides nothing behind it', async () => {
    const { bench, records } = await filled()
    const [first = ''] = segmentsOf(bench)
    // The last line of a segment claims an id that no other comes after, then one before all others.
    const whole = bench.bytesOf(first)
    const start = whole.lastIndexOf(10, whole.length - 2) + 1
    for (const id of ['{"id":"9', '{"id":"0']) {
      const damaged = Buffer.from(whole)
      damaged.write(id, start, 'latin1')
      bench.replace(first, damaged)
      for (const { name } of bench.fs.readDirectory(`${internals}/x`)) {
        bench.fs.unlink(`${internals}/x/${name}`)
      }
      const lost = JSON.parse(whole.toString('utf8', start)).id
      const kept = records.filter(({ id: other }) => other !== lost)
      const found = await bench.read()
      expect(found.records).toEqual(kept)
      expect(found.damage).toEqual([expect.objectContaining({ path: first, offset: start })])
      const after = records[10]?.id
      expect((await bench.read({ after })).records).toEqual(kept.slice(11))
    }
  })

  it('is closed at the last id that is certain, whatever a damaged line says', async () => {
    const bench = new LogBench()
    const writer = await bench.open({ logSegmentBytes: 4096 })
    await append(writer, { data: 'x'.repeat(2000) })
    await append(writer, { data: 'x'.repeat(1000) })
    const bytes = bench.bytesOf(active)
    const start = bytes.lastIndexOf(10, bytes.length - 2) + 1
    bytes.write('{"id":"9', start, 'latin1')
    bench.replace(active, bytes)
    await append(writer, { data: 'y'.repeat(2000) })
    bench.replace(active, Buffer.concat([bench.bytesOf(active), bytes.subarray(start)]))
    for (const data of ['a', 'b', 'c']) await append(writer, { data })
    await writer.close()
    expect(segmentsOf(bench).length).toBeGreaterThan(0)
    const { records } = await bench.read()
    expect(records.map(({ data }) => String(data)[0])).toEqual(['x', 'y', 'a', 'b', 'c'])
  })
})

/** The ids of the records in a file, or in bytes of it. */
function linesIn(bench: LogBench, path: string, bytes = bench.bytesOf(path)): Set<string> {
  const lines = bytes.toString('utf8').split('\n').filter(Boolean)
  return new Set(lines.map((line) => /"id":"(\d+\.\d+)"/.exec(line)?.[1] ?? line))
}

async function expectGoesOn(bench: LogBench): Promise<void> {
  const before = (await bench.read()).records
  const writer = await bench.open({ logSegmentBytes: segmentBytes })
  for (let n = 0; n < 400; n++) await append(writer, { data: { n, text: 'x'.repeat(1000) } })
  await writer.close()
  const { records } = await bench.read()
  expect(records.slice(0, before.length)).toEqual(before)
  expect(records.slice(before.length).map(({ data }) => (data as { n: number }).n)).toEqual(
    Array.from({ length: 400 }, (_, n) => n),
  )
}
