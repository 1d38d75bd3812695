/**
 * Writing a batch, in a turn of the write lease.
 *
 * Commits of one document each are independent: every document is staged (written and synced, side
 * by side), then each is shown by rename, then the directories are synced once; records of one log are
 * appended with one write and one sync. A batch in which any commit has several parts goes through a
 * redo intent as a whole. Nothing here counts after the lease was lost: every file shown is renamed out
 * of the staging area, which a successor takes away, and what is appended then is behind a log's seal.
 */
import { syncDirectory } from '../../atomic-write/index.js'
import { isStateStoreError, type StateStoreError } from '../../errors/index.js'
import { type FileSystem, type Steps, unlessMissing } from '../../file-system/index.js'
import { tooLarge } from '../refusals.js'
import {
  type BatchContext,
  type BatchOutcome,
  done,
  type PreparedDocument,
} from './batch-documents.js'
import type { CommitJob } from './commit-job.js'
import { type CommitPlan, CommitPlanner, type PlannedDocument } from './commit-plan.js'
import { encodeDocument } from './document-file.js'
import type { Layout } from './layout.js'
import { writeSeparately } from './write-separately.js'
import { writeTogether } from './write-together.js'

/** Plans and writes the commits, and tells their callers, except for those it returns. */
export function* writeBatch(
  context: BatchContext,
  jobs: readonly CommitJob[],
): Steps<BatchOutcome> {
  const plan = yield* new CommitPlanner(context).plan(yield* unwritten(context, jobs))
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
    : yield* writeSeparately(context, plan, prepared, durable)
  // Before the others: who met a conflict and tries again is to be ahead of who comes back for more.
  for (const { job, error } of plan.refused) job.reject(error)
  const again = new Set(outcome.retry)
  for (const { job } of plan.accepted) {
    if (!again.has(job) && job.pendingResult !== undefined) job.resolve(job.pendingResult)
  }
  return outcome
}

/** Without those whose records turn out to stand, from an attempt whose turn was taken away. */
function* unwritten(
  { logs }: BatchContext,
  jobs: readonly CommitJob[],
): Steps<readonly CommitJob[]> {
  const left: CommitJob[] = []
  for (const job of jobs) {
    const { pendingResult, written } = job
    const stands = written !== undefined && (yield* logs.holds(written.log, written.id))
    if (stands && pendingResult !== undefined) job.resolve(pendingResult)
    else left.push(job)
    job.written = undefined
  }
  return left
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
