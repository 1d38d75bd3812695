/** The goals, judged by figures of this very run. */
import { names } from './contenders/index.js'
import { atLeast, atMost, faster, type GoalResult, pairwise } from './goal-result.js'
import { appendGoals, readGoals } from './log-goals.js'
import type { SuiteTable } from './run-suites.js'
import { type CounterTable, counterNames } from './suites/counter.js'
import { type ImportTable, importNames } from './suites/import.js'
import type { LockRow, LockTable } from './suites/lock.js'
import { listNames, type OpenTable } from './suites/open.js'
import type { WriteRow, WriteTable } from './suites/write-suite.js'

const size = (documentBytes: number): string => `${documentBytes.toLocaleString('en-US')} B`

function writeGoals({ suite, documentBytes, rows }: WriteTable): GoalResult[] {
  const row = (name: string): WriteRow | undefined => rows.find((each) => each.name === name)
  const ours = row(names.holdfast)
  const writeFileAtomic = row(names.writeFileAtomic)
  const what = size(documentBytes)
  switch (suite) {
    case 'set':
      return [
        faster(`1 durable set, ${what}, to the raw loop`, 0.8, ours, row(names.raw)),
        faster(`1 durable set, ${what}, to write-file-atomic`, 1.2, ours, writeFileAtomic),
      ]
    case 'inflight-keys':
      return [
        faster(
          `2 100 in flight on 100 keys, ${what}, to write-file-atomic`,
          1.5,
          ours,
          writeFileAtomic,
        ),
      ]
    case 'inflight-one-key':
      return [
        atMost(`3 100 in flight on one key, ${what}: commits`, 3, ours?.commitsPerBatch, ''),
        faster(
          `3 100 in flight on one key, ${what}, to write-file-atomic`,
          20,
          ours,
          writeFileAtomic,
        ),
      ]
  }
}

function counterGoals({ width, rows }: CounterTable): GoalResult[] {
  const ours = rows.find(({ name }) => name === counterNames.holdfast)
  const theirs = rows.find(({ name }) => name === counterNames.betterSqlite)
  const what = `7 counter, ${width} increments in flight`
  return [
    atMost(`${what}: commits`, 3, ours?.commitsPerBatch, ''),
    faster(`${what}, to better-sqlite3`, 20, ours, theirs),
  ]
}

function lockGoals({ rows }: LockTable): GoalResult[] {
  const row = (name: string, processes: number): LockRow | undefined =>
    rows.find((each) => each.name === name && each.processes === processes)
  const counts = [...new Set(rows.map(({ processes }) => processes))]
  return counts.flatMap((processes) => {
    const ours = row('holdfast', processes)
    const theirs = row('proper-lockfile', processes)
    const what = `4 lock, ${processes} process${processes === 1 ? '' : 'es'}`
    const rate = `${what}, to proper-lockfile`
    if (ours === undefined || theirs === undefined) return [atLeast(rate, 2.5, undefined)]
    const faster = atLeast(
      rate,
      2.5,
      ours.grantsPerSecond / theirs.grantsPerSecond,
      pairwise(ours.roundsGrantsPerSecond, theirs.roundsGrantsPerSecond),
    )
    const sound = ours.violations === 0 && ours.tokensRise === true
    return [
      sound ? faster : { ...faster, reached: false },
      atMost(`${what}: p99, beside proper-lockfile's`, theirs.p99Ms, ours.p99Ms, 'ms'),
    ]
  })
}

function openGoals({ documents, count, list }: OpenTable): GoalResult[] {
  const row = (name: string) => list.find((each) => each.name === name)
  const ours = row(listNames.entries)
  const loop = row(listNames.sequential)
  const what = `${documents.toLocaleString('en-US')} documents`
  const counts = count.whileGettingOne.files === 1 && count.whileListing.files === documents
  return [
    atMost(
      `5 open ${what}: documents read`,
      0,
      // A spy that does not see the other reads proves nothing.
      counts ? count.whileOpening.files : undefined,
      '',
    ),
    ours === undefined || loop === undefined
      ? atLeast(`5 entries() of ${what}, to the sequential loop`, 0.7, undefined)
      : atLeast(
          `5 entries() of ${what}, to the sequential loop`,
          0.7,
          ours.documentsPerSecond / loop.documentsPerSecond,
          pairwise(ours.roundsDocumentsPerSecond, loop.roundsDocumentsPerSecond),
        ),
  ]
}

function importGoals({ rows, size: bundle }: ImportTable): GoalResult[] {
  const over = (name: string): number | undefined =>
    rows.find((each) => each.name === name)?.overBareMs
  return [
    atMost(`6 ${importNames.esm} over bare node`, 25, over(importNames.esm), 'ms'),
    atMost(`6 ${importNames.cjs} over bare node`, 25, over(importNames.cjs), 'ms'),
    atMost('6 minified core', 60_000, bundle?.staticBytes, 'B'),
  ]
}

export function judgeGoals(tables: readonly SuiteTable[]): GoalResult[] {
  return tables.flatMap((table) => {
    switch (table.suite) {
      case 'counter':
        return counterGoals(table)
      case 'lock':
        return lockGoals(table)
      case 'open':
        return openGoals(table)
      case 'import':
        return importGoals(table)
      case 'log-append':
        return appendGoals(table)
      case 'log-read':
        return readGoals(table)
      default:
        return writeGoals(table)
    }
  })
}
