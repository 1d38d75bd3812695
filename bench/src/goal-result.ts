/** What is wanted of a figure, and what it was. */
import type { WriteRow } from './suites/write-suite.js'

export interface GoalResult {
  readonly text: string
  readonly wanted: string
  readonly measured: string | undefined
  /** Lowest and highest of the rounds, where rounds can be compared. */
  readonly range: string | undefined
  /** Undefined: something it needs was not measured. */
  readonly reached: boolean | undefined
}

const times = (ratio: number): string => `${ratio.toFixed(2)} x`

export function atLeast(
  text: string,
  minimum: number,
  ratio: number | undefined,
  rounds: readonly number[] = [],
): GoalResult {
  return {
    text,
    wanted: `>= ${minimum} x`,
    measured: ratio === undefined ? undefined : times(ratio),
    range:
      rounds.length === 0
        ? undefined
        : `${times(Math.min(...rounds))} - ${times(Math.max(...rounds))}`,
    reached: ratio === undefined ? undefined : ratio >= minimum,
  }
}

export function atMost(
  text: string,
  maximum: number,
  value: number | undefined,
  unit: string,
): GoalResult {
  const format = (figure: number): string =>
    `${figure.toLocaleString('en-US', { maximumFractionDigits: 2 })} ${unit}`.trimEnd()
  return {
    text,
    wanted: `<= ${format(maximum)}`,
    measured: value === undefined ? undefined : format(value),
    range: undefined,
    reached: value === undefined ? undefined : value <= maximum,
  }
}

export const pairwise = (ours: readonly number[], theirs: readonly number[]): number[] =>
  ours.length === theirs.length
    ? ours.map((rate, round) => rate / (theirs[round] ?? Number.NaN))
    : []

export type Rated = Pick<WriteRow, 'opsPerSecond' | 'roundsOpsPerSecond'>

export function faster(
  text: string,
  minimum: number,
  ours: Rated | undefined,
  theirs: Rated | undefined,
): GoalResult {
  if (ours === undefined || theirs === undefined) return atLeast(text, minimum, undefined)
  return atLeast(
    text,
    minimum,
    ours.opsPerSecond / theirs.opsPerSecond,
    pairwise(ours.roundsOpsPerSecond, theirs.roundsOpsPerSecond),
  )
}
