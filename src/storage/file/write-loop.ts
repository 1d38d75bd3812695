/**
 * The queue in front of the write lease. Whatever waits when a turn begins is written in that turn, so
 * a thousand waiting callers cost one acquisition and one batch. Jobs leave in the order they came.
 */
import type { StagingArea } from '../../atomic-write/index.js'
import { Breath, type Clock } from '../../clock/index.js'
import { isFileSystemError, StateStoreError, withCommitState } from '../../errors/index.js'
import type { FileLock, GenerationOwner, Turn } from '../../file-lock/index.js'
import {
  type FileSystem,
  type InlinePolicy,
  runSteps,
  runStepsBlocking,
  type Steps,
} from '../../file-system/index.js'
import { formatRevision, type Revision } from '../revision.js'
import type { CommitResult } from '../storage.js'
import type { BatchOutcome } from './batch-documents.js'
import { CommitJob } from './commit-job.js'
import { forMoments } from './file-storage-options.js'
import type { Incarnation } from './incarnation.js'
import type { SpaceReserve } from './space-reserve.js'

const maxBatchJobs = 4096
const maxBatchDocuments = 128
const firstPollMs = 1
const maxPollMs = 4

/** What a turn gives to those who write in it. */
export interface TurnContext {
  readonly area: StagingArea
  readonly savedAt: number
  nextRevision(): Revision
}

/** Something other than a commit that needs a turn for itself. Idempotent: it may be begun twice. */
export class TurnTask {
  isSettled = false
  isStarted = false

  constructor(
    readonly run: (turn: TurnContext) => Steps<void>,
    readonly onDone: () => void,
    readonly onError: (error: unknown) => void,
  ) {}

  resolve(): void {
    if (this.isSettled) return
    this.isSettled = true
    this.onDone()
  }

  reject(error: unknown): void {
    if (this.isSettled) return
    this.isSettled = true
    this.onError(error)
  }
}

type Job = CommitJob | TurnTask

/** The incarnation and its lock; replaced together when somebody revokes them. */
export interface Registration {
  readonly incarnation: Incarnation
  readonly lock: FileLock
}

export interface WriteLoopContext {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly inline: InlinePolicy
  readonly reserve: SpaceReserve
  readonly maxPending: number
  readonly waitMs: number
  register(): Registration
  /** Completes what former writers left; `tookOver` when one of them was superseded in its turn. */
  recover(turn: TurnContext, tookOver: boolean): Steps<void>
  /** Lets go of files that a batch of ours may still be writing to; they are closed by what it returns. */
  detach(): () => void
  write(turn: TurnContext, jobs: readonly CommitJob[]): Steps<BatchOutcome>
  /** Whether the documents of a job are just as it was to leave them. */
  hasLanded(job: CommitJob): Steps<boolean>
  onRevoked(generation: number): void
  /** Something failed that is no commit's fault; it is tried again when it is next needed. */
  onTrouble(operation: string, error: unknown): void
}

const isFull = (error: unknown): boolean => isFileSystemError(error, 'DiskFull', 'QuotaExceeded')

/** A batch under way; `cancelled` once a blocking flush has taken its jobs over. */
interface Flight {
  /** Whose turn it is in: by the time it ends, ours may be another. */
  readonly registration: Registration
  jobs: readonly Job[]
  cancelled: boolean
  /** What to do once it has really ended, when that is after it was cancelled. */
  afterwards?: () => void
}

export class WriteLoop {
  readonly #context: WriteLoopContext
  #registration: Registration
  #queue: Job[] = []
  #running: Promise<void> | undefined
  #flight: Flight | undefined
  #generation = 0
  #counter = 0
  #needsRecovery = false
  /** A batch was taken away from ourselves, or a recovery after a takeover has not succeeded yet. */
  #needsSeal = false
  readonly #breath: Breath

  constructor(context: WriteLoopContext) {
    this.#context = context
    this.#breath = new Breath(context.clock)
    this.#registration = this.#register()
  }

  /** The present incarnation; registers a new one if it was revoked. */
  get incarnation(): Incarnation {
    if (this.#registration.incarnation.isRevoked()) this.#registerAgain()
    return this.#registration.incarnation
  }

  get pending(): number {
    return this.#queue.length
  }

  /** Never fails, for a timer calls it. Others take a heartbeat that cannot be written for silence. */
  beat(): void {
    this.#tolerate('beat', () => this.#registration.lock.beat())
  }

  /** Adds a job; throws `STATE_QUEUE_FULL` when too many wait. */
  submit(job: Job): void {
    if (this.#queue.length >= this.#context.maxPending) {
      throw new StateStoreError({
        code: 'STATE_QUEUE_FULL',
        message: `${this.#queue.length} writes are waiting already`,
        operation: 'commit',
        retryable: true,
        hint: 'Await earlier writes before starting more, or raise maxPending.',
      })
    }
    this.#queue.push(job)
    // One hop later, so that all who write in the same moment are written together.
    this.#running ??= Promise.resolve().then(() => this.#run())
  }

  /** Resolves once everything submitted so far is settled. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** Lets go of the lock and of the power to write. */
  close(): void {
    try {
      this.#registration.lock.release()
    } finally {
      this.#registration.incarnation.retire()
    }
  }

  async #run(): Promise<void> {
    try {
      while (this.#hasWork()) {
        const turn = await this.#enter()
        if (turn !== undefined) await this.#fly(...turn)
        if (this.#breath.isDue) await this.#breath.take()
      }
    } catch (error) {
      // We cannot even register again, for example because .holdfast is gone.
      this.#rejectQueue(error)
    } finally {
      this.#running = undefined
    }
  }

  /** Drops jobs that were settled while they waited (aborted, timed out, flushed). */
  #hasWork(): boolean {
    while (this.#queue[0]?.isSettled === true) this.#queue.shift()
    if (this.#queue.length > 0) return true
    this.#stopWaiting()
    return false
  }

  /** From the moment we have a turn there is a flight: a blocking flush must not begin a second one. */
  async #enter(): Promise<[Turn, Flight] | undefined> {
    const { clock, waitMs } = this.#context
    const deadline = clock.monotonicMs() + waitMs
    for (let pollMs = firstPollMs; this.#hasWork(); pollMs = Math.min(pollMs * 2, maxPollMs)) {
      const turn = this.#tryEnter()
      if (turn !== undefined) {
        const flight: Flight = {
          registration: this.#registration,
          jobs: [],
          cancelled: false,
        }
        this.#flight = flight
        return [turn, flight]
      }
      if (clock.monotonicMs() >= deadline) {
        this.#rejectQueue(this.#timeout())
        return undefined
      }
      await clock.sleep(pollMs, { keepAlive: true })
    }
    return undefined
  }

  /** One attempt. A failure that is not a matter of waiting is told to everybody who waits. */
  #tryEnter(): Turn | undefined {
    try {
      return this.#attempt()
    } catch (error) {
      if (!this.#isRevoked()) {
        this.#rejectQueue(error)
        return undefined
      }
    }
    try {
      this.#registerAgain()
    } catch (error) {
      this.#rejectQueue(error)
    }
    return undefined
  }

  #attempt(): Turn | undefined {
    try {
      return this.#registration.lock.tryEnter()
    } catch (error) {
      if (!isFull(error) || !this.#context.reserve.release()) throw error
      return this.#registration.lock.tryEnter()
    }
  }

  #rejectQueue(error: unknown): void {
    for (const job of this.#queue.splice(0)) this.#reject(job, error)
    this.#stopWaiting()
  }

  #reject(job: Job, error: unknown): void {
    const mayStand =
      job instanceof CommitJob && (job.intent !== undefined || job.written !== undefined)
    job.reject(withCommitState(error, mayStand ? 'unknown' : 'not-committed'))
  }

  #stopWaiting(): void {
    this.#tolerate('stopWaiting', () => this.#registration.lock.stopWaiting())
  }

  /**
   * Ends the turn. A mark that cannot be written must not block the others for as long as we live, and
   * a takeover that we could not complete is left to the next.
   */
  #leave(lock: FileLock): void {
    this.#tolerate('leave', () => {
      try {
        if (this.#needsSeal) lock.abandon()
        else lock.leave()
      } catch (error) {
        this.#tolerate('release', () => lock.release())
        throw error
      }
    })
  }

  #tolerate(operation: string, action: () => void): void {
    try {
      action()
    } catch (error) {
      if (!isFileSystemError(error)) throw error
      this.#context.onTrouble(operation, error)
    }
  }

  /** Whether our power to write was taken; not, as far as we know, while the disk does not answer. */
  #isRevoked({ incarnation } = this.#registration): boolean {
    let revoked = false
    this.#tolerate('isRevoked', () => {
      revoked = incarnation.isRevoked()
    })
    return revoked
  }

  #timeout(): StateStoreError {
    const holder: GenerationOwner = this.#registration.lock.blockedBy ?? {}
    return new StateStoreError({
      code: 'STATE_LEASE_TIMEOUT',
      message: `No turn to write in ${this.#context.waitMs} ms; process ${holder.pid ?? '?'} on ${holder.host ?? '?'} has it`,
      operation: 'commit',
      retryable: true,
      hint: 'That process is writing very much, or its disk hangs.',
      details: { pid: holder.pid, host: holder.host },
    })
  }

  /** The jobs of the next batch: a task or a commit to be tried alone, or all commits up to the next of those. */
  #takeBatch(): Job[] {
    const batch: Job[] = []
    const documents = new Set<string>()
    while (batch.length < maxBatchJobs && documents.size < maxBatchDocuments) {
      const job = this.#queue[0]
      if (job === undefined) break
      const solitary = job instanceof TurnTask || job.alone
      if (solitary && batch.length > 0) break
      this.#queue.shift()
      if (job.isSettled) continue
      job.isStarted = true
      batch.push(job)
      if (solitary) break
      for (const { address } of (job as CommitJob).commit.writes) {
        documents.add(JSON.stringify([address.collection, address.key]))
      }
      for (const { log } of (job as CommitJob).appends) documents.add(log)
    }
    return batch
  }

  async #fly(turn: Turn, flight: Flight): Promise<void> {
    if (flight.cancelled) {
      flight.afterwards?.()
      return
    }
    const { fileSystem, clock, inline } = this.#context
    const { lock } = flight.registration
    flight.jobs = this.#takeBatch()
    try {
      const steps = this.#steps(turn, flight)
      const outcome = await runSteps(fileSystem, clock, steps, forMoments(clock, inline))
      if (!flight.cancelled) this.#land(outcome, turn)
    } catch (error) {
      if (!flight.cancelled) this.#crashLand(flight, turn, error)
    } finally {
      if (!flight.cancelled) {
        this.#flight = undefined
        this.#leave(lock)
      }
      flight.afterwards?.()
    }
  }

  *#steps(turn: Turn, flight: Flight): Steps<BatchOutcome> {
    const { jobs } = flight
    const context = this.#turnContext(turn, flight.registration)
    if (turn.fresh || this.#needsRecovery) {
      this.#needsRecovery = true
      this.#needsSeal ||= turn.tookOver
      yield* this.#context.recover(context, this.#needsSeal)
      if (!flight.cancelled) {
        this.#needsRecovery = false
        this.#needsSeal = false
      }
    }
    const commits: CommitJob[] = []
    for (const job of jobs) {
      if (job instanceof TurnTask) {
        yield* job.run(context)
        job.resolve()
      } else if (job.intent !== undefined && job.pendingResult !== undefined) {
        // Its redo intent stood when its turn was taken away; by now it has been carried out.
        job.resolve(job.pendingResult)
      } else {
        commits.push(job)
      }
    }
    if (commits.length === 0) return { retry: [], revoked: false, unfinished: false }
    return yield* this.#context.write(context, commits)
  }

  #turnContext(turn: Turn, { incarnation }: Registration): TurnContext {
    if (turn.generation !== this.#generation) {
      this.#generation = turn.generation
      this.#counter = 0
    }
    return {
      area: incarnation,
      savedAt: this.#context.clock.now(),
      nextRevision: () => {
        this.#counter += 1
        return formatRevision(turn.generation, this.#counter)
      },
    }
  }

  #land(outcome: BatchOutcome, turn: Turn): void {
    this.#needsRecovery ||= outcome.unfinished
    this.#requeue(outcome.retry)
    if (outcome.revoked) this.#revoked(turn)
    else this.#tolerate('reserve', () => this.#context.reserve.ensure())
  }

  /** Puts jobs back to the front, each once: one that were there twice would be done twice. */
  #requeue(jobs: readonly Job[]): void {
    const again = jobs.filter((job) => !job.isSettled && !this.#queue.includes(job))
    this.#queue.unshift(...again)
  }

  /** Recovery, or something that no single commit is to blame for, has failed. */
  #crashLand({ jobs, registration }: Flight, turn: Turn, error: unknown): void {
    if (this.#isRevoked(registration)) {
      this.#requeue(jobs)
      this.#revoked(turn)
      return
    }
    if (isFull(error) && this.#context.reserve.release()) {
      this.#requeue(jobs)
      return
    }
    for (const job of jobs) this.#reject(job, error)
  }

  #revoked(turn: Turn): void {
    if (this.#isRevoked()) this.#registerAgain()
    this.#context.onRevoked(turn.generation)
  }

  #registerAgain(): void {
    // In the middle of a turn: what it was writing may still land, whoever is next.
    this.#tolerate('release', () => this.#registration.lock.abandon())
    this.#registration = this.#register()
  }

  #register(): Registration {
    try {
      return this.#context.register()
    } catch (error) {
      if (!isFull(error) || !this.#context.reserve.release()) throw error
      return this.#context.register()
    }
  }

  /**
   * Settles, blocking the thread, all that was submitted. A batch under way is taken over: our own
   * power to write is revoked, which settles what its renames have done, and what has not landed is
   * written anew.
   */
  flushBlocking(waitMs: number): void {
    const { clock, fileSystem } = this.#context
    const deadline = clock.monotonicMs() + waitMs
    this.#takeOverFlight()
    while (this.#hasWork()) {
      const turn = this.#tryEnter()
      if (turn === undefined) {
        if (clock.monotonicMs() >= deadline) this.#rejectQueue(this.#timeout())
        else clock.sleepSync(firstPollMs)
        continue
      }
      const registration = this.#registration
      const flight: Flight = { registration, jobs: this.#takeBatch(), cancelled: false }
      try {
        this.#land(runStepsBlocking(fileSystem, clock, this.#steps(turn, flight)), turn)
      } catch (error) {
        this.#crashLand(flight, turn, error)
      } finally {
        this.#leave(registration.lock)
      }
    }
  }

  #takeOverFlight(): void {
    const flight = this.#flight
    if (flight === undefined) return
    flight.registration.incarnation.retire()
    flight.cancelled = true
    flight.afterwards = this.#context.detach()
    this.#flight = undefined
    // Unless we were superseded nobody else can write yet, so what is on disk is what our batch has done.
    for (const job of flight.jobs) {
      if (!(job instanceof CommitJob) || job.isSettled || job.pendingResult === undefined) continue
      // What it appended is looked for in the next turn, when nothing more can be written there.
      if (job.intent === undefined && job.appends.length === 0) {
        this.#settleLanded(job, job.pendingResult)
      }
    }
    this.#requeue(flight.jobs)
    this.#needsRecovery = true
    this.#needsSeal = true
    if (this.#registration === flight.registration) this.#registerAgain()
  }

  /** Resolves a commit whose documents are as it was to leave them. */
  #settleLanded(job: CommitJob, result: CommitResult): void {
    const { clock, fileSystem } = this.#context
    try {
      if (runStepsBlocking(fileSystem, clock, this.#context.hasLanded(job))) job.resolve(result)
    } catch (error) {
      job.reject(withCommitState(error, 'unknown'))
    }
  }
}
