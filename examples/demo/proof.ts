/**
 * Compares what the agents said with what is on disk.
 *
 * Nothing of holdfast is imported here: the state is read as the plain JSON and JSONL that it is.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type LoggedRecord, readLog } from './read-log.js'
import {
  addStep,
  doStep,
  kindOf,
  noTotals,
  stepIdAfter,
  type Task,
  type Totals,
  type WorkEvent,
  workEvents,
} from './work.js'

/** A file that was begun with a step: a record of the log, and what a counter was then. */
export interface Beginning {
  readonly step: string
  readonly id: string
  readonly attempts: number
}

export interface Acknowledgement {
  readonly step: string
  readonly revision: string
}

export interface Evidence {
  readonly stateDirectory: string
  readonly sourceDirectory: string
  /** Both in the order in which they were heard. */
  readonly begun: readonly Beginning[]
  readonly acknowledged: readonly Acknowledgement[]
  /** Each may have left one attempt that was counted and not heard of. */
  readonly kills: number
}

export interface Proof {
  readonly files: number
  readonly stepsFound: number
  /** Committed, but the agent was killed before it could say so. Allowed. */
  readonly notHeard: readonly string[]
  /** Acknowledged, and not in the files. */
  readonly missing: readonly string[]
  /** More than once in the files, or acknowledged more than once: done again, so lost before. */
  readonly duplicates: readonly string[]
  /** With a result that is not the result of its source file, or out of order. */
  readonly wrong: readonly string[]
  /** Files that are not JSON, or whose checksum does not match their text. */
  readonly corrupt: readonly string[]
  /** Files that are no documents. */
  readonly stray: readonly string[]
  /** Documents at an older revision than was acknowledged. */
  readonly older: readonly string[]
  readonly totalsAgree: boolean
  readonly recordsFound: number
  /** Acknowledged, and not in the log. */
  readonly missingRecords: readonly string[]
  /** Out of order, more than once in the log, or not what the tasks say. */
  readonly wrongRecords: readonly string[]
  /** Counters that are not what they must be. */
  readonly wrongCounters: readonly string[]
}

export function prove(evidence: Evidence): Proof {
  const { stateDirectory, sourceDirectory, begun, acknowledged } = evidence
  const tasks = readDocuments<Task>(join(stateDirectory, 'tasks'))
  const totals = readDocuments<Totals>(join(stateDirectory, 'totals'))
  const counters = readDocuments<{ value: number }>(join(stateDirectory, 'counters'))
  const log = readLog<WorkEvent>(stateDirectory, 'work')
  const health = readLog<object>(stateDirectory, 'health')
  const found = tasks.documents.flatMap(({ value }) => value.steps)
  const foundIds = new Set(found.map(({ id }) => id))
  const heardIds = new Set(acknowledged.map(({ step }) => step))
  const sum = found.reduce(addStep, noTotals)
  const total = totals.documents[0]?.value ?? noTotals
  return {
    files: tasks.documents.length,
    stepsFound: found.length,
    notHeard: [...foundIds].filter((id) => !heardIds.has(id)),
    missing: [...heardIds].filter((id) => !foundIds.has(id)),
    duplicates: [
      ...repeated(found.map(({ id }) => id)),
      ...repeated(acknowledged.map(({ step }) => step)),
    ],
    wrong: tasks.documents.flatMap(({ value }) => wrongSteps(value, dirname(sourceDirectory))),
    corrupt: [tasks, totals, counters, log, health].flatMap(({ corrupt }) => corrupt),
    stray: [tasks, totals, counters].flatMap(({ stray }) => stray),
    older: olderThanAcknowledged(tasks.documents, acknowledged),
    totalsAgree:
      sum.steps === total.steps && sum.lines === total.lines && sum.words === total.words,
    recordsFound: log.records.length,
    missingRecords: missingRecords(log.records, begun, acknowledged),
    wrongRecords: wrongRecords(log.records, foundIds),
    wrongCounters: wrongCounters(counters, found.length, evidence),
  }
}

export const isProven = (proof: Proof): boolean =>
  proof.stepsFound > 0 &&
  proof.missing.length === 0 &&
  proof.duplicates.length === 0 &&
  proof.wrong.length === 0 &&
  proof.corrupt.length === 0 &&
  proof.older.length === 0 &&
  proof.missingRecords.length === 0 &&
  proof.wrongRecords.length === 0 &&
  proof.wrongCounters.length === 0 &&
  proof.totalsAgree

interface Document<T> {
  /** Of its file. */
  readonly name: string
  readonly value: T
  readonly revision: string
}

interface Documents<T> {
  readonly documents: readonly Document<T>[]
  readonly corrupt: readonly string[]
  readonly stray: readonly string[]
}

function readDocuments<T>(directory: string): Documents<T> {
  const documents: Document<T>[] = []
  const corrupt: string[] = []
  const stray: string[] = []
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (!entry.isFile() || !entry.name.endsWith('.json')) {
      stray.push(path)
      continue
    }
    const document = parseDocument<T>(readFileSync(path, 'utf8'))
    if (document === undefined) corrupt.push(path)
    else documents.push({ name: entry.name, ...document })
  }
  return { documents, corrupt, stray }
}

/** A document and its metadata, `$holdfast`, which stands last in the file. See docs/FORMAT.md. */
function parseDocument<T>(text: string): Omit<Document<T>, 'name'> | undefined {
  try {
    const { $holdfast: metadata, ...value } = JSON.parse(text) as T & {
      $holdfast: { revision: string; checksum: string }
    }
    if (metadata.checksum !== checksumOf(text, metadata.checksum)) return undefined
    return { value: value as T, revision: metadata.revision }
  } catch {
    return undefined
  }
}

/** The checksum covers the whole text, its own digits replaced by zeros. */
function checksumOf(text: string, checksum: string): string {
  const [algorithm = '', digits = ''] = checksum.split(':')
  const at = text.lastIndexOf(digits)
  const blanked = text.slice(0, at) + '0'.repeat(digits.length) + text.slice(at + digits.length)
  const hash = createHash(algorithm).update(blanked).digest('hex')
  return `${algorithm}:${hash.slice(0, digits.length)}`
}

const fileOf = (step: string): string => step.replace(/#.*$/, '')

function missingRecords(
  records: readonly LoggedRecord<WorkEvent>[],
  begun: readonly Beginning[],
  acknowledged: readonly Acknowledgement[],
): string[] {
  const ids = new Set(records.map(({ id, type, data }) => `${id} ${type} ${data.step}`))
  const done = new Set(records.flatMap(({ type, data }) => (type === 'done' ? data.step : [])))
  return [
    ...begun.map(({ id, step }) => `${id} begun ${step}`).filter((record) => !ids.has(record)),
    ...acknowledged.flatMap(({ step }) => (done.has(step) ? [] : `done ${step}`)),
  ]
}

/** Ids rise; a step is done once, after its file was begun; the log knows the steps that the tasks know. */
function wrongRecords(
  records: readonly LoggedRecord<WorkEvent>[],
  steps: ReadonlySet<string>,
): string[] {
  const begun = new Set<string>()
  const done = new Set<string>()
  const wrong: string[] = []
  let lastId = '0.0'
  for (const { id, type, data } of records) {
    const { step } = data
    const file = fileOf(step)
    const isDone = type === 'done'
    const isKnown = workEvents.some((known) => known === type)
    const isRising = compareRevisions(id, lastId) > 0
    const isFirst = !done.has(step)
    const isInPlace = !isDone || (begun.has(file) && steps.has(step))
    if (!isKnown || !isRising || !isFirst || !isInPlace) wrong.push(`${id} ${type} ${step}`)
    if (isDone) done.add(step)
    else begun.add(file)
    lastId = id
  }
  return [...wrong, ...[...steps].filter((step) => !done.has(step))]
}

function wrongCounters(
  { documents }: Documents<{ value: number }>,
  stepsFound: number,
  { begun, kills }: Evidence,
): string[] {
  const countOf = (counter: string): number =>
    documents.find(({ name }) => name === `${counter}.json`)?.value.value ?? 0
  const steps = countOf('steps')
  const attempts = countOf('attempts')
  const heard = begun.map((beginning) => beginning.attempts)
  const least = heard.reduce((most, value) => Math.max(most, value), begun.length)
  const most = begun.length + kills
  return [
    // Counted in the transaction that did the step: exact.
    ...(steps === stepsFound ? [] : [`steps is ${steps}, not ${stepsFound}`]),
    ...(attempts >= least && attempts <= most
      ? []
      : [`attempts is ${attempts}, not from ${least} to ${most}`]),
    ...repeated(heard.map((value) => `attempt ${value} was counted twice`)),
  ]
}

function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>()
  return ids.filter((id) => seen.size === seen.add(id).size)
}

/** Every step is done again on the source file and must come out the same, in the same place. */
function wrongSteps({ file, steps }: Task, sourceParent: string): string[] {
  const text = readFileSync(join(sourceParent, file), 'utf8')
  return steps.flatMap(({ id, token, result }, index) => {
    const kind = kindOf(id)
    const inPlace = id === stepIdAfter(file, index) && token >= (steps[index - 1]?.token ?? 0)
    const right =
      kind !== undefined && JSON.stringify(doStep(kind, text)) === JSON.stringify(result)
    return inPlace && right ? [] : [id]
  })
}

function olderThanAcknowledged(
  documents: readonly Document<Task>[],
  acknowledged: readonly Acknowledgement[],
): string[] {
  const newest = new Map<string, string>()
  for (const { step, revision } of acknowledged) newest.set(fileOf(step), revision)
  return documents.flatMap(({ value: { file }, revision }) =>
    compareRevisions(revision, newest.get(file) ?? '0.0') < 0 ? [file] : [],
  )
}

function compareRevisions(left: string, right: string): number {
  const [leftGeneration = 0, leftCounter = 0] = left.split('.').map(Number)
  const [rightGeneration = 0, rightCounter = 0] = right.split('.').map(Number)
  return leftGeneration - rightGeneration || leftCounter - rightCounter
}
