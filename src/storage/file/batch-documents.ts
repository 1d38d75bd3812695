/** What a batch does to one document: staged first, then shown. And what all batches are written with. */
import type {
  AtomicWriter,
  Replacement,
  StagedFile,
  StagingArea,
} from '../../atomic-write/index.js'
import { isFileSystemError } from '../../errors/index.js'
import type { FileSystem, Steps } from '../../file-system/index.js'
import type { Durability, StorageListener } from '../storage.js'
import type { CommitJob } from './commit-job.js'
import type { PlanContext, PlannedDocument } from './commit-plan.js'
import { markedTime, markOf } from './document-file.js'
import type { DocumentTarget } from './document-files.js'
import type { Keepsakes } from './keepsakes.js'
import type { Layout } from './layout.js'
import type { LogWriter } from './log-writer.js'
import { type RedoIntents, removeDocument } from './redo-intent.js'

export interface BatchContext extends PlanContext {
  readonly fileSystem: FileSystem
  readonly layout: Layout
  readonly writer: AtomicWriter
  readonly keepsakes: Keepsakes
  readonly logs: LogWriter
  readonly intents: RedoIntents
  readonly area: StagingArea
  readonly durability: Durability
  readonly maxDocumentBytes: number
  readonly listener: StorageListener
}

/** A planned document with the bytes and the place it gets. */
export interface PreparedDocument {
  readonly planned: PlannedDocument
  readonly target: DocumentTarget
  /** Undefined for a delete. */
  readonly text: string | undefined
}

export interface BatchOutcome {
  /** Commits that were neither made nor refused, through no fault of their own: to be tried again. */
  readonly retry: readonly CommitJob[]
  /** This writer was superseded. */
  readonly revoked: boolean
  /** A redo intent stands that could not be carried out. */
  readonly unfinished: boolean
}

/** Somebody outside saved a file after we had read it: what depends on that is decided anew. */
export class SavedMeanwhile extends Error {}

/** On a file system that gives a file another inode each time it is asked, this must have an end. */
const maxDisturbances = 20

export const done: BatchOutcome = { retry: [], revoked: false, unfinished: false }

/** Not, as far as we know, when the disk does not tell. */
export function isRevoked(area: StagingArea): boolean {
  try {
    return area.isRevoked()
  } catch (error) {
    if (!isFileSystemError(error)) throw error
    return false
  }
}

function replacementOf(
  { savedAt }: BatchContext,
  { planned, target, text }: PreparedDocument,
  durable: boolean,
): Replacement {
  return {
    target: target.path,
    bytes: Buffer.from(text ?? ''),
    mode: target.mode,
    modifiedMicros: markedTime(savedAt, markOf(planned.address)),
    durable,
  }
}

export function* stage(
  context: BatchContext,
  document: PreparedDocument,
  durable: boolean,
): Steps<StagedFile | undefined> {
  if (document.text === undefined) return undefined
  return yield* context.writer.stage(replacementOf(context, document, durable), context.area)
}

export function* show(
  context: BatchContext,
  document: PreparedDocument,
  staged: StagedFile | undefined,
): Steps<void> {
  const { area, writer } = context
  const { target } = document
  try {
    refuseSaved(context, document)
    if (target.exists) yield* backUp(context, document)
    if (staged === undefined) yield* removeDocument(target.path, area)
    else yield* writer.publish(staged)
  } catch (error) {
    if (staged !== undefined) yield* writer.discard(staged)
    throw error
  }
}

export function refuseSaved({ files }: BatchContext, { planned }: PreparedDocument): void {
  const { address, jobs, seen } = planned
  if (seen === undefined || files.stampOf(address) === seen) return
  if (jobs.some(({ disturbances }) => disturbances >= maxDisturbances)) return
  for (const job of jobs) job.disturbances += 1
  throw new SavedMeanwhile()
}

export function* backUp(
  { keepsakes, listener, savedAt }: BatchContext,
  { planned, target }: PreparedDocument,
): Steps<void> {
  const { address, change, revision } = planned
  try {
    yield* keepsakes.backUp(address, target.path, revision, savedAt)
  } catch (error) {
    // On a full disk, deleting must work: it is how space is won back.
    const full = isFileSystemError(error, 'DiskFull', 'QuotaExceeded')
    if (change.kind !== 'delete' || !full) throw error
    listener('backup:skipped', { address, reason: error.message })
  }
}
