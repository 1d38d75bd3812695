/**
 * Compares what the agents said with what is on disk.
 *
 * Nothing of holdfast is imported here: the state is read as the plain JSON files that it is.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { addStep, doStep, kindOf, noTotals, stepIdAfter, type Task, type Totals } from './work.js'

export interface Acknowledgement {
  readonly step: string
  readonly revision: string
}

export interface Evidence {
  readonly stateDirectory: string
  readonly sourceDirectory: string
  /** In the order in which they were heard. */
  readonly acknowledged: readonly Acknowledgement[]
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
}

export function prove({ stateDirectory, sourceDirectory, acknowledged }: Evidence): Proof {
  const tasks = readDocuments<Task>(join(stateDirectory, 'tasks'))
  const totals = readDocuments<Totals>(join(stateDirectory, 'totals'))
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
    corrupt: [...tasks.corrupt, ...totals.corrupt],
    stray: [...tasks.stray, ...totals.stray],
    older: olderThanAcknowledged(tasks.documents, acknowledged),
    totalsAgree:
      sum.steps === total.steps && sum.lines === total.lines && sum.words === total.words,
  }
}

export const isProven = (proof: Proof): boolean =>
  proof.stepsFound > 0 &&
  proof.missing.length === 0 &&
  proof.duplicates.length === 0 &&
  proof.wrong.length === 0 &&
  proof.corrupt.length === 0 &&
  proof.older.length === 0 &&
  proof.totalsAgree

interface Document<T> {
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
    else documents.push(document)
  }
  return { documents, corrupt, stray }
}

/** A document and its metadata, `$holdfast`, which stands last in the file. See docs/FORMAT.md. */
function parseDocument<T>(text: string): Document<T> | undefined {
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
  for (const { step, revision } of acknowledged) newest.set(step.replace(/#.*$/, ''), revision)
  return documents.flatMap(({ value: { file }, revision }) =>
    compareRevisions(revision, newest.get(file) ?? '0.0') < 0 ? [file] : [],
  )
}

function compareRevisions(left: string, right: string): number {
  const [leftGeneration = 0, leftCounter = 0] = left.split('.').map(Number)
  const [rightGeneration = 0, rightCounter = 0] = right.split('.').map(Number)
  return leftGeneration - rightGeneration || leftCounter - rightCounter
}
