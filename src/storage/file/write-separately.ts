/** Commits of one document or one log each, which do not depend on each other: what fails, fails alone. */
import { syncDirectory } from '../../atomic-write/index.js'
import { isFileSystemError, isStateStoreError, withCommitState } from '../../errors/index.js'
import { type Settled, type Steps, settleAll } from '../../file-system/index.js'
import {
  type BatchContext,
  type BatchOutcome,
  done,
  isRevoked,
  type PreparedDocument,
  SavedMeanwhile,
  show,
  stage,
} from './batch-documents.js'
import type { CommitJob } from './commit-job.js'
import type { CommitPlan } from './commit-plan.js'
import { bytesOf, type PlannedLog } from './planned-logs.js'

export function* writeSeparately(
  context: BatchContext,
  { logs }: CommitPlan,
  prepared: readonly PreparedDocument[],
  durable: boolean,
): Steps<BatchOutcome> {
  const writing = settleAll(prepared.map((document) => stage(context, document, durable)))
  const appending = settleAll(logs.map((planned) => append(context, planned, durable)))
  const [staged, appended] =
    logs.length === 0
      ? [yield* writing, []]
      : prepared.length === 0
        ? [[], yield* appending]
        : yield* bothOf(writing, appending)
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
  return merge(settleFailures(context, failures), settleAppends(context, logs, appended))
}

/** Side by side. Neither fails. */
function* bothOf<A, B>(left: Steps<A>, right: Steps<B>): Steps<[A, B]> {
  const [first, second] = yield* settleAll<A | B>([left, right])
  if (first?.ok !== true) throw first?.error
  if (second?.ok !== true) throw second?.error
  return [first.value as A, second.value as B]
}

function* append({ area, logs }: BatchContext, planned: PlannedLog, durable: boolean): Steps<void> {
  const { jobs, lines, log } = planned
  const id = lines.at(-1)?.id
  for (const job of jobs) {
    const last = job.pendingResult?.appended.at(-1)?.ids.at(-1) ?? id
    if (last !== undefined) job.written = { log, id: last }
  }
  yield* logs.append(log, bytesOf(planned), { area, durable })
}

/**
 * Records were written and synced; if our power to write is gone by now, the log may have been sealed
 * before them. The next turn tells. If it is not, whoever takes it will find them before the end.
 */
function settleAppends(
  { area }: BatchContext,
  logs: readonly PlannedLog[],
  appended: readonly Settled<void>[],
): BatchOutcome {
  if (logs.length === 0) return done
  const revoked = isRevoked(area)
  const retry: CommitJob[] = []
  for (const [index, { jobs }] of logs.entries()) {
    const outcome = appended[index]
    for (const job of jobs) {
      if (outcome?.ok === true && !revoked) job.written = undefined
      else if (revoked) retry.push(job)
      else if (outcome?.ok === false) job.reject(withOwnCommitState(outcome.error))
    }
  }
  return { retry, revoked, unfinished: false }
}

/** The log says itself what has become of the records. */
const withOwnCommitState = (error: unknown): unknown =>
  isStateStoreError(error) ? error : withCommitState(error, 'not-committed')

function merge(left: BatchOutcome, right: BatchOutcome): BatchOutcome {
  return {
    retry: [...new Set([...left.retry, ...right.retry])],
    revoked: left.revoked || right.revoked,
    unfinished: left.unfinished || right.unfinished,
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
