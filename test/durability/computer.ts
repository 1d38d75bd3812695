import type { AtomicWriter } from '../../src/atomic-write/index.js'
import type { FileOperations } from '../../src/file-system/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import type { Durability } from '../../src/storage/index.js'
import {
  CrashSimulatingFileSystem,
  type DataRule,
  type DirectoryRule,
} from '../../src/testing/index.js'
import { Machine } from '../faults/machine.js'
import { openStore } from '../faults/opened-store.js'
import { overBlocking } from '../faults/operations.js'
import { SimulatedClock } from '../faults/simulated-clock.js'

export const writeTtlMs = 50
export const logSegmentBytes = 4096
export const directory = '/store'

/** What is different in a store, or between it and its disk. */
export interface Subject {
  readonly writer?: AtomicWriter
  readonly durability?: Durability
  /** Stands between the store and the disk. */
  readonly alter?: (operations: FileOperations, disk: CrashSimulatingFileSystem) => FileOperations
}

export interface ComputerOptions {
  readonly clock?: SimulatedClock
  readonly directoryRule?: DirectoryRule
  readonly dataRule?: DataRule
  /** Default: a new one, on which there is nothing. */
  readonly disk?: CrashSimulatingFileSystem
}

/** A computer whose power may fail. */
export class Computer {
  readonly clock: SimulatedClock
  readonly machine = new Machine()
  readonly disk: CrashSimulatingFileSystem

  constructor({ clock = new SimulatedClock(), disk, ...rules }: ComputerOptions = {}) {
    this.clock = clock
    this.disk = disk ?? new CrashSimulatingFileSystem({ clock, ...rules })
  }

  async open({ alter, ...options }: Subject = {}, processes = this.machine.start()) {
    const { blocking } = this.disk
    const operations = alter?.(blocking, this.disk) ?? blocking
    const fileSystem = overBlocking(operations, this.clock.touch)
    const { clock } = this
    const settings = { clock, directory, fileSystem, processes, writeTtlMs, logSegmentBytes }
    const opened = await openStore({ ...settings, ...options })
    opened.store.collection('plans', { serializer: yamlSerializer() })
    return opened
  }
}
