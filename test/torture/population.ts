/**
 * Simulated processes in one: each has its own incarnations, its own clock and a pid that the others
 * can see, and can die at any of its file-system calls. A dead one makes no further call, and what it
 * was waiting for never comes.
 */
import { type Clock, systemClock } from '../../src/clock/index.js'
import { FileSystemError } from '../../src/errors/index.js'
import type { ProcessTable } from '../../src/file-lock/index.js'
import type { FileSystem } from '../../src/file-system/index.js'
import { FileStorage, type FileStorageOptions } from '../../src/storage/file/index.js'
import {
  type InterceptedCall,
  interceptedFileSystem,
  isHeartbeat,
} from './intercepted-file-system.js'

/** What code that is dead already runs into; a failure of the disk, so that it takes it without a cry. */
class Death extends FileSystemError {
  constructor() {
    super('EIO', 'die', undefined)
  }
}

export interface LifeOptions {
  /** Dies instead of making the call with this number, counted from 0. */
  readonly dieAtCall?: number
  /** Sees every call before it is made. */
  readonly watch?: (call: InterceptedCall) => void
}

export class Life {
  readonly pid: number
  readonly fileSystem: FileSystem
  readonly processes: ProcessTable
  readonly clock: Clock
  /** Resolves when it dies. */
  readonly death: Promise<void>
  calls = 0
  #dieAtCall: number
  #isDead = false
  #died = (): void => {}
  readonly #onDeath: () => void

  constructor(
    population: Population,
    pid: number,
    { dieAtCall = Number.POSITIVE_INFINITY, watch }: LifeOptions,
    onDeath: () => void,
  ) {
    this.pid = pid
    this.#dieAtCall = dieAtCall
    this.#onDeath = onDeath
    this.processes = population.seenBy(pid)
    this.death = new Promise((resolve) => {
      this.#died = resolve
    })
    const never = new Promise<never>(() => {})
    const fileSystem = interceptedFileSystem(
      {
        before: (call) => {
          if (!this.#isDead && !isHeartbeat(call)) {
            if (this.calls === this.#dieAtCall) this.die()
            this.calls += 1
          }
          if (this.#isDead) throw new Death()
          watch?.(call)
        },
        after: () => (this.#isDead ? never : undefined),
      },
      population.fileSystem,
    )
    this.fileSystem = withoutRejections(fileSystem, never)
    this.clock = {
      ...systemClock,
      every: (periodMs, action) =>
        systemClock.every(periodMs, () => {
          if (!this.#isDead) action()
        }),
      sleep: async (durationMs, options) => {
        await systemClock.sleep(durationMs, options)
        if (this.#isDead) await never
      },
    }
  }

  get isDead(): boolean {
    return this.#isDead
  }

  die(): void {
    this.#isDead = true
    this.#onDeath()
    this.#died()
  }

  /** From now on: dies instead of making the call with this number. */
  dieAt(call: number): void {
    this.#dieAtCall = this.calls + call
  }

  storage(options: FileStorageOptions): FileStorage {
    const { clock, fileSystem, processes } = this
    return new FileStorage({ clock, fileSystem, processes, ...options })
  }

  /** What it comes to, or undefined when it dies before. */
  async until<T>(work: Promise<T>): Promise<T | undefined> {
    const settled = work.catch((error: unknown) => {
      if (!this.#isDead) throw error
      return undefined
    })
    return await Promise.race([settled, this.death.then(() => undefined)])
  }
}

/** A promised call of a dead process does not even fail. */
function withoutRejections(fileSystem: FileSystem, never: Promise<never>): FileSystem {
  const calls = Object.entries(fileSystem).map(([name, call]) => {
    if (typeof call !== 'function') return [name, call]
    const lasting = (...args: unknown[]): Promise<unknown> =>
      call(...args).catch((error: unknown) => {
        if (error instanceof Death) return never
        throw error
      })
    return [name, lasting]
  })
  return Object.fromEntries(calls) as FileSystem
}

export interface PopulationOptions {
  readonly bootId?: string
}

export class Population {
  readonly fileSystem: FileSystem
  bootId: string
  readonly #dead = new Set<string>()
  #lastPid = 100

  constructor(fileSystem: FileSystem, { bootId = 'boot-1' }: PopulationOptions = {}) {
    this.fileSystem = fileSystem
    this.bootId = bootId
  }

  born(options: LifeOptions = {}): Life {
    this.#lastPid += 1
    const pid = this.#lastPid
    const born = this.bootId
    return new Life(this, pid, options, () => this.#dead.add(`${born} ${pid}`))
  }

  seenBy(pid: number): ProcessTable {
    const self = {
      pid,
      host: 'here',
      bootId: this.bootId,
      pidNamespace: 'pid:[1]',
      startTime: String(pid),
    }
    return {
      self,
      liveness: (other) => {
        if (other.bootId !== self.bootId || other.pidNamespace !== self.pidNamespace) {
          return 'unknown'
        }
        return this.#dead.has(`${other.bootId} ${other.pid}`) ? 'dead' : 'alive'
      },
    }
  }
}
