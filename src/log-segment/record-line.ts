/**
 * A record as a line of JSONL, for people first:
 *
 *     {"id":"4.17","at":"2026-11-21T10:00:00.000Z","type":"sent","agent":"bot","data":{…},"sum":"9f3a61c2"}
 *
 * `sum` is the CRC-32 of all before its comma. A line bears three marks of ours (`id`, `at`, `sum`), so a
 * single damage leaves two, or the end: what has one at most, and another end, was made by somebody else
 * and is theirs to format.
 */
import { crc32 } from './checksum.js'
import type { LineRecord } from './line-record.js'
import { head, headBytes, peekLine, readPlainLine } from './plain-line.js'

/** Bytes that do not make a record, by their place in what was given. */
export interface DamagedSpan {
  readonly start: number
  readonly end: number
  readonly reason: string
}

export interface RecordContent {
  readonly type?: string | undefined
  readonly agent?: string | undefined
  /** The data as JSON on one line; undefined for none. */
  readonly json: string | undefined
}

const sumKey = ',"sum":"'
const sumKeyBytes = Buffer.from(sumKey)
/** From the comma to the closing brace. */
const sumLength = sumKey.length + 10
const newline = 10
const maxSumsTried = 16
/** More of them than a line has bytes for this many are not looked at: it is damage, not records. */
const checkedBytesPerByte = 16
const isRevision = /^\d+\.\d+$/
const isId = /^\d{1,16}\.\d{1,16}$/
const isIsoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** The part between time and checksum, which is the same whenever the record is written. */
export function encodeContent({ type, agent, json }: RecordContent): string {
  const typed = type === undefined ? '' : `,"type":${JSON.stringify(type)}`
  const said = agent === undefined ? '' : `,"agent":${JSON.stringify(agent)}`
  return json === undefined ? `${typed}${said}` : `${typed}${said},"data":${json}`
}

/** The whole line, with its newline. `time` is ISO 8601 UTC. */
export function encodeLine(
  id: string,
  time: string,
  content: string,
  isContinued: boolean,
): string {
  const body = `${head}${id}","at":"${time}"${content}${isContinued ? ',"more":true' : ''}`
  return `${body}${sumKey}${crc32(body).toString(16).padStart(8, '0')}"}\n`
}

function hexAt(bytes: Uint8Array, position: number): number {
  let value = 0
  for (let index = position; index < position + 8; index++) {
    const code = bytes[index] as number
    const digit = code >= 97 && code <= 102 ? code - 87 : code >= 48 && code <= 57 ? code - 48 : -1
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

function bearsSum(bytes: Uint8Array, start: number, end: number): boolean {
  const sum = end - sumLength
  if (sum <= start || bytes[end - 1] !== 125 || bytes[end - 2] !== 34) return false
  for (let index = 0; index < sumKey.length; index++) {
    if (bytes[sum + index] !== sumKeyBytes[index]) return false
  }
  return true
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown): boolean => value === undefined || typeof value === 'string'

function parse(bytes: Buffer, start: number, end: number): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', start, end))
  } catch {
    // Not JSON, which is an answer here: undefined is what no JSON text parses to.
    return undefined
  }
}

/** The record that stands in these bytes, without a newline, if it is one of ours and whole. */
export function decodeLine(bytes: Buffer, start: number, end: number): LineRecord | undefined {
  if (!bearsSum(bytes, start, end)) return undefined
  const sum = end - sumLength
  if (crc32(bytes.subarray(start, sum)) !== hexAt(bytes, sum + sumKey.length)) return undefined
  return readPlainLine(bytes, start, sum) ?? parseLine(bytes, start, end)
}

/** The record in a line whose checksum is right, whatever stands where in it. */
function parseLine(bytes: Buffer, start: number, end: number): LineRecord | undefined {
  const line = parse(bytes, start, end) as
    | { id: string; at: string; type?: string; agent?: string; data?: unknown; more?: true }
    | undefined
  if (typeof line?.id !== 'string' || typeof line.at !== 'string') return undefined
  const { id, type, agent, data } = line
  if (!isId.test(id) || !isText(type) || !isText(agent)) return undefined
  const at = Date.parse(line.at)
  if (Number.isNaN(at)) return undefined
  const isContinued = line.more === true
  return { id, at, type, agent, data, origin: 'store', isContinued }
}

function timeOf(line: Record<string, unknown>): number {
  for (const name of ['at', 'time', 'timestamp']) {
    const value = line[name]
    const at = typeof value === 'string' ? Date.parse(value) : value
    if (typeof at === 'number' && Number.isFinite(at)) return at
  }
  return 0
}

/** A line that somebody else made: JSON that bears at most one of our marks, and does not end as ours do. */
function decodeForeign(bytes: Buffer, start: number, end: number): LineRecord | undefined {
  if (bearsSum(bytes, start, end)) return undefined
  const data = parse(bytes, start, end)
  if (data === undefined) return undefined
  if (!isRecord(data)) return { id: '0.0', at: 0, data, origin: 'external' }
  const marks = [
    typeof data.id === 'string' && isRevision.test(data.id),
    typeof data.at === 'string' && isIsoTime.test(data.at),
    typeof data.sum === 'string' && /^[0-9a-f]{8}$/.test(data.sum),
  ].filter(Boolean).length
  if (marks > 1) return undefined
  return { id: '0.0', at: timeOf(data), data, origin: 'external' }
}

const isBlank = (byte: number | undefined): boolean =>
  byte === 32 || byte === 13 || byte === 9 || byte === newline

/**
 * What can be had from a line that is not a whole record of ours: one made by hand, or the records that
 * stand in it beside the damage, as when a newline was hit, or a torn record stands before a whole one.
 */
export function salvageLine(
  bytes: Buffer,
  start: number,
  end: number,
): { records: LineRecord[]; damaged: DamagedSpan[] } {
  let first = start
  let last = end
  while (first < last && isBlank(bytes[first])) first += 1
  while (last > first && isBlank(bytes[last - 1])) last -= 1
  if (first === last) return { records: [], damaged: [] }
  const whole = decodeLine(bytes, first, last) ?? decodeForeign(bytes, first, last)
  if (whole !== undefined) return { records: [whole], damaged: [] }
  return salvagePieces(bytes.subarray(first, last), first)
}

/** The records that stand in bytes which are no line as a whole; `offset` is their place. */
function salvagePieces(
  bytes: Buffer,
  offset: number,
): { records: LineRecord[]; damaged: DamagedSpan[] } {
  const records: LineRecord[] = []
  const damaged: DamagedSpan[] = []
  const ends = new RecordEnds(bytes)
  let pending = 0
  for (let piece = bytes.indexOf(headBytes); piece >= 0; ) {
    const found = ends.recordAt(piece)
    if (found !== undefined) {
      if (piece > pending) damaged.push(span(bytes, pending, piece, offset))
      records.push(found.record)
      pending = found.end
    }
    piece = bytes.indexOf(headBytes, found?.end ?? piece + 1)
  }
  if (bytes.length > pending) damaged.push(span(bytes, pending, bytes.length, offset))
  return { records, damaged }
}

/** Finds where records end. Takes time in proportion to the bytes, whatever stands in them. */
class RecordEnds {
  readonly #bytes: Buffer
  #nextSum = -1
  #mayCheck: number

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#mayCheck = bytes.length * checkedBytesPerByte
  }

  /** A whole record that begins at `start`; to be asked for rising places. */
  recordAt(start: number): { record: LineRecord; end: number } | undefined {
    const bytes = this.#bytes
    // Objects with an id are common in data, too common to try each.
    if (peekLine(bytes, start, bytes.length) === undefined) return undefined
    if (this.#nextSum < start) this.#nextSum = this.#sumFrom(start)
    let sum = this.#nextSum
    // What is in the data of a record can look like the end of one, but not often.
    for (let tries = 0; tries < maxSumsTried && sum + sumLength <= bytes.length; tries++) {
      if (this.#mayCheck < 0) return undefined
      this.#mayCheck -= sum - start
      const record = decodeLine(bytes, start, sum + sumLength)
      if (record !== undefined) return { record, end: sum + sumLength }
      sum = this.#sumFrom(sum + 1)
    }
    return undefined
  }

  /** Beyond the end if there is none. */
  #sumFrom(start: number): number {
    const sum = this.#bytes.indexOf(sumKeyBytes, start)
    if (sum < 0) return this.#bytes.length
    this.#mayCheck -= sum - start
    return sum
  }
}

function span(bytes: Buffer, start: number, end: number, offset: number): DamagedSpan {
  const zeros = bytes.subarray(start, end).every((byte) => byte === 0)
  const reason = zeros ? 'zeros' : 'not a whole record'
  return { start: offset + start, end: offset + end, reason }
}
