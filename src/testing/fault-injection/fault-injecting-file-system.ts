import { type Clock, systemClock } from '../../clock/index.js'
import { FileSystemError, StateStoreError } from '../../errors/index.js'
import {
  type FileDescriptor,
  type FileOperations,
  type FileSystem,
  foreign,
  io,
  operationNames,
  operationsOnDescriptors,
  pause,
  runSteps,
  runStepsBlocking,
  type Steps,
} from '../../file-system/index.js'
import {
  type Fault,
  type FileSystemOperation,
  PendingFault,
  refuseImpossible,
  type SeenCall,
} from './fault.js'
import { UnsyncedWrites } from './unsynced-writes.js'

export interface FaultInjectingOptions {
  /** Lets the time of `delayMs` pass. Default: the system's. */
  readonly clock?: Pick<Clock, 'sleep' | 'sleepSync'>
  /**
   * More calls than this since the last `inject` are refused with `STATE_UNSUPPORTED`: somebody tries the
   * same again and again. Default: 50,000.
   */
  readonly maxCalls?: number
}

type Arguments = readonly unknown[]
type Callables = Record<FileSystemOperation, (...args: Arguments) => unknown>

const stepwise = io as unknown as Record<
  FileSystemOperation,
  (...args: Arguments) => Steps<unknown>
>

// Assigned at run time and typed by the port: written out they would be forty times the same.
const BothForms = class {
  readonly blocking: FileOperations

  constructor(
    promised: (operation: FileSystemOperation, args: Arguments) => Promise<unknown>,
    blocking: (operation: FileSystemOperation, args: Arguments) => unknown,
  ) {
    const forms: Partial<Callables> = {}
    const own = this as unknown as Callables
    for (const operation of operationNames) {
      forms[operation] = (...args) => blocking(operation, args)
      own[operation] = (...args) => promised(operation, args)
    }
    this.blocking = forms as unknown as FileOperations
  }
} as new (
  promised: (operation: FileSystemOperation, args: Arguments) => Promise<unknown>,
  blocking: (operation: FileSystemOperation, args: Arguments) => unknown,
) => FileSystem

/**
 * Any file system, of which chosen calls go wrong. Both of its forms pass through one counter and one
 * plan. It tells what it has seen: the {@link calls}, which of them went wrong ({@link struck}), which
 * descriptors are open ({@link openFiles}), and which were synced again after a sync of theirs had
 * failed ({@link syncedAgain}), which nobody who wants to keep data may do.
 *
 * Costs a look at the plan for each call, and a read of what is there before each write.
 *
 * @example
 * // Each call of a commit fails once; none may leave a descriptor open or half a commit behind.
 * for (let nth = 1; ; nth++) {
 *   const disk = new FaultInjectingFileSystem(new MemoryFileSystem())
 *   const storage = await openMine({ fileSystem: disk })
 *   disk.inject({ nth, errno: 'EIO' })
 *   const told = await storage.commit(commit).then(() => 'committed', (error) => error.commitState)
 *   if (disk.struck.length === 0) break
 *   disk.inject()
 *   await expectWhatWasTold(storage, told)
 *   await storage.close()
 *   expect([disk.openFiles, disk.syncedAgain]).toEqual([[], []])
 * }
 */
export class FaultInjectingFileSystem extends BothForms implements FileSystem {
  readonly #clock: Pick<Clock, 'sleep' | 'sleepSync'>
  readonly #maxCalls: number
  readonly #unsynced: UnsyncedWrites
  readonly #open = new Map<FileDescriptor, string>()
  /** Nothing is written through these; Windows, which cannot sync them, has no status of them either. */
  readonly #directories = new Set<FileDescriptor>()
  readonly #unsyncable = new Set<FileDescriptor>()
  #faults: PendingFault[] = []
  #calls: SeenCall[] = []
  #struck: SeenCall[] = []
  #syncedAgain: string[] = []
  #hanging = new Map<SeenCall, () => void>()
  #endless: SeenCall | undefined

  constructor(inner: FileSystem, options: FaultInjectingOptions = {}) {
    super(
      (operation, args) => runSteps(inner, this.#clock, this.#pass(operation, args, 'promised')),
      (operation, args) =>
        runStepsBlocking(inner, this.#clock, this.#pass(operation, args, 'blocking')),
    )
    this.#clock = options.clock ?? systemClock
    this.#maxCalls = options.maxCalls ?? 50_000
    this.#unsynced = new UnsyncedWrites(inner.blocking)
  }

  /**
   * Counts calls from now on, and lets them go wrong as the faults say, in place of those that were given
   * before; without any, nothing goes wrong any more. Of several that fit one call the first given is
   * taken, and the call counts for the others as well: `{ nth: 3 }` and `{ nth: 7 }` strike the third and the
   * seventh of all. Calls that hang go on hanging.
   *
   * Throws `STATE_INVALID_OPTION` for an `nth` below 1, or what cannot happen to the operation; a call
   * throws the same where no operation was named.
   */
  inject(...faults: readonly Fault[]): void {
    this.#faults = faults.map((fault) => new PendingFault(fault))
    this.#calls = []
    this.#struck = []
    this.#endless = undefined
  }

  /** All since the last {@link inject}, in the order they were begun. */
  get calls(): readonly SeenCall[] {
    return this.#calls
  }

  /** Those of them that went wrong as planned. */
  get struck(): readonly SeenCall[] {
    return this.#struck
  }

  /** Calls that hang now. */
  get hanging(): readonly SeenCall[] {
    return [...this.#hanging.keys()]
  }

  /** Paths of the descriptors that are open, as they were opened. */
  get openFiles(): readonly string[] {
    return [...this.#open.values()]
  }

  /** Paths of descriptors that were synced again after a sync of theirs had failed, ever. */
  get syncedAgain(): readonly string[] {
    return this.#syncedAgain
  }

  /** The first call beyond `maxCalls` since the last {@link inject}. */
  get endless(): SeenCall | undefined {
    return this.#endless
  }

  /** Makes the calls that hang, as if they had only been slow. */
  release(): void {
    const waiting = [...this.#hanging.values()]
    this.#hanging.clear()
    for (const goOn of waiting) goOn()
  }

  *#pass(operation: FileSystemOperation, args: Arguments, form: SeenCall['form']): Steps<unknown> {
    const call = this.#see(operation, args, form)
    const fault = this.#faultOf(call)
    if (fault === undefined) return yield* this.#perform(call, args)
    this.#struck.push(call)
    refuseImpossible(fault, operation)
    if ('delayMs' in fault) {
      yield* pause(fault.delayMs)
      return yield* this.#perform(call, args)
    }
    if ('hangs' in fault) {
      yield* this.#hang(call)
      return yield* this.#perform(call, args)
    }
    if ('atMostBytes' in fault) {
      const [file, buffer, offset, length, position] = args
      const most = Math.min(length as number, fault.atMostBytes)
      return yield* this.#perform(call, [file, buffer, offset, most, position])
    }
    const [file] = args as [FileDescriptor]
    if (operation === 'sync') this.#unsyncable.add(file)
    if ('losesWrites' in fault) {
      if (!this.#directories.has(file)) this.#unsynced.drop(file, call.path)
    } else if (operation === 'close') yield* this.#perform(call, args)
    throw new FileSystemError('errno' in fault ? fault.errno : 'EIO', operation, call.path)
  }

  #see(operation: FileSystemOperation, args: Arguments, form: SeenCall['form']): SeenCall {
    const [first, second] = args
    const path = operationsOnDescriptors.has(operation)
      ? (this.#open.get(first as FileDescriptor) ?? '')
      : String(first)
    const number = this.#calls.length + 1
    const leads = operation === 'rename' || operation === 'link'
    const call: SeenCall = leads
      ? { number, operation, path, to: String(second), form }
      : { number, operation, path, form }
    this.#calls.push(call)
    if (number > this.#maxCalls) {
      this.#endless ??= call
      throw new StateStoreError({
        code: 'STATE_UNSUPPORTED',
        message: `More than ${this.#maxCalls} calls: ${operation} ${path} does not come to an end`,
        operation,
        path,
      })
    }
    return call
  }

  /** Asks every fault, for each counts the calls by itself. */
  #faultOf(call: SeenCall): Fault | undefined {
    let found: Fault | undefined
    for (const fault of this.#faults) {
      const striking = fault.strikes(call)
      found ??= striking
    }
    return found
  }

  #hang(call: SeenCall): Steps<void> {
    return foreign<void>({
      promised: () =>
        new Promise((resolve) => {
          this.#hanging.set(call, resolve)
        }),
      blocking: () => {
        throw new StateStoreError({
          code: 'STATE_UNSUPPORTED',
          message: `A blocking ${call.operation} cannot hang: nothing could release it`,
          operation: call.operation,
          path: call.path,
          hint: 'Let a promised call hang, or stop a process of its own.',
        })
      },
    })
  }

  /** Makes the call, and keeps account of what it does. */
  *#perform({ operation, path }: SeenCall, args: Arguments): Steps<unknown> {
    const [file, second] = args as [FileDescriptor, unknown]
    if (operation === 'sync' && this.#unsyncable.has(file)) this.#syncedAgain.push(path)
    if (operation === 'close') {
      // Whatever comes of it, and before another file may get the number.
      this.#open.delete(file)
      this.#directories.delete(file)
      this.#unsyncable.delete(file)
      this.#unsynced.closed(file)
    }
    const done = this.#account(operation, args)
    try {
      const result = yield* stepwise[operation](...args)
      if (operation === 'open') {
        this.#open.set(result as FileDescriptor, path)
        if (second === 'create') this.#unsynced.created(result as FileDescriptor)
        if (second === 'directory') this.#directories.add(result as FileDescriptor)
      }
      if (operation === 'sync') done()
      return result
    } catch (error) {
      if (operation === 'sync') this.#unsyncable.add(file)
      throw error
    } finally {
      if (operation !== 'sync') done()
    }
  }

  #account(operation: FileSystemOperation, args: Arguments): () => void {
    const [file, second, , length, position] = args as [number, unknown, unknown, number, number]
    if (operation === 'write') return this.#unsynced.writing(file, position, length)
    if (operation === 'truncate') return this.#unsynced.truncating(file, second as number)
    if (operation === 'sync' && !this.#directories.has(file)) return this.#unsynced.syncing(file)
    return () => {}
  }
}
