/**
 * Reading a line by the shape in which we write it, and only its data as JSON: twice as fast as parsing
 * all of it. What has not just that shape is nothing for here, and is parsed.
 */
import type { LineRecord } from './line-record.js'

export const head = '{"id":"'
const timeKey = '","at":"'
const timeLength = 24
const typeKey = ',"type":"'
const agentKey = ',"agent":"'
const dataKey = ',"data":'
const continued = ',"more":true'
const isRevision = /^\d+\.\d+$/

/** Names that are cut out of a line keep the line in memory; of longer lines that would be felt. */
const maxPlainLength = 4096

/** Where the time stands in a line whose id ends with the quote at `idEnd`. */
const timeAfter = (idEnd: number): number => idEnd + timeKey.length

/** Not a number unless two digits stand there. */
function twoDigits(text: string, place: number): number {
  const tens = text.charCodeAt(place) - 48
  const ones = text.charCodeAt(place + 1) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

/** Milliseconds since the epoch of a time of the form `2026-11-21T10:00:00.000Z`, else not a number. */
function timeAt(text: string, start: number): number {
  const year = twoDigits(text, start) * 100 + twoDigits(text, start + 2)
  const month = twoDigits(text, start + 5)
  const day = twoDigits(text, start + 8)
  const hour = twoDigits(text, start + 11)
  const minute = twoDigits(text, start + 14)
  const second = twoDigits(text, start + 17)
  const millisecond = twoDigits(text, start + 20) * 10 + (twoDigits(text, start + 21) % 10)
  const isTime =
    year >= 1000 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= 31 &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59 &&
    text.charCodeAt(start + timeLength - 1) === 90
  return isTime ? Date.UTC(year, month - 1, day, hour, minute, second, millisecond) : Number.NaN
}

/** Id and time of a line that begins with this text, if they stand there as we write them. */
export function idAndTime(text: string): { id: string; at: number } | undefined {
  if (!text.startsWith(head)) return undefined
  const idEnd = text.indexOf('"', head.length)
  if (idEnd < 0) return undefined
  const at = timeAt(text, timeAfter(idEnd))
  const id = text.slice(head.length, idEnd)
  return Number.isNaN(at) || !isRevision.test(id) ? undefined : { id, at }
}

/** The record of which this is the line up to its checksum; undefined if the line has another shape. */
export function readPlainLine(text: string): LineRecord | undefined {
  if (text.length > maxPlainLength || !text.startsWith(head)) return undefined
  const idEnd = text.indexOf('"', head.length)
  if (idEnd < 0 || !text.startsWith(timeKey, idEnd)) return undefined
  const id = text.slice(head.length, idEnd)
  const at = timeAt(text, timeAfter(idEnd))
  let place = timeAfter(idEnd) + timeLength
  if (id.includes('\\') || Number.isNaN(at) || text[place] !== '"') return undefined
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
