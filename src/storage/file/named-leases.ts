/**
 * Named leases: generation files like the write lease's, one directory a name. Here the newest
 * generation alone is the holder. A free name is taken by linking the next number, without the write
 * lease. A silent holder is superseded only *inside* the write lease, and "is this token still the
 * newest" is asked there too, so a takeover cannot fall between another's check and its commit.
 */
import { Breath, type Clock } from '../../clock/index.js'
import { isFileSystemError } from '../../errors/index.js'
import {
  type GenerationCeiling,
  GenerationDirectory,
  type GenerationOwner,
  type GenerationRecord,
  type OwnGeneration,
  type ProcessTable,
  SilenceObserver,
} from '../../file-lock/index.js'
import type { FileOperations } from '../../file-system/index.js'
import { Line } from '../line.js'
import {
  closedWhileWaiting,
  leaseDefaults,
  leaseLost,
  leaseTimeout,
  leaseTimes,
  refuseAborted,
} from '../refusals.js'
import type { Lease, LeaseClaim, LeaseRequest, LeaseStatus, StorageListener } from '../storage.js'
import { decodeKey, encodeKey, isHashedName } from './key-encoding.js'

const beatsPerTtl = 4
const firstPollMs = 1
const maxPollMs = 4
/** After this long, a waiter asks those who come later to let it go first. */
const patienceMs = 25
/** How long they do. */
const yieldMs = 3
/** Names given back whose files are kept open. */
const maxParked = 64
/** Names whose paths are kept at hand. */
const maxRemembered = 1000

export interface NamedLeaseContext {
  readonly fs: FileOperations
  readonly clock: Clock
  readonly processes: ProcessTable
  readonly ceiling: GenerationCeiling
  /** The directory of all names. */
  readonly directory: string
  readonly listener: StorageListener
  draftPath(): string
  owner(): GenerationOwner
  /**
   * Runs `action`, which blocks, in a turn of the write lease. The draft path it gets is good for that
   * turn only: once the turn was taken away, nothing can be linked from there.
   */
  inTurn<T>(action: (draftPath: string) => T, signal: AbortSignal | undefined): Promise<T>
  /** Resolves once no commit that claims the lease is on its way. */
  commitsUnder(claim: LeaseClaim): Promise<void>
}

class HeldLease implements Lease {
  readonly #context: NamedLeaseContext
  readonly #own: OwnGeneration
  #controller: AbortController | undefined
  readonly #stopBeating: () => void
  readonly #onReleased: () => void
  #state: 'held' | 'lost' | 'released' = 'held'
  /** Why it was lost. */
  #reason: unknown

  constructor(
    context: NamedLeaseContext,
    readonly name: string,
    own: OwnGeneration,
    ttlMs: number,
    onReleased: () => void,
  ) {
    this.#context = context
    this.#own = own
    this.#onReleased = onReleased
    this.#stopBeating = context.clock.every(ttlMs / beatsPerTtl, () => this.#beat())
  }

  get token(): number {
    return this.#own.generation
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  async release(): Promise<void> {
    if (this.#state === 'released') return
    await this.#context.commitsUnder(this)
    this.releaseNow()
  }

  releaseNow(): void {
    if (this.#state === 'released') return
    this.#state = 'released'
    this.#stopBeating()
    try {
      this.#own.mark('free')
    } finally {
      this.#onReleased()
    }
  }

  /** The store is being closed, and whoever works under the lease is told. */
  close(): void {
    if (this.#state === 'released') return
    if (this.#state === 'held') this.#reason = leaseLost(this, 'the store was closed')
    try {
      this.releaseNow()
    } finally {
      this.#controller?.abort(this.#reason)
    }
  }

  #beat(): void {
    try {
      if (this.#state !== 'held') return
      if (this.#own.isSuperseded()) this.#lose('another holder took over')
      else this.#own.beat()
    } catch (error) {
      // The directory cannot be read, so nobody can tell whether we still hold it.
      this.#lose((error as Error).message)
    }
  }

  #lose(why: string): void {
    this.#state = 'lost'
    this.#stopBeating()
    this.#reason = leaseLost(this, why)
    this.#context.listener('lease:lost', { name: this.name, token: this.token })
    this.#controller?.abort(this.#reason)
  }
}

/**
 * Tells those who come anew that somebody has been waiting for long: they let a moment pass before they
 * try. So a process that takes and gives back a name all the time cannot keep it from the others. It
 * is a courtesy that no promise rests on; one left behind by a dead waiter costs one such moment.
 */
class WaitingMark {
  readonly #fs: FileOperations
  readonly #path: string
  #isOurs = false
  #wasSeen = false

  constructor(fs: FileOperations, directory: string) {
    this.#fs = fs
    this.#path = `${directory}/waiting`
  }

  isSet(): boolean {
    this.#wasSeen = this.#fs.status(this.#path) !== undefined
    return this.#wasSeen
  }

  set(): void {
    this.#isOurs = true
    try {
      this.#fs.close(this.#fs.open(this.#path, 'create'))
    } catch (error) {
      if (!isFileSystemError(error)) throw error
    }
  }

  /** The wait is over, and whoever else waits sets the mark again. */
  clear(): void {
    if (this.#isOurs || this.#wasSeen) this.remove()
  }

  remove(): void {
    try {
      this.#fs.unlink(this.#path)
    } catch (error) {
      if (!isFileSystemError(error)) throw error
    }
  }
}

export class NamedLeases {
  readonly #context: NamedLeaseContext
  readonly #directories = new Map<string, GenerationDirectory>()
  readonly #lines = new Map<string, Line>()
  readonly #held = new Set<HeldLease>()
  /** Files of names we gave back last, to be used again if nobody else took them since. */
  readonly #parked = new Map<string, OwnGeneration>()
  readonly #breath: Breath
  #isOpen = true

  constructor(context: NamedLeaseContext) {
    this.#context = context
    this.#breath = new Breath(context.clock)
  }

  async acquire(request: LeaseRequest): Promise<Lease> {
    const { name, signal } = request
    const { ttlMs, waitMs } = leaseTimes(request)
    const directory = this.#directoryOf(name)
    refuseAborted(signal, 'acquireLease')
    const deadline = this.#context.clock.monotonicMs() + waitMs
    const line = this.#lines.get(name) ?? new Line()
    this.#lines.set(name, line)
    const leave = await line.enterWithin(this.#context.clock, waitMs, signal)
    if (leave === undefined) {
      refuseAborted(signal, 'acquireLease')
      throw leaseTimeout(name, this.#newestKnown(directory)?.owner ?? {})
    }
    try {
      // Not before: those who come later would get in line first.
      if (this.#breath.isDue) await this.#breath.take()
      const own = await this.#wait(directory, request, ttlMs, deadline)
      const lease = new HeldLease(this.#context, name, own, ttlMs, () => {
        this.#held.delete(lease)
        this.#park(name, own)
        leave()
        if (line.isEmpty) this.#lines.delete(name)
      })
      this.#held.add(lease)
      return lease
    } catch (error) {
      leave()
      throw error
    }
  }

  async #wait(
    directory: GenerationDirectory,
    request: LeaseRequest,
    ttlMs: number,
    deadline: number,
  ): Promise<OwnGeneration> {
    const { clock, processes } = this.#context
    const owner = this.#owner(request, ttlMs)
    const queue = new WaitingMark(this.#context.fs, directory.path)
    if (queue.isSet()) await clock.sleep(yieldMs, { keepAlive: true })
    this.#refuseInVain(request)
    const again = this.#retake(request.name, directory, owner)
    if (again !== undefined) {
      queue.clear()
      return again
    }
    const silence = new SilenceObserver(processes, () => clock.monotonicMs())
    const startedMs = clock.monotonicMs()
    for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 2, maxPollMs)) {
      this.#refuseInVain(request)
      if (clock.monotonicMs() - startedMs >= patienceMs) queue.set()
      const newest = this.#newest(directory)
      if (newest?.state === 'free') {
        const own = this.#take(directory, newest, owner, this.#context.draftPath())
        if (own !== undefined) {
          this.#tidy(directory, own)
          queue.clear()
          return own
        }
        pollMs = firstPollMs
        continue
      }
      const reason = newest === undefined ? undefined : silence.verdict(newest, ttlMs)
      if (newest !== undefined && reason !== undefined) {
        const own = await this.#supersede(directory, newest, owner, request, reason)
        if (own !== undefined) return own
        pollMs = firstPollMs
      }
      const remaining = deadline - clock.monotonicMs()
      if (remaining <= 0) throw leaseTimeout(request.name, newest?.owner ?? {})
      await clock.sleep(Math.min(pollMs, remaining), { keepAlive: true })
    }
  }

  #refuseInVain({ signal }: LeaseRequest): void {
    refuseAborted(signal, 'acquireLease')
    if (!this.#isOpen) throw closedWhileWaiting('acquireLease')
  }

  /** Keeps the file of a name that was given back; the oldest of too many is let go. */
  #park(name: string, own: OwnGeneration): void {
    this.#parked.get(name)?.close()
    this.#parked.set(name, own)
    if (this.#parked.size <= maxParked) return
    const [oldest] = this.#parked.keys()
    if (oldest === undefined) return
    this.#parked.get(oldest)?.close()
    this.#parked.delete(oldest)
  }

  #retake(
    name: string,
    directory: GenerationDirectory,
    owner: GenerationOwner,
  ): OwnGeneration | undefined {
    const parked = this.#parked.get(name)
    if (parked === undefined) return undefined
    this.#parked.delete(name)
    return directory.retake(parked, 'busy', owner)
  }

  /** Removes what our generation has replaced. If that fails we give it back: nobody would hold it. */
  #tidy(directory: GenerationDirectory, own: OwnGeneration): void {
    try {
      directory.removeBelow(own.generation)
    } catch (error) {
      own.release()
      throw error
    }
  }

  #take(
    directory: GenerationDirectory,
    newest: GenerationRecord,
    owner: GenerationOwner,
    draftPath: string,
  ): OwnGeneration | undefined {
    try {
      return directory.take(newest, 'busy', owner, draftPath)
    } catch (error) {
      // Our staging directory was taken away in this moment; the next draft path is in a new one.
      if (isFileSystemError(error, 'NotFound')) return undefined
      throw error
    }
  }

  /** Takes a silent holder's name; undefined when it turned out not to be silent, or another was faster. */
  async #supersede(
    directory: GenerationDirectory,
    stale: GenerationRecord,
    owner: GenerationOwner,
    request: LeaseRequest,
    reason: string,
  ): Promise<OwnGeneration | undefined> {
    const own = await this.#context.inTurn((draftPath) => {
      const newest = directory.newest()
      if (newest?.content !== stale.content || newest.generation !== stale.generation)
        return undefined
      return this.#take(directory, newest, owner, draftPath)
    }, request.signal)
    if (own === undefined) return undefined
    this.#tidy(directory, own)
    this.#context.listener('lease:taken-over', {
      name: request.name,
      token: own.generation,
      reason,
    })
    return own
  }

  /** Throws `STATE_LEASE_LOST` unless the claim is the newest for its name. To be called in a turn. */
  check(claim: LeaseClaim): void {
    const newest = this.#newestKnown(this.#directoryOf(claim.name))
    if (newest?.generation === claim.token && newest.state === 'busy') return
    throw leaseLost(
      claim,
      newest?.state === 'free' ? 'it was released' : 'another holder took over',
    )
  }

  list(): LeaseStatus[] {
    const { fs, directory } = this.#context
    const statuses: LeaseStatus[] = []
    for (const { name: encoded, kind } of fs.readDirectory(directory)) {
      if (kind !== 'directory') continue
      const newest = new GenerationDirectory(
        fs,
        `${directory}/${encoded}`,
        this.#context.ceiling,
      ).newest()
      if (newest === undefined || newest.generation === 0) continue
      statuses.push(this.#status(decodeKey(encoded) ?? newest.owner.name ?? encoded, newest))
    }
    return statuses
  }

  /** Refuses those who wait, and who would else take a lease that nobody gives back. */
  stopWaiting(): void {
    this.#isOpen = false
  }

  /** Gives everything back, for close and exit. */
  releaseAll(): void {
    this.stopWaiting()
    const failures: unknown[] = []
    for (const lease of [...this.#held]) {
      try {
        lease.close()
      } catch (error) {
        failures.push(error)
      }
    }
    for (const own of this.#parked.values()) own.close()
    this.#parked.clear()
    if (failures.length > 0) throw failures[0]
  }

  #status(name: string, { generation, state, owner }: GenerationRecord): LeaseStatus {
    const since = owner.since === undefined ? undefined : Date.parse(owner.since)
    return {
      name,
      token: generation,
      state: state === 'free' ? 'free' : 'held',
      ...(state === 'free'
        ? {}
        : {
            pid: owner.pid,
            host: owner.host,
            purpose: owner.purpose,
            since,
            expiresAt: this.#context.clock.now() + (owner.ttlMs ?? leaseDefaults.ttlMs),
          }),
    }
  }

  #owner(request: LeaseRequest, ttlMs: number): GenerationOwner {
    const { name, purpose } = request
    const since = new Date(this.#context.clock.now()).toISOString()
    return {
      ...this.#context.owner(),
      ...(isHashedName(encodeKey(name, 'lease')) ? { name } : {}),
      since,
      ttlMs,
      ...(purpose === undefined ? {} : { purpose }),
    }
  }

  #directoryOf(name: string): GenerationDirectory {
    let directory = this.#directories.get(name)
    if (directory === undefined) {
      const path = `${this.#context.directory}/${encodeKey(name, 'lease')}`
      directory = new GenerationDirectory(this.#context.fs, path, this.#context.ceiling)
      if (this.#directories.size >= maxRemembered) this.#directories.clear()
      this.#directories.set(name, directory)
    }
    return directory
  }

  /** The newest generation of a name; undefined also when it was never asked for. */
  #newestKnown(directory: GenerationDirectory): GenerationRecord | undefined {
    try {
      return directory.newest()
    } catch (error) {
      if (isFileSystemError(error, 'NotFound')) return undefined
      throw error
    }
  }

  /** The newest generation of a name, which is created when there is none. */
  #newest(directory: GenerationDirectory): GenerationRecord | undefined {
    const newest = this.#newestKnown(directory)
    if (newest !== undefined) return newest
    if (!directory.initialise(this.#context.draftPath()) && directory.numbers().length === 0) {
      // A power cut can take the generations and leave a waiter's mark, which nobody would remove.
      new WaitingMark(this.#context.fs, directory.path).remove()
      directory.initialise(this.#context.draftPath())
    }
    return directory.newest()
  }
}
