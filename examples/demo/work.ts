/** What the agent does to each file, and what the documents of the demo look like. */
import { createHash } from 'node:crypto'

export const stepKinds = ['hash', 'count', 'summarise'] as const
export type StepKind = (typeof stepKinds)[number]

export type StepResult =
  | { readonly sha256: string }
  | { readonly lines: number; readonly words: number }
  | { readonly summary: string }

export interface Step {
  /** Unique: `src/index.ts#3:count` is the count of the third pass over a file. */
  readonly id: string
  readonly agent: string
  /** The fencing token of the lease it was done under. */
  readonly token: number
  readonly result: StepResult
}

/** One document a file, in the collection `tasks`. */
export interface Task {
  readonly file: string
  readonly steps: readonly Step[]
}

/** One document for all, in the collection `totals`, changed together with each task. */
export interface Totals {
  readonly steps: number
  readonly lines: number
  readonly words: number
}

/**
 * Of the records of the log `work`. `begun` bears the step with which a file is gone on with, perhaps by several
 * agents one after the other; `done` one that was done, which is so once.
 */
export interface WorkEvent {
  readonly step: string
}

export const workEvents = ['begun', 'done'] as const

export const noTotals: Totals = { steps: 0, lines: 0, words: 0 }

export const stepId = (file: string, pass: number, kind: StepKind): string =>
  `${file}#${pass}:${kind}`

/** The id of the step that follows `count` others of the same file. */
export function stepIdAfter(file: string, count: number): string {
  const kind = stepKinds[count % stepKinds.length] ?? 'hash'
  return stepId(file, Math.floor(count / stepKinds.length) + 1, kind)
}

export const kindOf = (id: string): StepKind | undefined =>
  stepKinds.find((kind) => id.endsWith(`:${kind}`))

export function doStep(kind: StepKind, text: string): StepResult {
  switch (kind) {
    case 'hash':
      return { sha256: createHash('sha256').update(text).digest('hex') }
    case 'count':
      return { lines: text.split('\n').length, words: text.split(/\s+/).filter(Boolean).length }
    case 'summarise':
      return { summary: summarise(text) }
  }
}

export function addStep(totals: Totals, { result }: Step): Totals {
  const { lines, words } = 'lines' in result ? result : noTotals
  return {
    steps: totals.steps + 1,
    lines: totals.lines + lines,
    words: totals.words + words,
  }
}

/** The first sentence of the first comment, or else the names of the first exports. */
function summarise(text: string): string {
  const comment = /^\s*(?:\/\*\*?|\/\/)([\s\S]*?)(?:\*\/|\n\n)/.exec(text)?.[1] ?? ''
  const prose = comment.replaceAll(/\s*\n\s*(?:\*|\/\/)?\s*/g, ' ').trim()
  const sentence = /^.*?[.:](?=\s|$)/.exec(prose)?.[0] ?? prose
  if (sentence !== '') return sentence.slice(0, 100)
  const exports = [...text.matchAll(/^export (?:async )?(?:\w+) (\w+)/gm)].map(([, name]) => name)
  return exports.length === 0 ? '(nothing to say)' : `Exports ${exports.slice(0, 3).join(', ')}.`
}
