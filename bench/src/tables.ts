/** Plain text tables for the terminal. */
import type { Durability } from './contenders/index.js'
import type { GoalResult } from './goal-result.js'
import type { CounterTable } from './suites/counter.js'
import type { ImportTable } from './suites/import.js'
import type { LockTable } from './suites/lock.js'
import type { OpenTable } from './suites/open.js'
import type { WriteTable } from './suites/write-suite.js'

type Cell = string

/** The first column is left-aligned, all others right. */
export function layOut(header: readonly Cell[], rows: readonly (readonly Cell[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly Cell[]): string =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  const rule = widths.map((width) => '-'.repeat(width)).join('  ')
  return [line(header), rule, ...rows.map(line)].join('\n')
}

export const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

export function ms(value: number): string {
  if (Number.isNaN(value)) return '-'
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : whole(value)
}

const durabilityOrder: readonly Durability[] = ['yes', 'file only', 'no']

const writeTitles = {
  set: 'set, one at a time over 16 keys',
  'inflight-keys': 'set, 100 in flight on 100 keys',
  'inflight-one-key': 'set, 100 in flight on one key',
} as const

export function writeTableText({ suite, documentBytes, rows }: WriteTable): string {
  const sorted = [...rows].sort(
    (left, right) =>
      durabilityOrder.indexOf(left.durability) - durabilityOrder.indexOf(right.durability) ||
      right.opsPerSecond - left.opsPerSecond,
  )
  const oneKey = suite === 'inflight-one-key'
  const header = [
    `${writeTitles[suite]}, ${whole(documentBytes)} B`,
    'durable',
    'ops/s',
    'median ms',
    'p99 ms',
    'loop p99',
    'loop max',
    'close ms',
    ...(oneKey ? ['commits'] : []),
    'read back',
  ]
  const cells = sorted.map((row) => [
    row.name,
    row.durability + (row.durabilityProbed ? '' : '*'),
    whole(row.opsPerSecond),
    ms(row.medianMs),
    ms(row.p99Ms),
    ms(row.loopP99Ms),
    ms(row.loopMaxMs),
    ms(row.closeMs),
    ...(oneKey ? [row.commitsPerBatch?.toString() ?? '-'] : []),
    row.wrongKeys === 0 ? 'ok' : `${row.wrongKeys} wrong`,
  ])
  return layOut(header, cells)
}

export function counterTableText({ width, rows }: CounterTable): string {
  const header = [
    `counter increment, ${width} in flight`,
    'ops/s',
    'median ms',
    'p99 ms',
    'commits',
    'sum',
  ]
  const cells = [...rows]
    .sort((left, right) => right.opsPerSecond - left.opsPerSecond)
    .map((row) => [
      row.name,
      whole(row.opsPerSecond),
      ms(row.medianMs),
      ms(row.p99Ms),
      row.commitsPerBatch?.toString() ?? '-',
      row.wrongBy === 0 ? 'exact' : `wrong by ${row.wrongBy}`,
    ])
  return layOut(header, cells)
}

export function lockTableText({ rows }: LockTable): string {
  const header = [
    'lock + unlock of one name',
    'processes',
    'grants/s',
    'median ms',
    'p99 ms',
    'loop max',
    'min/max share',
    'tokens rise',
    'lost increments',
  ]
  const cells = rows.map((row) => [
    row.name,
    String(row.processes),
    whole(row.grantsPerSecond),
    ms(row.medianMs),
    ms(row.p99Ms),
    ms(row.loopMaxMs),
    row.fairness.toFixed(2),
    row.tokensRise === undefined ? 'no tokens' : row.tokensRise ? 'yes' : 'NO',
    String(row.violations),
  ])
  return layOut(header, cells)
}

const bytes = (value: number | undefined): string =>
  value === undefined ? 'not counted here' : `${whole(value)} B`

export function openTableText({ documents, documentBytes, open, count, list }: OpenTable): string {
  const opening = layOut(
    ['open a store', 'median ms'],
    open.map((row) => [`of ${whole(row.documents)} documents`, ms(row.openMs)]),
  )
  const counting = layOut(
    [`what it reads of ${whole(documents)} documents`, 'document files', 'bytes of the process'],
    [
      ['open', whole(count.whileOpening.files), bytes(count.whileOpening.bytes)],
      ['then get() of one, as a check of the count', whole(count.whileGettingOne.files), ''],
      [
        'then entries(), likewise',
        whole(count.whileListing.files),
        bytes(count.whileListing.bytes),
      ],
    ],
  )
  const listing = layOut(
    [
      `list ${whole(documents)} documents of ${whole(documentBytes)} B`,
      'docs/s',
      'median ms',
      'loop p99',
      'loop max',
    ],
    list.map((row) => [
      row.name,
      whole(row.documentsPerSecond),
      ms(row.medianMs),
      ms(row.loopP99Ms),
      ms(row.loopMaxMs),
    ]),
  )
  return [opening, counting, listing].join('\n\n')
}

export function importTableText({ rows, size }: ImportTable): string {
  const spawning = layOut(
    ['a process that does nothing but', 'median ms', 'p99 ms', 'over bare ms'],
    rows.map((row) => [row.name, ms(row.medianMs), ms(row.p99Ms), row.overBareMs.toFixed(1)]),
  )
  if (size === undefined) return spawning
  return [
    spawning,
    '',
    `minified: ${whole(size.staticBytes)} B at import, ${whole(size.lazyBytes)} B loaded when needed`,
    `imports: ${size.staticImports.join(', ') || 'nothing'}`,
  ].join('\n')
}

export function goalTableText(goals: readonly GoalResult[]): string {
  const header = ['goal', 'wanted', 'measured', 'rounds', 'result']
  const cells = goals.map(({ text, wanted, measured, range, reached }) => [
    text,
    wanted,
    measured ?? '-',
    range ?? '',
    reached === undefined ? 'not measured' : reached ? 'reached' : 'MISSED',
  ])
  return layOut(header, cells)
}
