/**
 * Simulated processes on one disk in memory, each with somebody who sees its calls before they are made.
 * What he does in that moment happens while that process is held at the call.
 */
import type { Clock } from '../../src/clock/index.js'
import { FileSystemError } from '../../src/errors/index.js'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import type { StateStore } from '../../src/store/index.js'
import { Machine } from '../faults/machine.js'
import { openStore } from '../faults/opened-store.js'
import { SimulatedClock } from '../faults/simulated-clock.js'
import { type InterceptedCall, interceptedFileSystem } from './intercepted-file-system.js'

export class SimulatedProcess {
  readonly store: StateStore
  /** Others take it for dead from now on, whatever it does. */
  readonly looksDead: () => void
  /** Sees each call before it is made. */
  watch: (call: InterceptedCall) => void = () => {}
  /** Holds a promised call back until this has resolved. */
  hold: (call: InterceptedCall) => Promise<void> | undefined = () => undefined

  constructor(store: StateStore, looksDead: () => void) {
    this.store = store
    this.looksDead = looksDead
  }

  /** Makes no further call. */
  die(): void {
    this.looksDead()
    this.watch = ({ operation }) => {
      throw new FileSystemError('EIO', operation, undefined)
    }
  }
}

export interface ProcessOptions {
  /** Whose time flies: nothing is done in a moment, all is left to the thread pool. */
  readonly isSlow?: boolean
}

/** A clock on which every look takes longer than blocking calls may. */
function flying(clock: Clock): Clock {
  let looks = 0
  const monotonicMs = (): number => {
    looks += 1
    return clock.monotonicMs() + looks * 5
  }
  return new Proxy(clock, {
    get: (target, name) => {
      if (name === 'monotonicMs') return monotonicMs
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

export class SharedDisk {
  readonly #clock = new SimulatedClock()
  readonly #machine = new Machine()
  readonly #disk = new MemoryFileSystem({ clock: this.#clock })
  readonly damage: string[] = []

  /** Makes a call, whoever asks for it. */
  perform({ operation, args }: InterceptedCall): void {
    const calls = this.#disk.blocking as unknown as Record<string, (...args: unknown[]) => unknown>
    calls[operation]?.(...args)
  }

  async start({ isSlow = false }: ProcessOptions = {}): Promise<SimulatedProcess> {
    const processes = this.#machine.start()
    let started: SimulatedProcess | undefined
    const before = (call: InterceptedCall): void => {
      this.#clock.touch()
      started?.watch(call)
    }
    const hold = (call: InterceptedCall) => started?.hold(call)
    const fileSystem = interceptedFileSystem({ before, hold }, this.#disk)
    const clock: Clock = isSlow ? flying(this.#clock) : this.#clock
    const options = { clock, fileSystem, processes, backups: 1 }
    const { store } = await openStore({ ...options, logSegmentBytes: 4096 })
    store.on('log:damaged', ({ path, reason }) => this.damage.push(`${path}: ${reason}`))
    started = new SimulatedProcess(store, () => this.#machine.kill(processes))
    return started
  }
}
