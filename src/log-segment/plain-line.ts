/**
 * Reading a line by the shape in which we write it, and only its data as JSON: twice as fast as parsing
 * all of it. What has not just that shape is nothing for here, and is parsed.
 */
import type { LineRecord } from './line-record.js'

export const head = '{"id":"'
export const headBytes = Buffer.from(head)
const timeKey = '","at":"'
const timeLength = 24
const typeKey = ',"type":"'
const agentKey = ',"agent":"'
const dataKey = ',"data":'
const continued = ',"more":true'

/** Names that are cut out of a line keep the line in memory; of longer lines that would be felt. */
const maxPlainBytes = 4096

const isDigit = (code: number | undefined): boolean =>
  code !== undefined && code >= 48 && code <= 57

/** Where the quote after the id stands in a line that begins with one, as two numbers; else -1. */
function endOfId(bytes: Uint8Array, start: number): number {
  for (let index = 0; index < head.length; index++) {
    if (bytes[start + index] !== headBytes[index]) return -1
  }
  let place = start + head.length
  const first = place
  while (isDigit(bytes[place])) place += 1
  if (place === first || bytes[place] !== 46) return -1
  place += 1
  const second = place
  while (isDigit(bytes[place])) place += 1
  return place === second || bytes[place] !== 34 ? -1 : place
}

/** Not a number unless two digits stand there. */
function twoDigits(bytes: Uint8Array, place: number): number {
  const tens = bytes[place] as number
  const ones = bytes[place + 1] as number
  return isDigit(tens) && isDigit(ones) ? (tens - 48) * 10 + ones - 48 : Number.NaN
}

/** Milliseconds since the epoch of a time of the form `2026-11-21T10:00:00.000Z`, else not a number. */
function timeAt(bytes: Uint8Array, start: number): number {
  const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2)
  const month = twoDigits(bytes, start + 5)
  const day = twoDigits(bytes, start + 8)
  const hour = twoDigits(bytes, start + 11)
  const minute = twoDigits(bytes, start + 14)
  const second = twoDigits(bytes, start + 17)
  const millisecond = twoDigits(bytes, start + 20) * 10 + (twoDigits(bytes, start + 21) % 10)
  const isTime =
    year >= 1000 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= 31 &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59 &&
    bytes[start + timeLength - 1] === 90
  return isTime ? Date.UTC(year, month - 1, day, hour, minute, second, millisecond) : Number.NaN
}

/** Id and time of a line of ours, its checksum not looked at: enough to know where to look. */
export function peekLine(
  bytes: Buffer,
  start: number,
  end: number,
): { id: string; at: number } | undefined {
  const idEnd = endOfId(bytes, start)
  const timeStart = idEnd + timeKey.length
  if (idEnd < 0 || timeStart + timeLength > end) return undefined
  const at = timeAt(bytes, timeStart)
  if (Number.isNaN(at)) return undefined
  return { id: bytes.toString('latin1', start + head.length, idEnd), at }
}

/** The record in a line whose checksum, at `sum`, is right; undefined if it has another shape. */
export function readPlainLine(bytes: Buffer, start: number, sum: number): LineRecord | undefined {
  if (sum - start > maxPlainBytes) return undefined
  const seen = peekLine(bytes, start, sum)
  if (seen === undefined) return undefined
  const { id, at } = seen
  const text = bytes.toString('utf8', start, sum)
  let place = head.length + id.length
  if (!text.startsWith(timeKey, place)) return undefined
  place += timeKey.length + timeLength
  if (text.charCodeAt(place) !== 34) return undefined
  place += 1
  let type: string | undefined
  if (text.startsWith(typeKey, place)) {
    const end = text.indexOf('"', place + typeKey.length)
    type = text.slice(place + typeKey.length, end)
    place = end + 1
  }
  let agent: string | undefined
  if (text.startsWith(agentKey, place)) {
    const end = text.indexOf('"', place + agentKey.length)
    agent = text.slice(place + agentKey.length, end)
    place = end + 1
  }
  // An escape: the quote that was found may not be the last.
  if (type?.includes('\\') === true || agent?.includes('\\') === true) return undefined
  const isContinued = text.endsWith(continued)
  const end = isContinued ? text.length - continued.length : text.length
  let data: unknown
  if (place !== end) {
    if (!text.startsWith(dataKey, place)) return undefined
    try {
      data = JSON.parse(text.slice(place + dataKey.length, end))
    } catch {
      // Not one JSON value: there is more in the line than we write, which is an answer here.
      return undefined
    }
  }
  return { id, at, type, agent, data, origin: 'store', isContinued }
}
