/**
 * Writing a batch, in a turn of the write lease.
 *
 * Commits of one document each are independent: every document is staged (written and synced, side
 * by side), then each is shown by rename, then the directories are synced once. A batch in which any
 * commit changes several documents goes through a redo intent as a whole. Nothing here runs after the
 * lease was lost: every file shown is renamed out of the staging area, which a successor takes away.
 */
import {
  type AtomicWriter,
  type Replacement,
  type StagedFile,
  type StagingArea,
  syncDirectory,
} from '../../atomic-write/index.js'
import {
  isFileSystemError,
  isStateStoreError,
  type StateStoreError,
  withCommitState,
} from '../../errors/index.js'
import {
  type FileSystem,
  type Settled,
  type Steps,
  settleAll,
  unlessMissing,
} from '../../file-system/index.js'
import { tooLarge } from '../refusals.js'
import { compareRevisions } from '../revision.js'
import type { Durability, StorageListener } from '../storage.js'
import type { CommitJob } from './commit-job.js'
import {
  type CommitPlan,
  CommitPlanner,
  type PlanContext,
  type PlannedDocument,
} from './commit-plan.js'
import { encodeDocument, markedTime, markOf } from './document-file.js'
import type { DocumentTarget } from './document-files.js'
import type { Keepsakes } from './keepsakes.js'
import type { Layout } from './layout.js'
import { type Intent, type RedoIntents, removeDocument } from './redo-intent.js'

export interface BatchContext extends PlanContext {
  readonly fileSystem: FileSystem
  readonly layout: Layout
  readonly writer: AtomicWriter
  readonly keepsakes: Keepsakes
  readonly intents: RedoIntents
  readonly area: StagingArea
  readonly durability: Durability
  readonly maxDocumentBytes: number
  readonly listener: StorageListener
}

/** A planned document with the bytes and the place it gets. */
interface PreparedDocument {
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
class SavedMeanwhile extends Error {}

/** On a file system that gives a file another inode each time it is asked, this must have an end. */
const maxDisturbances = 20

const done: BatchOutcome = { retry: [], revoked: false, unfinished: false }

/** Plans and writes the commits, and tells their callers, except for those it returns. */
export function* writeBatch(
  context: BatchContext,
  jobs: readonly CommitJob[],
): Steps<BatchOutcome> {
  const plan = yield* new CommitPlanner(context).plan(jobs)
  for (const { job, result, documents } of plan.accepted) {
    job.pendingResult = result
    job.landing = documents
  }
  const unsure = new Set<string>()
  const { prepared, refused } = prepareAll(context, plan, unsure)
  if (refused !== undefined) {
    // Nothing was written yet: the others go on without the one that cannot.
    refused.job.reject(refused.error)
    for (const { job, error } of plan.refused) job.reject(error)
    return { ...done, retry: plan.accepted.flatMap(({ job }) => (job.isSettled ? [] : job)) }
  }
  const durable = isDurable(context, plan)
  if (durable && unsure.size > 0) {
    yield* syncDirectory(context.layout.root)
    context.files.trust(unsure)
  }
  const outcome = plan.needsIntent
    ? yield* writeTogether(context, plan, prepared, durable)
    : yield* writeSeparately(context, prepared, durable)
  // Before the others: who met a conflict and tries again is to be ahead of who comes back for more.
  for (const { job, error } of plan.refused) job.reject(error)
  const again = new Set(outcome.retry)
  for (const { job } of plan.accepted) {
    if (!again.has(job) && job.pendingResult !== undefined) job.resolve(job.pendingResult)
  }
  return outcome
}

function isDurable(context: BatchContext, plan: CommitPlan): boolean {
  return plan.accepted.some(({ job }) => (job.commit.durability ?? context.durability) === 'power')
}

interface Refusal {
  readonly job: CommitJob
  readonly error: StateStoreError
}

/** Encodes and places every document; stops at the first commit that cannot be made. */
function prepareAll(
  context: BatchContext,
  plan: CommitPlan,
  unsure: Set<string>,
): { prepared: PreparedDocument[]; refused?: Refusal } {
  const prepared: PreparedDocument[] = []
  for (const planned of plan.documents) {
    try {
      prepared.push(prepare(context, planned, unsure))
    } catch (error) {
      const job = planned.jobs.at(-1)
      if (job === undefined || !isStateStoreError(error)) throw error
      return { prepared, refused: { job, error } }
    }
  }
  return { prepared }
}

function prepare(
  { files, savedAt, writerId, maxDocumentBytes }: BatchContext,
  planned: PlannedDocument,
  unsure: Set<string>,
): PreparedDocument {
  const { address, change, revision } = planned
  const target = files.targetOf(address, unsure)
  if (change.kind === 'delete') return { planned, target, text: undefined }
  const text = encodeDocument(files.serializerOf(address.collection), change.value, {
    revision,
    savedAt,
    writer: writerId,
    schemaVersion: change.schemaVersion,
    ...files.namesToStore(address),
  })
  const bytes = Buffer.byteLength(text)
  if (bytes > maxDocumentBytes) throw tooLarge(address, bytes, maxDocumentBytes)
  return { planned, target, text }
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

/** Documents that do not depend on each other: what fails, fails alone. */
function* writeSeparately(
  context: BatchContext,
  prepared: readonly PreparedDocument[],
  durable: boolean,
): Steps<BatchOutcome> {
  const staged = yield* settleAll(prepared.map((document) => stage(context, document, durable)))
  const failures = new Map<PreparedDocument, unknown>()
  const directories = new Map<string, PreparedDocument[]>()
  for (const [index, document] of prepared.entries()) {
    const outcome = staged[index]
    if (outcome === undefined) continue
    try {
      if (!outcome.ok) throw outcome.error
      yield* show(context, document, outcome.value)
      for (const job of document.planned.jobs) job.isShown = true
      const { directory } = document.target
      directories.set(directory, [...(directories.get(directory) ?? []), document])
    } catch (error) {
      failures.set(document, error)
    }
  }
  if (durable) yield* syncAll(directories)
  return settleFailures(context, failures)
}

function* stage(
  context: BatchContext,
  document: PreparedDocument,
  durable: boolean,
): Steps<StagedFile | undefined> {
  if (document.text === undefined) return undefined
  return yield* context.writer.stage(replacementOf(context, document, durable), context.area)
}

function* show(
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

function refuseSaved({ files }: BatchContext, { planned }: PreparedDocument): void {
  const { address, jobs, seen } = planned
  if (seen === undefined || files.stampOf(address) === seen) return
  if (jobs.some(({ disturbances }) => disturbances >= maxDisturbances)) return
  for (const job of jobs) job.disturbances += 1
  throw new SavedMeanwhile()
}

function* backUp(
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

/** Syncs each directory; what was shown in one that cannot be synced may or may not survive. */
function* syncAll(directories: ReadonlyMap<string, readonly PreparedDocument[]>): Steps<void> {
  const outcomes = yield* settleAll(
    [...directories.keys()].map((directory) => syncDirectory(directory)),
  )
  for (const [index, documents] of [...directories.values()].entries()) {
    const outcome = outcomes[index]
    if (outcome === undefined || outcome.ok) continue
    for (const { planned } of documents) {
      for (const job of planned.jobs) job.reject(withCommitState(outcome.error, 'unknown'))
    }
  }
}

function settleFailures(
  { area }: BatchContext,
  failures: ReadonlyMap<PreparedDocument, unknown>,
): BatchOutcome {
  if (failures.size === 0) return done
  const revoked = isRevoked(area)
  const retry: CommitJob[] = []
  for (const [{ planned }, error] of failures) {
    // The staging area was taken away: the rename failed for certain, the commit may be made anew.
    const lostTurn = revoked && isFileSystemError(error, 'NotFound')
    for (const job of planned.jobs) {
      if (lostTurn || error instanceof SavedMeanwhile) retry.push(job)
      else job.reject(withCommitState(error, 'not-committed'))
    }
  }
  return { retry, revoked, unfinished: false }
}

/** Not, as far as we know, when the disk does not tell. */
function isRevoked(area: StagingArea): boolean {
  try {
    return area.isRevoked()
  } catch (error) {
    if (!isFileSystemError(error)) throw error
    return false
  }
}

/**
 * All or none, by way of a redo intent. All that takes space is done before the intent stands, for it
 * can no longer be refused then, and on a full disk it would be in the way of every later write.
 */
function* writeTogether(
  context: BatchContext,
  plan: CommitPlan,
  prepared: readonly PreparedDocument[],
  durable: boolean,
): Steps<BatchOutcome> {
  const jobs = plan.accepted.map(({ job }) => job)
  const intent = intentOf(context, prepared)
  if (intent === undefined) return done
  let progress: 'prepared' | 'published' | 'durable' = 'prepared'
  const staged = yield* settleAll(prepared.map((document) => stage(context, document, durable)))
  try {
    for (const outcome of staged) if (!outcome.ok) throw outcome.error
    for (const document of prepared) if (document.target.exists) yield* backUp(context, document)
    yield* context.intents.publish(intent, context.area, durable, {
      onStaged: () => {
        for (const document of prepared) refuseSaved(context, document)
      },
      onPublished: () => {
        progress = 'published'
        for (const job of jobs) job.intent = intent.revision
      },
    })
    progress = 'durable'
    yield* showTogether(context, prepared, staged, durable)
    yield* context.intents.forget(intent.revision, durable)
    for (const job of jobs) job.intent = undefined
    return done
  } catch (error) {
    for (const outcome of staged) {
      if (outcome.ok && outcome.value !== undefined) yield* context.writer.discard(outcome.value)
    }
    return settleTogether(context, jobs, progress, error)
  }
}

function* showTogether(
  { area, writer }: BatchContext,
  prepared: readonly PreparedDocument[],
  staged: readonly Settled<StagedFile | undefined>[],
  durable: boolean,
): Steps<void> {
  const directories = new Set<string>()
  for (const [index, { target }] of prepared.entries()) {
    const outcome = staged[index]
    if (outcome?.ok !== true) continue
    if (outcome.value === undefined) yield* removeDocument(target.path, area)
    else yield* writer.publish(outcome.value)
    directories.add(target.directory)
  }
  if (!durable) return
  for (const directory of directories) yield* syncDirectory(directory)
}

function settleTogether(
  { area }: BatchContext,
  jobs: readonly CommitJob[],
  progress: 'prepared' | 'published' | 'durable',
  error: unknown,
): BatchOutcome {
  const revoked = isRevoked(area)
  if (error instanceof SavedMeanwhile) return { retry: jobs, revoked, unfinished: false }
  // Published, then superseded: the successor completes it, the callers are told once it has.
  // Not published, then superseded: tried again.
  if (revoked && isFileSystemError(error, 'NotFound')) {
    return { retry: jobs, revoked, unfinished: false }
  }
  if (progress === 'prepared' && jobs.length > 1) {
    // One document may be to blame; alone, each commit learns its own fate.
    for (const job of jobs) job.alone = true
    return { retry: jobs, revoked, unfinished: false }
  }
  const commitState = {
    prepared: 'not-committed',
    published: 'unknown',
    durable: 'committed',
  } as const
  for (const job of jobs) job.reject(withCommitState(error, commitState[progress]))
  return { retry: [], revoked, unfinished: progress !== 'prepared' }
}

function intentOf(
  { layout, savedAt }: BatchContext,
  prepared: readonly PreparedDocument[],
): Intent | undefined {
  const revision = prepared
    .map(({ planned }) => planned.revision)
    .sort(compareRevisions)
    .at(-1)
  if (revision === undefined) return undefined
  const documents = prepared.map(({ planned, target, text }) => ({
    ...planned.address,
    revision: planned.revision,
    path: target.path.slice(layout.root.length + 1),
    kind: planned.change.kind,
    mode: target.mode,
    text: text ?? '',
  }))
  return { revision, savedAt, documents }
}

/**
 * After a takeover: what a dead writer showed last may not be durable yet, and commits may come to
 * depend on it, so every collection's directory is synced first.
 */
export function* syncCollections(fileSystem: FileSystem, layout: Layout): Steps<void> {
  yield* syncDirectory(layout.root)
  for (const { name, kind } of fileSystem.blocking.readDirectory(layout.root)) {
    if (kind === 'directory') yield* unlessMissing(syncDirectory(`${layout.root}/${name}`))
  }
}
