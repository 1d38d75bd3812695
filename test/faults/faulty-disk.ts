import { FileSystemError } from '../../src/errors/index.js'
import type { FileOperations } from '../../src/file-system/index.js'
import { type Call, type OperationName, watched } from './operations.js'

/** What goes wrong with a call: an errno it fails with, or how many bytes it takes or gives at most. */
export type Fault = string | number

const anyCall = ['EIO', 'EACCES'] as const

/** What can go wrong with each operation. */
const faultsOf: Readonly<Record<OperationName, readonly Fault[]>> = {
  open: ['ENOSPC', 'EIO', 'EMFILE', 'EACCES', 'EDQUOT', 'EROFS'],
  read: ['EIO', 1],
  write: ['ENOSPC', 'EIO', 'EDQUOT', 1, 0],
  truncate: ['EIO'],
  setModifiedTime: ['EIO', 'EPERM'],
  setMode: ['EIO', 'EPERM'],
  sync: ['EIO', 'ENOSPC', 'EDQUOT'],
  close: ['EIO', 'ENOSPC'],
  statusOf: ['EIO'],
  status: anyCall,
  readFile: [...anyCall, 'EMFILE'],
  rename: ['ENOSPC', 'EIO', 'EACCES', 'EPERM', 'EBUSY', 'EXDEV', 'EROFS'],
  link: ['ENOSPC', 'EIO', 'EPERM', 'EMLINK', 'EXDEV'],
  unlink: [...anyCall, 'EPERM', 'EBUSY', 'EROFS'],
  makeDirectory: ['ENOSPC', ...anyCall],
  removeDirectory: ['EIO', 'EBUSY'],
  readDirectory: [...anyCall, 'EMFILE'],
  readLink: anyCall,
  realPath: anyCall,
  spaceOf: anyCall,
}

export const possibleFaults = (operation: OperationName): readonly Fault[] => faultsOf[operation]

/** Far more than anything takes. */
const mostCalls = 50_000

interface Plan {
  /** The first call that fails, counted from 1. */
  readonly at: number
  readonly fault: Fault
  /** Every later call of the same operation fails as well, or every later call of all. */
  readonly persists?: 'operation' | 'everything'
}

/** Operations on a disk, of which chosen ones fail. */
export class FaultyDisk {
  readonly operations: FileOperations
  /** All calls since the last {@link watch}. */
  calls: Call[] = []
  /** Descriptors that were synced again after a sync of theirs had failed. */
  readonly syncedAgain: string[] = []
  /** What was called again and again, if anything was. */
  endless: string | undefined
  #plan: Plan | undefined
  #broken: OperationName | undefined
  #hit = false
  readonly #unsyncable = new Set<unknown>()

  readonly #raw: FileOperations

  constructor(operations: FileOperations) {
    this.#raw = operations
    this.operations = watched(operations, (call) => this.#pass(call))
  }

  /** Whether the planned fault has come about. */
  get wasHit(): boolean {
    return this.#hit
  }

  /** Counts calls from now on, and lets them go wrong as planned. */
  watch(plan?: Plan): void {
    this.calls = []
    this.#plan = plan
    this.#broken = undefined
    this.#hit = false
  }

  #pass(call: Call): unknown {
    this.calls.push(call)
    const { operation, args } = call
    if (this.calls.length > mostCalls) {
      this.endless = `${operation} ${call.path} does not come to an end`
      throw new Error(this.endless)
    }
    if (operation === 'sync' && this.#unsyncable.has(args[0])) this.syncedAgain.push(call.path)
    if (operation === 'close') this.#unsyncable.delete(args[0])
    const fault = this.#faultFor(operation)
    if (fault === undefined) return call.perform()
    this.#hit = true
    return this.#fail(call, fault)
  }

  #faultFor(operation: OperationName): Fault | undefined {
    const plan = this.#plan
    if (plan === undefined || this.calls.length < plan.at) return undefined
    if (this.calls.length === plan.at) {
      this.#broken = operation
      return plan.fault
    }
    if (plan.persists === 'everything') return plan.fault
    return plan.persists === 'operation' && operation === this.#broken ? plan.fault : undefined
  }

  #fail({ args, operation, path, perform }: Call, fault: Fault): unknown {
    if (typeof fault === 'number') return this.#short(operation, args, fault)
    if (operation === 'sync') this.#unsyncable.add(args[0])
    // The descriptor is gone even when closing it reports an error.
    if (operation === 'close') perform()
    throw new FileSystemError(fault, operation, path)
  }

  #short(operation: OperationName, args: readonly unknown[], most: number): unknown {
    if (operation !== 'write' && operation !== 'read') throw new Error('only data can be short')
    const [file, buffer, offset, length, position] = args as Parameters<FileOperations['write']>
    return this.#raw[operation](file, buffer, offset, Math.min(length, most), position)
  }
}
