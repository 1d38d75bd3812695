/** Reading the file that a log is appended to, as the writer needs it: its end, its ids, its times. */
import {
  type FileDescriptor,
  type FileOperations,
  io,
  type Steps,
} from '../../file-system/index.js'
import {
  decodeLine,
  type LineRecord,
  peekLine,
  SegmentIndex,
  salvageLine,
} from '../../log-segment/index.js'
import { compareRevisions, type Revision } from '../revision.js'

const tailBytes = 64 * 1024
const scanBytes = 256 * 1024
const newline = 10

export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export interface LogTail {
  /** Behind the last commit that stands there as a whole. */
  readonly end: number
  /** The last line lacks its newline. */
  readonly isOpenEnded: boolean
}

function* readRange(file: number, start: number, length: number): Steps<Buffer> {
  const bytes = Buffer.alloc(length)
  let done = 0
  while (done < length) {
    const count = yield* io.read(file, bytes, done, length - done, start + done)
    if (count === 0) break
    done += count
  }
  return bytes.subarray(0, done)
}

/** Finds the end of what is whole; what is behind it was torn, and never acknowledged. */
export function* inspectTail(file: number, size: number): Steps<LogTail> {
  for (let length = Math.min(tailBytes, size); ; length = Math.min(length * 4, size)) {
    const bytes = yield* readRange(file, size - length, length)
    const found = tailIn(bytes, length === size)
    if (found === undefined && length < size) continue
    const { end, isOpenEnded } = found ?? { end: 0, isOpenEnded: false }
    return { end: size - length + end, isOpenEnded }
  }
}

/** Of the line that ends at `end`, its newline included. A negative place would count from the end. */
const startOfLine = (bytes: Buffer, end: number): number =>
  end < 2 ? 0 : bytes.lastIndexOf(newline, end - 2) + 1

/** Undefined when it begins before these bytes. */
function tailIn(bytes: Buffer, isWholeFile: boolean): LogTail | undefined {
  let end = bytes.length
  const start = bytes.lastIndexOf(newline) + 1
  if (start < end) {
    if (start === 0 && !isWholeFile) return undefined
    const { records, damaged } = salvageLine(bytes, start, end)
    if (records.length > 0 && records.at(-1)?.isContinued !== true) {
      const torn = damaged.at(-1)
      return { end: torn?.end === end ? torn.start : end, isOpenEnded: true }
    }
    end = start
  }
  // Of a commit of several records, all count or none.
  while (end > 0) {
    const lineStart = startOfLine(bytes, end)
    if (lineStart === 0 && !isWholeFile) return undefined
    if (decodeLine(bytes, lineStart, end - 1)?.isContinued !== true) break
    end = lineStart
  }
  return { end, isOpenEnded: false }
}

/** Indexes a file up to `end`. */
export function* indexFile(file: number, end: number): Steps<SegmentIndex> {
  const index = new SegmentIndex()
  for (let length = scanBytes; index.end < end; ) {
    const before = index.end
    const wanted = Math.min(length, end - before)
    index.add({ bytes: yield* readRange(file, before, wanted), offset: before })
    if (index.end > before) continue
    // A line longer than this; or the last, which somebody left without a newline.
    if (wanted === end - before) break
    length *= 4
  }
  return index
}

/** The whole lines of a file, the last first. */
function* linesFromEnd(bytes: Buffer, size: number): Generator<[number, number], void, undefined> {
  for (let end = size; end > 0; ) {
    const start = startOfLine(bytes, end)
    yield [start, bytes[end - 1] === newline ? end - 1 : end]
    end = start
  }
}

/** The id of the last whole record of ours before `end`, which is where a line ends. */
export function lastIdBefore(
  fs: FileOperations,
  file: FileDescriptor,
  end: number,
): Revision | undefined {
  for (let length = Math.min(tailBytes, end); ; length = Math.min(length * 4, end)) {
    const bytes = Buffer.alloc(length)
    let count = 0
    for (let read = -1; read !== 0 && count < length; count += read) {
      read = fs.read(file, bytes, count, length - count, end - length + count)
    }
    // What may be the rest of a line is not looked at.
    const start = length === end ? 0 : bytes.indexOf(newline) + 1
    const found = lastRecordId(bytes.subarray(start, count))
    if (found !== undefined || length === end) return found
  }
}

function wholeRecords(bytes: Buffer, start: number, end: number): readonly LineRecord[] {
  const whole = decodeLine(bytes, start, end)
  return whole === undefined ? salvageLine(bytes, start, end).records : [whole]
}

/** The id of the last record of the last whole commit of ours: one in part is cut off before an append. */
export function lastCommittedId(bytes: Buffer): Revision | undefined {
  return lastRecordId(bytes.subarray(0, tailIn(bytes, true)?.end ?? 0))
}

/** The id of the last whole record of ours. */
function lastRecordId(bytes: Buffer): Revision | undefined {
  for (const [start, end] of linesFromEnd(bytes, bytes.length)) {
    const records = wholeRecords(bytes, start, end)
    const last = records.findLast(({ origin }) => origin === 'store')
    if (last !== undefined) return last.id
  }
  return undefined
}

/** All records that stand there as a whole, by whomever, from the last to the first. */
export function wholeRecordsIn(bytes: Buffer): LineRecord[] {
  const lines = [...linesFromEnd(bytes, bytes.length)]
  return lines.flatMap(([start, end]) => wholeRecords(bytes, start, end))
}

/**
 * Where everything begins that stands behind the records with lesser ids. Undefined when that cannot be
 * told, because a line holds records of both kinds.
 */
export function startOfIds(bytes: Buffer, id: Revision): number | undefined {
  for (const [start, end] of linesFromEnd(bytes, bytes.length)) {
    const own = wholeRecords(bytes, start, end).filter(({ origin }) => origin === 'store')
    const lesser = own.filter((record) => compareRevisions(record.id, id) < 0)
    if (lesser.length === 0) continue
    return lesser.length === own.length ? Math.min(end + 1, bytes.length) : undefined
  }
  return 0
}

/** Whether a whole record with this id stands in the first `size` bytes. */
export function holdsRecord(bytes: Buffer, size: number, id: Revision): boolean {
  for (const [start, end] of linesFromEnd(bytes, Math.min(size, bytes.length))) {
    if (peekLine(bytes, start, end)?.id === id) return decodeLine(bytes, start, end) !== undefined
  }
  return false
}
