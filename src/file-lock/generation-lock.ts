import type { FileOperations } from '../file-system/index.js'
import type { FileLock, LockContext, Turn } from './file-lock.js'
import type { GenerationCeiling } from './generation-ceiling.js'
import {
  GenerationDirectory,
  type GenerationRecord,
  type OwnGeneration,
} from './generation-directory.js'
import type { GenerationOwner } from './generation-owner.js'
import type { ProcessTable } from './process-identity.js'
import { SilenceObserver } from './silence.js'

export interface GenerationLockOptions {
  readonly fs: FileOperations
  /** Of the generation files. */
  readonly directory: string
  readonly ceiling: GenerationCeiling
  readonly processes: ProcessTable
  readonly monotonicMs: () => number
  readonly context: LockContext
  /** How long a holder may be silent before it is superseded. */
  readonly ttlMs: number
  /** How long to leave the lock with a busy holder before standing in line, which ends its run of turns. */
  readonly patienceMs: number
}

/**
 * The default lock: a queue of generation files.
 *
 * To hold a generation, every older one that still exists must be settled: `free`, `idle`, or its
 * owner revoked. So a contender that dies in line blocks nobody, and a holder is never overlooked.
 * Between turns the holder keeps its generation as `idle`: it marks `busy` and *then* looks for a
 * newer generation, a taker links the newer generation and *then* looks at the mark; whatever the
 * order, one of them sees the other. A run of turns by one process thus costs no file of its own,
 * and ends when somebody has been waiting longer than the patience.
 *
 * A holder that must let go while writes of its own may still land marks its generation `torn`: it is
 * settled, for its owner has revoked itself, but whoever comes next has taken over.
 */
export class GenerationLock implements FileLock {
  readonly name = 'generation'
  readonly supports = { fencing: true }
  readonly #options: GenerationLockOptions
  readonly #directory: GenerationDirectory
  readonly #silence: SilenceObserver
  #own: OwnGeneration | undefined
  #role: 'none' | 'waiting' | 'idle' | 'busy' = 'none'
  #tookOver = false
  #waitingSinceMs: number | undefined
  #blockedBy: GenerationOwner | undefined

  constructor(options: GenerationLockOptions) {
    this.#options = options
    this.#directory = new GenerationDirectory(options.fs, options.directory, options.ceiling)
    this.#silence = new SilenceObserver(options.processes, options.monotonicMs)
  }

  get blockedBy(): GenerationOwner | undefined {
    return this.#blockedBy
  }

  tryEnter(): Turn | undefined {
    const own = this.#own
    if (own !== undefined && this.#role === 'idle') {
      own.mark('busy')
      if (!own.isSuperseded()) {
        this.#role = 'busy'
        return { generation: own.generation, fresh: false, tookOver: false }
      }
      this.#drop()
    }
    if (this.#own === undefined) this.#standInLine()
    return this.#own === undefined ? undefined : this.#advance(this.#own)
  }

  leave(): void {
    if (this.#role !== 'busy') return
    this.#own?.mark('idle')
    this.#role = 'idle'
  }

  beat(): void {
    if (this.#role === 'waiting' || this.#role === 'busy') this.#own?.beat()
  }

  stopWaiting(): void {
    if (this.#role === 'waiting') this.#drop()
    this.#doneWaiting()
  }

  release(): void {
    this.#doneWaiting()
    this.#drop()
  }

  abandon(): void {
    if (this.#role !== 'busy') {
      this.release()
      return
    }
    const own = this.#own
    this.#own = undefined
    this.#role = 'none'
    this.#doneWaiting()
    own?.abandon()
  }

  /** Links the next generation, if the newest is free to be taken or patience has run out. */
  #standInLine(): void {
    const { context, monotonicMs, patienceMs } = this.#options
    this.#waitingSinceMs ??= monotonicMs()
    const newest = this.#directory.newest()
    if (newest === undefined) {
      // Replaced under our eyes, or lost in a power cut.
      this.#directory.initialise(context.draftPath())
      return
    }
    const takeable =
      newest.state === 'free' ||
      newest.state === 'idle' ||
      newest.state === 'torn' ||
      monotonicMs() - this.#waitingSinceMs >= patienceMs ||
      this.#verdict(newest) !== undefined
    if (!takeable) {
      this.#blockedBy = newest.owner
      return
    }
    this.#own = this.#directory.take(newest, 'wait', context.owner(), context.draftPath())
    if (this.#own !== undefined) this.#role = 'waiting'
  }

  /** Enters if everything older is settled. */
  #advance(own: OwnGeneration): Turn | undefined {
    const { context } = this.#options
    for (const number of this.#directory.numbers()) {
      if (number >= own.generation) break
      const record = this.#directory.read(number)
      if (record === undefined || record.state === 'free' || record.state === 'idle') continue
      if (record.state === 'torn') {
        this.#tookOver = true
        continue
      }
      const reason = this.#verdict(record)
      if (reason === undefined) {
        this.#blockedBy = record.owner
        if (!own.isLinked()) this.#drop()
        return undefined
      }
      context.revoke(record.owner, reason)
      this.#tookOver = true
    }
    own.mark('busy')
    // Whoever superseded us while we waited has revoked us or removed our file.
    if (!own.isLinked() || context.isRevoked()) {
      this.#drop()
      return undefined
    }
    this.#directory.removeBelow(own.generation)
    this.#role = 'busy'
    const tookOver = this.#tookOver
    this.#doneWaiting()
    return { generation: own.generation, fresh: true, tookOver }
  }

  #verdict(record: GenerationRecord): string | undefined {
    return this.#silence.verdict(record, this.#options.ttlMs)
  }

  #drop(): void {
    const own = this.#own
    this.#own = undefined
    this.#role = 'none'
    own?.release()
  }

  #doneWaiting(): void {
    this.#silence.reset()
    this.#waitingSinceMs = undefined
    this.#blockedBy = undefined
    this.#tookOver = false
  }
}
