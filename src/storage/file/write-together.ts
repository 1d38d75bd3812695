/** A batch in which some commit has several parts: all or none, by way of a redo intent. */
import { type StagedFile, syncDirectory } from '../../atomic-write/index.js'
import { FileSystemError, isFileSystemError, withCommitState } from '../../errors/index.js'
import { type Settled, type Steps, settleAll } from '../../file-system/index.js'
import { compareRevisions } from '../revision.js'
import {
  type BatchContext,
  type BatchOutcome,
  backUp,
  done,
  isRevoked,
  type PreparedDocument,
  refuseSaved,
  SavedMeanwhile,
  stage,
} from './batch-documents.js'
import type { CommitJob } from './commit-job.js'
import type { CommitPlan } from './commit-plan.js'
import { bytesOf, type PlannedLog } from './planned-logs.js'
import { type Intent, removeDocument } from './redo-intent.js'

/**
 * All or none, by way of a redo intent. All that takes space is done before the intent stands, for it
 * can no longer be refused then, and on a full disk it would be in the way of every later write.
 */
export function* writeTogether(
  context: BatchContext,
  plan: CommitPlan,
  prepared: readonly PreparedDocument[],
  durable: boolean,
): Steps<BatchOutcome> {
  const jobs = plan.accepted.map(({ job }) => job)
  const intent = intentOf(context, prepared, plan.logs)
  if (intent === undefined) return done
  let progress: 'prepared' | 'published' | 'durable' = 'prepared'
  const staged = yield* settleAll(prepared.map((document) => stage(context, document, durable)))
  const options = { area: context.area, durable }
  try {
    for (const outcome of staged) if (!outcome.ok) throw outcome.error
    for (const document of prepared) if (document.target.exists) yield* backUp(context, document)
    for (const planned of plan.logs) {
      yield* context.logs.reserve(planned.log, bytesOf(planned).byteLength, options)
    }
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
    for (const planned of plan.logs) {
      yield* context.logs.append(planned.log, bytesOf(planned), options)
    }
    yield* showTogether(context, prepared, staged, durable)
    // Only what whoever takes over will find may be forgotten.
    if (plan.logs.length > 0 && context.area.isRevoked()) {
      throw new FileSystemError('ENOENT', 'append', context.layout.logs)
    }
    yield* context.intents.forget(intent.revision, durable)
    for (const job of jobs) job.intent = undefined
    return done
  } catch (error) {
    for (const outcome of staged) {
      if (outcome.ok && outcome.value !== undefined) yield* context.writer.discard(outcome.value)
    }
    if (progress === 'prepared') {
      for (const { log } of plan.logs) yield* context.logs.giveBack(log)
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
  logs: readonly PlannedLog[],
): Intent | undefined {
  const revisions = prepared.map(({ planned }) => planned.revision)
  for (const { lines } of logs) revisions.push(...lines.map(({ id }) => id))
  const revision = revisions.sort(compareRevisions).at(-1)
  if (revision === undefined) return undefined
  const documents = prepared.map(({ planned, target, text }) => ({
    ...planned.address,
    revision: planned.revision,
    path: target.path.slice(layout.root.length + 1),
    kind: planned.change.kind,
    mode: target.mode,
    text: text ?? '',
  }))
  const appends = logs.map(({ log, lines }) => ({ log, lines }))
  return { revision, savedAt, documents, appends }
}
