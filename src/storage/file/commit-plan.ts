/** What a batch of commits amounts to: which documents become what, who is told what, who is refused. */
import { isStateStoreError, StateStoreError } from '../../errors/index.js'
import type { Steps } from '../../file-system/index.js'
import { toStorable } from '../../serializer/index.js'
import type { AppendOutcome } from '../log.js'
import { revisionConflict } from '../refusals.js'
import type { Revision } from '../revision.js'
import type {
  Change,
  CommitResult,
  DocumentAddress,
  DocumentWrite,
  Expectation,
  LeaseClaim,
  StoredDocument,
  WriteOutcome,
} from '../storage.js'
import type { CommitJob } from './commit-job.js'
import type { DocumentFiles } from './document-files.js'
import type { News } from './news.js'
import { LogPlanner, type PlannedLog } from './planned-logs.js'

export interface PlannedDocument {
  readonly address: DocumentAddress
  readonly change: Extract<Change, { kind: 'put' | 'delete' }>
  readonly revision: Revision
  /** The commits this change fulfils; the last one made it, it stands in place of the others'. */
  readonly jobs: readonly CommitJob[]
  /** The stamp of the file when it was read, if the change depends on what it holds. */
  readonly seen: string | undefined
}

export interface AcceptedCommit {
  readonly job: CommitJob
  readonly result: CommitResult
  /** What its documents will be when the batch is written: a later commit may have changed them again. */
  readonly documents: readonly PlannedDocument[]
}

export interface RefusedCommit {
  readonly job: CommitJob
  readonly error: unknown
}

export interface CommitPlan {
  readonly documents: readonly PlannedDocument[]
  readonly logs: readonly PlannedLog[]
  readonly accepted: readonly AcceptedCommit[]
  /** To be told when the batch is written: told before, they would read again what they conflict with. */
  readonly refused: readonly RefusedCommit[]
  /** Some commit has several parts: documents that it changes, logs that it appends to. */
  readonly needsIntent: boolean
}

export interface PlanContext {
  readonly files: DocumentFiles
  readonly news: News
  readonly savedAt: number
  readonly writerId: string
  nextRevision(): Revision
  /** Throws `STATE_LEASE_LOST` unless the claim is the newest for its name. */
  checkLease(claim: LeaseClaim): void
}

interface AcceptedPart {
  readonly job: CommitJob
  readonly revision: Revision
  readonly outcomes: readonly WriteOutcome[]
  readonly appended: readonly AppendOutcome[]
}

/** A document as the batch sees it, earlier commits of the batch included. */
interface View {
  current: StoredDocument | undefined
  /** The commits that have changed it so far. */
  readonly jobs: CommitJob[]
  /** The stamp of the file before it was read. */
  readonly seen?: string
  planned?: PlannedDocument
}

const identify = ({ collection, key }: DocumentAddress): string => JSON.stringify([collection, key])

/** What is handed out is the receiver's; what the batch goes on with is not to change under its feet. */
const copyOf = (document: StoredDocument | undefined): StoredDocument | undefined =>
  document && { ...document, value: structuredClone(document.value) }

const countLogs = (appended: readonly AppendOutcome[]): number =>
  appended.length > 1 ? new Set(appended.map(({ log }) => log)).size : appended.length

/** Stands for a damaged document: there is one, and that is all. */
const unreadable: StoredDocument = {
  value: undefined,
  revision: '0.0',
  savedAt: 0,
  origin: 'external',
}

export class CommitPlanner {
  readonly #context: PlanContext
  readonly #views = new Map<string, View>()
  readonly #logs: LogPlanner
  readonly #accepted: AcceptedPart[] = []
  #needsIntent = false

  constructor(context: PlanContext) {
    this.#context = context
    this.#logs = new LogPlanner(context.savedAt, () => context.nextRevision())
  }

  /** Plans the commits in order. One that is refused has no effect on the others. */
  *plan(jobs: readonly CommitJob[]): Steps<CommitPlan> {
    const refused: RefusedCommit[] = []
    for (const job of jobs) {
      if (job.isSettled) continue
      try {
        yield* this.#add(job)
      } catch (error) {
        // Also what a change function threw: that is its caller's, as it is.
        refused.push({ job, error })
      }
    }
    return {
      documents: [...this.#views.values()].flatMap(({ planned }) => planned ?? []),
      logs: this.#logs.planned,
      accepted: this.#accepted.map((entry) => this.#result(entry)),
      refused,
      needsIntent: this.#needsIntent,
    }
  }

  *#add(job: CommitJob): Steps<void> {
    const { commit } = job
    for (const claim of commit.leases ?? []) this.#context.checkLease(claim)
    for (const { address, expected } of commit.checks ?? []) {
      yield* this.#expect(address, expected)
    }
    const changes: { write: DocumentWrite; change: Change; view: View }[] = []
    for (const write of commit.writes) {
      if (write.expected !== undefined) yield* this.#expect(write.address, write.expected)
      const view = yield* this.#view(write)
      changes.push({ write, change: this.#decide(write, view), view })
    }
    // Nothing can refuse this commit any more.
    const appended = this.#logs.add(job)
    const revision = this.#context.nextRevision()
    const outcomes = changes.map(({ write, change, view }) =>
      this.#apply(job, write.address, change, view, revision),
    )
    const changed = outcomes.filter(({ kind }) => kind !== 'keep').length
    if (changed + countLogs(appended) > 1) this.#needsIntent = true
    job.revision = revision
    this.#accepted.push({ job, revision, outcomes, appended })
  }

  *#expect(address: DocumentAddress, expected: Expectation): Steps<void> {
    const { current } = yield* this.#load(address)
    const actual = current?.revision ?? null
    if (actual !== expected) throw revisionConflict(address, expected, actual)
  }

  /** The view to change; the present document is read only if the change depends on it. */
  *#view({ address, change, expected }: DocumentWrite): Steps<View> {
    const kind = typeof change === 'function' ? 'function' : change.kind
    if (kind === 'delete' && expected === undefined) return yield* this.#loadToDelete(address)
    if (kind !== 'put') return yield* this.#load(address)
    const view = this.#views.get(identify(address))
    if (view !== undefined) return view
    // Registered once it is accepted: until then it must not count as known.
    return { current: undefined, jobs: [] }
  }

  /** What is to go need not be whole. */
  *#loadToDelete(address: DocumentAddress): Steps<View> {
    try {
      return yield* this.#load(address)
    } catch (error) {
      if (!isStateStoreError(error, 'STATE_CORRUPT')) throw error
      return { current: unreadable, jobs: [] }
    }
  }

  *#load(address: DocumentAddress): Steps<View> {
    const id = identify(address)
    const known = this.#views.get(id)
    if (known !== undefined) return known
    const seen = this.#context.files.stampOf(address)
    const found = yield* this.#context.files.find(address)
    if (found?.verdict.kind === 'damaged') {
      throw new StateStoreError({
        code: 'STATE_CORRUPT',
        message: `${address.collection}/${address.key} is damaged: ${found.verdict.reason}`,
        operation: 'commit',
        path: found.path,
        hint: 'set() replaces it; the damaged bytes are kept in quarantine.',
        details: { ...address, reason: found.verdict.reason },
      })
    }
    if (found !== undefined) this.#context.news.read(address, found.path, found.verdict.document)
    const view: View = { current: found?.verdict.document, jobs: [], seen }
    this.#views.set(id, view)
    return view
  }

  #decide({ change }: DocumentWrite, { current }: View): Change {
    if (typeof change !== 'function') return change
    const decided = change(copyOf(current))
    return decided.kind === 'put' ? { ...decided, value: toStorable(decided.value) } : decided
  }

  #apply(
    job: CommitJob,
    address: DocumentAddress,
    change: Change,
    view: View,
    revision: Revision,
  ): WriteOutcome {
    if (change.kind === 'keep' || (change.kind === 'delete' && view.current === undefined)) {
      return { address, kind: 'keep', document: copyOf(view.current) }
    }
    this.#views.set(identify(address), view)
    const { savedAt, writerId } = this.#context
    view.current =
      change.kind === 'delete'
        ? undefined
        : {
            value: change.value,
            revision,
            savedAt,
            writer: writerId,
            schemaVersion: change.schemaVersion,
            origin: 'store',
          }
    // Not copied: of what is planned for a document only the last is done.
    view.jobs.push(job)
    view.planned = { address, change, revision, jobs: view.jobs, seen: view.seen }
    return { address, kind: change.kind, document: view.current }
  }

  /** A commit whose documents were all written again by later ones got one revision with them. */
  #result({ job, revision, outcomes, appended }: AcceptedPart): AcceptedCommit {
    const written = outcomes.filter(({ kind }) => kind !== 'keep')
    const documents = written.flatMap(
      ({ address }) => this.#views.get(identify(address))?.planned ?? [],
    )
    const superseded =
      appended.length === 0 &&
      documents.length > 0 &&
      documents.every((document) => document.revision !== revision)
    const told = superseded ? (documents[0]?.revision ?? revision) : revision
    return {
      job,
      result: {
        revision: told,
        savedAt: this.#context.savedAt,
        superseded,
        outcomes,
        appended,
      },
      documents,
    }
  }
}
