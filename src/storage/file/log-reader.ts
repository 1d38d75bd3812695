/**
 * Reading logs, beside any number of writers and without a lease: first the active file is opened,
 * then the manifest is read. Whatever is closed in between is then read as a closed segment, and ids,
 * which rise through a log, keep anything from being seen twice.
 */
import type { Clock } from '../../clock/index.js'
import { isFileSystemError } from '../../errors/index.js'
import type { FileDescriptor, FileSystem } from '../../file-system/index.js'
import {
  chunksBackward,
  chunksForward,
  decodeLine,
  type IndexBlock,
  type LineChunk,
  type LineRecord,
  SegmentIndex,
  salvageLine,
} from '../../log-segment/index.js'
import type { LogDamage, LogQuery, LogRecord, LogStatus } from '../log.js'
import { refuseAborted } from '../refusals.js'
import { compareRevisions } from '../revision.js'
import type { Layout } from './layout.js'
import {
  type ClosedSegment,
  decodeIndex,
  LogPlaces,
  listLogs,
  readManifest,
  refuseLinks,
} from './log-manifest.js'

const newline = 10
/** A line that looks damaged may be one that is being written. */
const secondLookMs = 5
const maxKeptIndexes = 4096
const comparedBytes = 32

const nothing = (): void => {}

export interface LogReaderContext {
  readonly fileSystem: FileSystem
  readonly layout: Layout
  readonly clock: Clock
}

/** Bytes of a file that are to be read; lines begin at `start`. */
interface Range {
  readonly start: number
  readonly end: number
}

/** A file of a log as one query sees it. */
interface Segment {
  readonly path: string
  readonly file: FileDescriptor
  readonly inode: string
  readonly bytes: number
  /** Ids up to this one have been read from other segments. */
  readonly after: string
  readonly closed: ClosedSegment | undefined
}

interface KnownIndex {
  readonly inode: string
  readonly index: SegmentIndex
  /** What it was made of ends with this. */
  last: Buffer
}

/** What stands in a chunk, in the order of the file. */
interface Lines {
  readonly found: LineRecord[]
  readonly damage: LogDamage[]
}

type Batch = { readonly records: LogRecord[]; readonly damage: LogDamage[] }

export class LogReader {
  readonly #context: LogReaderContext
  /** By path: what was indexed of files that only grow. */
  readonly #indexes = new Map<string, KnownIndex>()
  /** By path: ends when nobody is at work on its index. */
  readonly #indexing = new Map<string, Promise<void>>()

  constructor(context: LogReaderContext) {
    this.#context = context
  }

  /** What matches, in groups, and what was found damaged on the way. */
  async *read(query: LogQuery): AsyncGenerator<Batch, void, undefined> {
    const places = LogPlaces.of(this.#context.layout, query.log)
    refuseLinks(this.#context.fileSystem.blocking, places)
    const active = await this.#open(places.active)
    try {
      const { manifest, rebuilt } = readManifest(this.#context.fileSystem.blocking, places)
      const { log } = query
      if (rebuilt) {
        const reason = 'the manifest was lost; segments are read as far as they go'
        yield { records: [], damage: [{ log, path: places.manifest, offset: 0, bytes: 0, reason }] }
      }
      const last = manifest.segments.at(-1)?.lastId ?? '0.0'
      const closed = manifest.segments.map((segment, index) => ({
        segment,
        after: manifest.segments[index - 1]?.lastId ?? '0.0',
      }))
      const newest = active && { ...active, path: places.active, after: last, closed: undefined }
      if (query.reverse === true) {
        if (newest !== undefined) yield* this.#segment(newest, query)
        for (const each of closed.reverse()) yield* this.#closed(places, each, query)
      } else {
        for (const each of closed) yield* this.#closed(places, each, query)
        if (newest !== undefined) yield* this.#segment(newest, query)
      }
    } finally {
      if (active !== undefined) await this.#context.fileSystem.close(active.file)
    }
  }

  /** Logs with at least one segment or record. */
  list(): LogStatus[] {
    const { fileSystem, layout } = this.#context
    const fs = fileSystem.blocking
    return listLogs(fs, layout).flatMap((name) => {
      const places = new LogPlaces(layout, name)
      const { manifest } = readManifest(fs, places)
      const active = fs.status(places.active)?.size ?? 0
      const bytes = manifest.segments.reduce((sum, segment) => sum + segment.bytes, active)
      if (bytes === 0) return []
      return { log: manifest.log, bytes, segments: manifest.segments.length + (active > 0 ? 1 : 0) }
    })
  }

  async #open(
    path: string,
  ): Promise<{ file: FileDescriptor; inode: string; bytes: number } | undefined> {
    const { fileSystem } = this.#context
    let file: FileDescriptor
    try {
      file = await fileSystem.open(path, 'read')
    } catch (error) {
      if (isFileSystemError(error, 'NotFound')) return undefined
      throw error
    }
    try {
      const { inode, size } = await fileSystem.statusOf(file)
      return { file, inode, bytes: size }
    } catch (error) {
      await fileSystem.close(file)
      throw error
    }
  }

  async *#closed(
    places: LogPlaces,
    { segment, after }: { readonly segment: ClosedSegment; readonly after: string },
    query: LogQuery,
  ): AsyncGenerator<Batch, void, undefined> {
    if (isOutside(segment, query)) return
    const path = places.segment(segment.number)
    const opened = await this.#open(path)
    if (opened === undefined) {
      const { log } = query
      const reason = 'a segment of the log is missing'
      yield { records: [], damage: [{ log, path, offset: 0, bytes: segment.bytes, reason }] }
      return
    }
    try {
      const bytes = Math.min(opened.bytes, segment.bytes)
      if (bytes < segment.bytes) {
        const reason = 'a segment of the log is cut short'
        const missing = { offset: bytes, bytes: segment.bytes - bytes, reason }
        yield { records: [], damage: [{ log: query.log, path, ...missing }] }
      }
      const index = places.index(segment.number)
      yield* this.#segment({ ...opened, path, bytes, after, closed: segment }, query, index)
    } finally {
      await this.#context.fileSystem.close(opened.file)
    }
  }

  async *#segment(
    segment: Segment,
    query: LogQuery,
    indexPath?: string,
  ): AsyncGenerator<Batch, void, undefined> {
    const ranges = await this.#ranges(segment, query, indexPath)
    const read = query.reverse === true ? this.#backward : this.#forward
    for (const range of query.reverse === true ? ranges.reverse() : ranges) {
      for await (const { found, damage } of read.call(this, range, segment, query)) {
        refuseAborted(query.signal, 'readLog')
        const batch = { records: wantedOf(found, segment, query), damage }
        if (batch.records.length > 0 || damage.length > 0) yield batch
      }
    }
  }

  /** Of a commit of several records that is being written at the end, all are shown or none. */
  async *#forward(
    { start, end }: Range,
    segment: Segment,
    query: LogQuery,
  ): AsyncGenerator<Lines, void, undefined> {
    let unfinished: LineRecord[] = []
    for await (const chunk of chunksForward(this.#context.fileSystem, segment.file, start, end)) {
      const { found, damage, endsDamaged } = await this.#decode(chunk, segment, query.log)
      const records = unfinished.length === 0 ? found : [...unfinished, ...found]
      unfinished = endsDamaged ? [] : takeUnfinished(records)
      yield { found: records, damage }
    }
    if (unfinished.length > 0 && !isActiveEnd(end, segment)) yield { found: unfinished, damage: [] }
  }

  async *#backward(
    { start, end }: Range,
    segment: Segment,
    query: LogQuery,
  ): AsyncGenerator<Lines, void, undefined> {
    let mayBeUnfinished = isActiveEnd(end, segment)
    for await (const chunk of chunksBackward(this.#context.fileSystem, segment.file, start, end)) {
      const { found, damage, endsDamaged } = await this.#decode(chunk, segment, query.log)
      if (mayBeUnfinished && !endsDamaged) takeUnfinished(found)
      mayBeUnfinished &&= !endsDamaged && found.length === 0
      yield { found, damage }
    }
  }

  async #decode(
    chunk: LineChunk,
    segment: Segment,
    log: string,
  ): Promise<Lines & { readonly endsDamaged: boolean }> {
    const { bytes } = chunk
    const found: LineRecord[] = []
    const damage: LogDamage[] = []
    let endsDamaged = false
    const again = new SecondLook(this.#context, segment.file, chunk)
    for (let start = 0; start < bytes.length; ) {
      const next = bytes.indexOf(newline, start)
      const end = next < 0 ? bytes.length : next
      const record = decodeLine(bytes, start, end)
      if (record !== undefined) {
        found.push(record)
        endsDamaged = false
      } else if (next >= 0 || segment.closed !== undefined) {
        const before = damage.length
        await this.#salvage(chunk, start, end, segment, log, found, damage, again)
        endsDamaged = damage.length > before
      } else {
        // The end of the active file: by hand and without a newline, or being written just now.
        found.push(...salvageLine(bytes, start, end).records)
      }
      start = end + 1
    }
    return { found, damage, endsDamaged }
  }

  /** What stands in a line that is no whole record, after a second look at one that may be in the making. */
  async #salvage(
    { bytes, offset }: LineChunk,
    start: number,
    end: number,
    { closed, path }: Segment,
    log: string,
    found: LineRecord[],
    damage: LogDamage[],
    again: SecondLook,
  ): Promise<void> {
    let salvaged = salvageLine(bytes, start, end)
    if (salvaged.damaged.length > 0 && closed === undefined) {
      if (await again.hasChanged(start, end)) salvaged = salvageLine(bytes, start, end)
    }
    for (const record of salvaged.records) found.push(record)
    for (const { start: from, end: to, reason } of salvaged.damaged) {
      const last = damage.at(-1)
      // With nothing but the end of a line between them they are one place.
      if (last?.reason === reason && last.offset + last.bytes === offset + from - 1) {
        damage[damage.length - 1] = { ...last, bytes: offset + to - last.offset }
      } else {
        damage.push({ log, path, offset: offset + from, bytes: to - from, reason })
      }
    }
  }

  /** The parts of a segment in which something can match. */
  async #ranges(segment: Segment, query: LogQuery, indexPath?: string): Promise<Range[]> {
    const { since, until, after } = query
    if (since === undefined && until === undefined && after === undefined) {
      return [{ start: 0, end: segment.bytes }]
    }
    const blocks = await this.#index(segment, indexPath)
    const ranges: { start: number; end: number }[] = []
    for (const [index, block] of blocks.entries()) {
      if (isOutside(block, query)) continue
      const start = block.offset
      const end = blocks[index + 1]?.offset ?? segment.bytes
      const before = ranges.at(-1)
      if (before?.end === start) before.end = end
      else ranges.push({ start, end })
    }
    return ranges
  }

  /** The index of a segment: as stored, or as read before and since, or read now. One at a time. */
  #index(segment: Segment, indexPath: string | undefined): Promise<readonly IndexBlock[]> {
    const { path } = segment
    const before = this.#indexing.get(path) ?? Promise.resolve()
    const indexing = before.then(() => this.#indexNow(segment, indexPath))
    const ended: Promise<void> = indexing.then(nothing, nothing).then(() => {
      if (this.#indexing.get(path) === ended) this.#indexing.delete(path)
    })
    this.#indexing.set(path, ended)
    return indexing
  }

  async #indexNow(segment: Segment, indexPath: string | undefined): Promise<readonly IndexBlock[]> {
    const { fileSystem } = this.#context
    const { bytes, closed, file, inode, path } = segment
    const found = this.#indexes.get(path)
    let known = found?.inode === inode ? found : undefined
    if (known === undefined && closed !== undefined && indexPath !== undefined) {
      const stored = await this.#storedIndex(indexPath, { bytes: closed.bytes, inode })
      if (stored !== undefined) return stored
    }
    if (known === undefined || !(await this.#fits(segment, known))) {
      known = { inode, index: new SegmentIndex(), last: Buffer.alloc(0) }
      if (this.#indexes.size >= maxKeptIndexes) this.#indexes.clear()
      this.#indexes.set(path, known)
    }
    const { index } = known
    const from = index.end
    for await (const chunk of chunksForward(fileSystem, file, from, bytes)) index.add(chunk)
    if (index.end !== from) known.last = await this.#lastOf(segment, index.end)
    return index.blocks
  }

  /** Whether the index is of this file as it is: an edited one, or another with its number, ends otherwise. */
  async #fits(segment: Segment, { index, last }: KnownIndex): Promise<boolean> {
    if (index.end > segment.bytes) return false
    return last.equals(await this.#lastOf(segment, index.end))
  }

  /** What the bytes before `end` end with: the checksum of a line. */
  async #lastOf({ file }: Segment, end: number): Promise<Buffer> {
    const length = Math.min(comparedBytes, end)
    const last = Buffer.alloc(length)
    if (length > 0) await this.#context.fileSystem.read(file, last, 0, length, end - length)
    return last
  }

  async #storedIndex(
    path: string,
    file: { readonly bytes: number; readonly inode: string },
  ): Promise<IndexBlock[] | undefined> {
    try {
      const text = Buffer.from(await this.#context.fileSystem.readFile(path)).toString('utf8')
      return decodeIndex(text, file)
    } catch (error) {
      if (isFileSystemError(error, 'NotFound', 'TooManySymlinks')) return undefined
      throw error
    }
  }
}

/** What stands in a chunk a moment after it was read: once, however many lines of it look damaged. */
class SecondLook {
  readonly #context: LogReaderContext
  readonly #file: FileDescriptor
  readonly #chunk: LineChunk
  #seen: Buffer | undefined

  constructor(context: LogReaderContext, file: FileDescriptor, chunk: LineChunk) {
    this.#context = context
    this.#file = file
    this.#chunk = chunk
  }

  /** Whether there is something else between two places by now; it is taken into the chunk. */
  async hasChanged(start: number, end: number): Promise<boolean> {
    const { bytes } = this.#chunk
    this.#seen ??= await this.#look()
    if (end > this.#seen.length) return false
    const now = this.#seen.subarray(start, end)
    if (now.equals(bytes.subarray(start, end))) return false
    now.copy(bytes, start)
    return true
  }

  async #look(): Promise<Buffer> {
    const { bytes, offset } = this.#chunk
    const { clock, fileSystem } = this.#context
    await clock.sleep(secondLookMs, { keepAlive: true })
    const seen = Buffer.alloc(bytes.length)
    const count = await fileSystem.read(this.#file, seen, 0, seen.length, offset)
    return seen.subarray(0, count)
  }
}

const isActiveEnd = (end: number, { bytes, closed }: Segment): boolean =>
  closed === undefined && end >= bytes

/** Takes away the records at the end that wait for others of their commit. */
function takeUnfinished(records: LineRecord[]): LineRecord[] {
  const last = records.findLastIndex(({ isContinued }) => isContinued !== true)
  return records.splice(last + 1)
}

/** Of the records of a chunk those that are asked for, in the order that is asked for. */
function wantedOf(found: readonly LineRecord[], { after }: Segment, query: LogQuery): LogRecord[] {
  const records: LogRecord[] = []
  for (let index = firstBeyond(found, after, query.after); index < found.length; index++) {
    const record = found[index] as LineRecord
    if (isWanted(record, query)) records.push(shown(record))
  }
  return query.reverse === true ? records.reverse() : records
}

/** Whether nothing within these bounds can match. */
function isOutside(
  {
    from,
    to,
    lastId,
  }: { from?: number | undefined; to?: number | undefined; lastId?: string | undefined },
  { since, until, after }: LogQuery,
): boolean {
  if (since !== undefined && to !== undefined && to < since) return true
  if (until !== undefined && from !== undefined && from >= until) return true
  return after !== undefined && lastId !== undefined && compareRevisions(lastId, after) <= 0
}

function isWanted(record: LineRecord, query: LogQuery): boolean {
  const { at, origin, type } = record
  if (query.since !== undefined && at < query.since) return false
  if (query.until !== undefined && at >= query.until) return false
  if (query.types !== undefined && (type === undefined || !query.types.includes(type))) return false
  if (query.agent !== undefined && record.agent !== query.agent) return false
  return origin === 'store' || query.after === undefined
}

/** Ids rise: where those begin that are beyond both, with the lines made by hand just before them. */
function firstBeyond(records: readonly LineRecord[], read: string, after = '0.0'): number {
  if (read === '0.0' && after === '0.0') return 0
  let index = records.findIndex(
    ({ id, origin }) =>
      origin === 'store' && compareRevisions(id, read) > 0 && compareRevisions(id, after) > 0,
  )
  if (index < 0) index = records.length
  while (records[index - 1]?.origin === 'external') index -= 1
  return index
}

function shown(record: LineRecord): LogRecord {
  const { id, at, type, agent, data, origin } = record
  return { id, at, type, agent, data, origin }
}
