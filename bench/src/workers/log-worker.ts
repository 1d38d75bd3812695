/**
 * Reads a large log in a fresh process, so that its memory can be told. `scan`: every event, through
 * the library. `split`: every line of its files, by hand. `use`: opens it, asks it, follows it and
 * appends to it.
 */
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openHoldfast } from '../holdfast.js'
import { logName } from '../logs/big-logs.js'
import { type BenchEvent, EventSource } from '../logs/events.js'
import { answer } from '../run-worker.js'
import { seededRandom } from '../statistics.js'

export interface ScanResult {
  readonly ms: number
  readonly events: number
  readonly sequenceSum: number
  /** Resident, of the whole process: before the scan, and the most there was until its end. */
  readonly bytesBefore: number
  readonly peakBytes: number
}

export interface UseResult {
  readonly openMs: number
  /** From the begin of opening until the newest event was known. */
  readonly newestMs: number
  /** From the begin of opening until an event was appended after that, durably. */
  readonly appendedMs: number
  readonly lastHour: { readonly events: number; readonly sequenceSum: number }
  readonly scanned: number
  readonly appended: number
  readonly followed: number
  readonly bytesBefore: number
  readonly peakBytes: number
}

type Data = BenchEvent['data']

const peakBytes = (): number => process.resourceUsage().maxRSS * 1024

async function scan(directory: string): Promise<ScanResult> {
  const store = await openHoldfast(directory, { readOnly: true })
  const bytesBefore = process.memoryUsage.rss()
  const start = performance.now()
  let events = 0
  let sequenceSum = 0
  for await (const { data } of store.log<Data>(logName).query()) {
    events += 1
    sequenceSum += data.sequence
  }
  const ms = performance.now() - start
  await store.close()
  return { ms, events, sequenceSum, bytesBefore, peakBytes: peakBytes() }
}

/** The files of the log, the oldest first. */
function filesOf(directory: string): string[] {
  const logs = join(directory, 'logs')
  const segments = readdirSync(logs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath !== logs)
    .map((entry) => join(entry.parentPath, entry.name))
  return [...segments.sort(), join(logs, `${logName}.jsonl`)]
}

/** File by file: the whole log as one string is more than a string can be. */
async function split(directory: string): Promise<ScanResult> {
  const files = filesOf(directory)
  const bytesBefore = process.memoryUsage.rss()
  const start = performance.now()
  let events = 0
  let sequenceSum = 0
  for (const file of files) {
    for (const line of (await readFile(file, 'utf8')).split('\n')) {
      if (line === '') continue
      const { data } = JSON.parse(line) as BenchEvent
      events += 1
      sequenceSum += data.sequence
    }
  }
  const ms = performance.now() - start
  return { ms, events, sequenceSum, bytesBefore, peakBytes: peakBytes() }
}

const appends = { batches: 20, width: 100 }
const queries = 10

async function use(directory: string, since: number): Promise<UseResult> {
  // Loads the library: `import` is another suite's figure.
  await openHoldfast(`${directory}-empty`).then((store) => store.close())
  const bytesBefore = process.memoryUsage.rss()
  const source = new EventSource(seededRandom(2))
  const start = performance.now()
  const store = await openHoldfast(directory)
  const openMs = performance.now() - start
  const log = store.log<Data>(logName)
  const [newest] = await log.last()
  const newestMs = performance.now() - start
  if (newest === undefined) throw new Error('the log is empty')
  const lastHour = { events: 0, sequenceSum: 0 }
  // Of the log as it was found; what is appended here is newer.
  const until = newest.at + 1
  const appendedBefore = await log.append(source.next().data)
  const appendedMs = performance.now() - start

  let followed = 0
  const abort = new AbortController()
  const total = appends.batches * appends.width
  const following = (async () => {
    for await (const _ of log.follow({ after: appendedBefore.id, signal: abort.signal })) {
      followed += 1
      if (followed === total) break
    }
  })()
  for (let query = 0; query < queries; query += 1) {
    const found = await log.query({ since, until }).toArray()
    lastHour.events = found.length
    lastHour.sequenceSum = found.reduce((sum, { data }) => sum + data.sequence, 0)
  }
  for (let batch = 0; batch < appends.batches; batch += 1) {
    const events = source.take(appends.width)
    await Promise.all(events.map(({ type, data }) => log.append(type, data)))
  }
  let scanned = 0
  for await (const _ of log.query({ until })) scanned += 1
  const late = setTimeout(() => abort.abort(), 5000)
  await following
  clearTimeout(late)
  await store.close()
  return {
    openMs,
    newestMs,
    appendedMs,
    lastHour,
    scanned,
    appended: total,
    followed,
    bytesBefore,
    peakBytes: peakBytes(),
  }
}

const [mode = '', directory = '', since = ''] = process.argv.slice(2)
await answer<ScanResult | UseResult>(() =>
  mode === 'use'
    ? use(directory, Number(since))
    : mode === 'scan'
      ? scan(directory)
      : split(directory),
)
