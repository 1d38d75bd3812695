/** The goals of logs, judged by figures of this very run. */
import { atLeast, atMost, faster, type GoalResult, pairwise } from './goal-result.js'
import { appendNames } from './logs/append-contender.js'
import type { AppendRow, AppendTable } from './suites/log-append.js'
import { type LogReadTable, lastHourNames, scanNames } from './suites/log-read.js'

export function appendGoals({ rows, wanted, width }: AppendTable): GoalResult[] {
  const row = (name: string): AppendRow | undefined => rows.find((each) => each.name === name)
  if (wanted === 'kill -9') {
    const ours = row(appendNames.holdfastProcess)
    const what = `9 append that survives kill -9, ${width} in flight, to`
    return [appendNames.pinoSync, appendNames.pinoDrain].map((name) =>
      faster(`${what} ${name}`, 0.5, ours, row(name)),
    )
  }
  const ours = row(appendNames.holdfast)
  if (width > 1) {
    const what = `8 durable append, ${width} in flight, to better-sqlite3`
    return [faster(what, 15, ours, row(appendNames.betterSqlite))]
  }
  return [appendNames.rawAsync, appendNames.rawBlocking].map((name) =>
    faster(`8 durable append, one at a time, to ${name}`, 0.8, ours, row(name)),
  )
}

const megabytes = (bytes: number): number => bytes / 1e6

export function readGoals({ lastHour, scan, use }: LogReadTable): GoalResult[] {
  const hour = (name: string) => lastHour.find((each) => each.name === name)
  const large = hour(lastHourNames.large)
  const small = hour(lastHourNames.small)
  const sqlite = hour(lastHourNames.sqlite)
  const all = scan.find(({ name }) => name === scanNames.large)
  const split = scan.find(({ name }) => name === scanNames.split)
  const count = (large?.events ?? 0).toLocaleString('en-US')
  const over = (ours: number | undefined, theirs: number | undefined): number | undefined =>
    ours === undefined || theirs === undefined ? undefined : ours / theirs
  const what = `10 last hour of ${count} events`
  return [
    atMost(`${what}, to that of the small log`, 2, over(large?.againMs, small?.againMs), 'x'),
    atMost(`${what}, the first query, to the same`, 2, over(large?.firstMs, small?.firstMs), 'x'),
    atMost(`${what}, to SQLite`, 3, over(large?.againMs, sqlite?.againMs), 'x'),
    atMost(`${what}, the first query, to SQLite's`, 3, over(large?.firstMs, sqlite?.firstMs), 'x'),
    atLeast(`${what}, faster than reading all`, 100, over(all?.ms, large?.againMs)),
    atLeast(`${what}, the first query, likewise`, 100, over(all?.ms, large?.firstMs)),
    atLeast(
      `11 scan of ${count} events, to split + JSON.parse`,
      0.7,
      over(all?.eventsPerSecond, split?.eventsPerSecond),
      pairwise(all?.roundsEventsPerSecond ?? [], split?.roundsEventsPerSecond ?? []),
    ),
    atMost(`12 open with a log of ${count} events`, 50, use.openMs, 'ms'),
    atMost('12 open, until its newest event is known', 50, use.newestMs, 'ms'),
    atMost('12 memory while it is used', 100, megabytes(use.peakBytes), 'MB'),
  ]
}
