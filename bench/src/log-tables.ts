/** The tables of logs as plain text. */
import type { AppendTable } from './suites/log-append.js'
import type { LogReadTable } from './suites/log-read.js'
import { layOut, ms, whole } from './tables.js'

export function appendTableText({ rows, wanted, width }: AppendTable): string {
  const what = width === 1 ? 'one at a time' : `${whole(width)} in flight`
  const header = [
    `append ${wanted === 'power cut' ? 'durably' : 'to survive kill -9'}, ${what}`,
    'survives',
    'events/s',
    'batch median ms',
    'p99 ms',
    'loop p99',
    'loop max',
    'read back',
  ]
  const cells = [...rows]
    .sort((left, right) => right.opsPerSecond - left.opsPerSecond)
    .map((row) => [
      row.name,
      row.survival + (row.survivalProbed ? '' : '*'),
      whole(row.opsPerSecond),
      ms(row.medianMs),
      ms(row.p99Ms),
      ms(row.loopP99Ms),
      ms(row.loopMaxMs),
      row.isWhole ? 'ok' : 'WRONG',
    ])
  return layOut(header, cells)
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`

export function logReadTableText({ lastHour, scan, use }: LogReadTable): string {
  const asking = layOut(
    ['the last hour of a log', 'of events', 'found', 'first ms', 'again ms'],
    lastHour.map((row) => [
      row.name,
      whole(row.events),
      whole(row.found),
      ms(row.firstMs),
      ms(row.againMs),
    ]),
  )
  const scanning = layOut(
    ['read and parse all, in a fresh process', 'events', 'events/s', 'ms', 'RSS before', 'peak'],
    scan.map((row) => [
      row.name,
      whole(row.events),
      whole(row.eventsPerSecond),
      ms(row.ms),
      megabytes(row.bytesBefore),
      megabytes(row.peakBytes),
    ]),
  )
  const using = layOut(
    ['open the large log in a fresh process', 'ms', 'RSS'],
    [
      ['open', ms(use.openMs), megabytes(use.bytesBefore)],
      ['until the newest event is known', ms(use.newestMs), ''],
      ['until an event is appended after it', ms(use.appendedMs), ''],
      ['queried, followed, appended to, scanned: peak', '', megabytes(use.peakBytes)],
    ],
  )
  return [asking, scanning, using].join('\n\n')
}
