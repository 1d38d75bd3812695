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
import { CutGroup, type DecodedLines, HeldGroup } from './log-groups.js'
import {
  type ClosedSegment,
  decodeIndex,
  LogPlaces,
  listLogs,
  readManifest,
} from './log-manifest.js'

const newline = 10
/** A line that looks damaged may be one that is being written. */
const secondLookMs = 5
const maxKeptIndexes = 4096

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

type Batch = { readonly records: LogRecord[]; readonly damage: LogDamage[] }

export class LogReader {
  readonly #context: LogReaderContext
  /** By path: what was indexed of files that only grow. */
  readonly #indexes = new Map<string, { readonly inode: string; readonly index: SegmentIndex }>()

  constructor(context: LogReaderContext) {
    this.#context = context
  }

  /** What matches, in groups, and what was found damaged on the way. */
  async *read(query: LogQuery): AsyncGenerator<Batch, void, undefined> {
    const places = LogPlaces.of(this.#context.layout, query.log)
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
    try {
      const file = await fileSystem.open(path, 'read')
      const { inode, size } = await fileSystem.statusOf(file)
      return { file, inode, bytes: size }
    } catch (error) {
      if (isFileSystemError(error, 'NotFound')) return undefined
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
    const { fileSystem } = this.#context
    const ranges = await this.#ranges(segment, query, indexPath)
    const forward = query.reverse !== true
    const chunks = forward ? chunksForward : chunksBackward
    const groups = forward ? new HeldGroup() : new CutGroup()
    for (const { start, end } of forward ? ranges : ranges.reverse()) {
      for await (const chunk of chunks(fileSystem, segment.file, start, end)) {
        refuseAborted(query.signal, 'readLog')
        const lines = await this.#decode(chunk, segment, query.log)
        const reachesEnd = chunk.offset + chunk.bytes.length >= segment.bytes
        const found = segment.closed === undefined ? groups.whole(lines, reachesEnd) : lines.found
        const records = wanted(found, segment, query)
        const { damage } = lines
        if (records.length > 0 || damage.length > 0) yield { records, damage }
      }
    }
    const records = wanted(groups.rest(), segment, query)
    if (records.length > 0) yield { records, damage: [] }
  }

  async #decode(chunk: LineChunk, segment: Segment, log: string): Promise<DecodedLines> {
    const { bytes } = chunk
    const found: LineRecord[] = []
    const damage: LogDamage[] = []
    let endsDamaged = false
    for (let start = 0; start < bytes.length; ) {
      const next = bytes.indexOf(newline, start)
      const end = next < 0 ? bytes.length : next
      const record = decodeLine(bytes, start, end)
      if (record !== undefined) {
        found.push(record)
        endsDamaged = false
      } else if (next >= 0 || segment.closed !== undefined) {
        const before = damage.length
        await this.#salvage(chunk, start, end, segment, log, found, damage)
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
    { closed, file, path }: Segment,
    log: string,
    found: LineRecord[],
    damage: LogDamage[],
  ): Promise<void> {
    let salvaged = salvageLine(bytes, start, end)
    if (salvaged.damaged.length > 0 && closed === undefined) {
      const { clock, fileSystem } = this.#context
      await clock.sleep(secondLookMs, { keepAlive: true })
      const again = Buffer.alloc(end - start)
      await fileSystem.read(file, again, 0, again.length, offset + start)
      if (!again.equals(bytes.subarray(start, end))) {
        again.copy(bytes, start)
        salvaged = salvageLine(bytes, start, end)
      }
    }
    found.push(...salvaged.records)
    for (const { start: from, end: to, reason } of salvaged.damaged) {
      damage.push({ log, path, offset: offset + from, bytes: to - from, reason })
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

  /** The index of a segment: as stored, or as read before and since, or read now. */
  async #index(segment: Segment, indexPath: string | undefined): Promise<readonly IndexBlock[]> {
    const { fileSystem } = this.#context
    const { bytes, closed, file, inode, path } = segment
    const known = this.#indexes.get(path)
    let index = known?.inode === inode ? known.index : undefined
    if (index === undefined && closed !== undefined && indexPath !== undefined) {
      const stored = await this.#storedIndex(indexPath, { bytes: closed.bytes, inode })
      if (stored !== undefined) return stored
    }
    if (index === undefined || !(await this.#fits(segment, index))) {
      index = new SegmentIndex()
      if (this.#indexes.size >= maxKeptIndexes) this.#indexes.clear()
      this.#indexes.set(path, { inode, index })
    }
    for await (const chunk of chunksForward(fileSystem, file, index.end, bytes)) {
      // Another query may have been faster.
      if (chunk.offset === index.end) index.add(chunk)
    }
    return index.blocks
  }

  /** Whether the index is of this file as it is: somebody may have edited it. */
  async #fits({ bytes, file }: Segment, index: SegmentIndex): Promise<boolean> {
    if (index.end > bytes) return false
    if (index.end === 0) return true
    const last = Buffer.alloc(1)
    await this.#context.fileSystem.read(file, last, 0, 1, index.end - 1)
    return last[0] === newline
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

/** In the order of the answer. */
function wanted(found: readonly LineRecord[], { after }: Segment, query: LogQuery): LogRecord[] {
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

/** Ids rise: where those begin that are beyond both. */
function firstBeyond(records: readonly LineRecord[], read: string, after = '0.0'): number {
  if (read === '0.0' && after === '0.0') return 0
  const isBeyond = ({ id, origin }: LineRecord): boolean =>
    origin === 'store' && compareRevisions(id, read) > 0 && compareRevisions(id, after) > 0
  const index = records.findIndex(isBeyond)
  return index < 0 ? (after === '0.0' ? firstForeign(records) : records.length) : index
}

/** Of lines made by hand alone, which have no ids. */
const firstForeign = (records: readonly LineRecord[]): number =>
  records.some(({ origin }) => origin === 'store') ? records.length : 0

function shown(record: LineRecord): LogRecord {
  const { id, at, type, agent, data, origin } = record
  return { id, at, type, agent, data, origin }
}
