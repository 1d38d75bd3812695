import { StateStoreError } from '../../errors/index.js'
import type { FileOperations } from '../../file-system/index.js'

export type FileSystemOperation = keyof FileOperations

/** A call that a {@link FaultInjectingFileSystem} has seen. */
export interface SeenCall {
  /** Counted from 1 since the last `inject`. */
  readonly number: number
  readonly operation: FileSystemOperation
  /** For calls on descriptors, the path that was opened. */
  readonly path: string
  /** Where `rename` and `link` lead. */
  readonly to?: string
  readonly form: 'blocking' | 'promised'
}

/**
 * What happens to a call:
 *
 * - `errno`: it is not made and fails with that errno, for example `ENOSPC`. Only `close` is made all the
 *   same: the descriptor is gone also when closing it reports an error. What was written before a
 *   `sync` that fails so stays readable: see `losesWrites`.
 * - `atMostBytes`: a `read` or `write` takes so many bytes at most; a write of 0 bytes reports no error.
 * - `delayMs`: it is made after so many milliseconds of the clock that was given.
 * - `hangs`: the promised call does not settle before `release()`. A blocking one is refused with
 *   `STATE_UNSUPPORTED`: it would stop the only thread there is.
 * - `losesWrites`: a `sync` fails with EIO as the kernel has it. What was written to the file, or cut off,
 *   since its last successful sync is dropped, and the next sync succeeds as if nothing had been.
 */
export type Mishap =
  | { readonly errno: string }
  | { readonly atMostBytes: number }
  | { readonly delayMs: number }
  | { readonly hangs: true }
  | { readonly losesWrites: true }

/** Which call goes wrong, and how. */
export type Fault = Mishap & {
  /** Default: any. */
  readonly operation?: FileSystemOperation
  /** Calls on other paths do not count. Tried on both paths of a `rename` and a `link`. Default: any. */
  readonly path?: RegExp
  /** Which of the calls that fit, counted from 1. Default: 1. */
  readonly nth?: number
  /**
   * `operation`: so does every later call of the operation that was hit, on a path that fits.
   * `everything`: so does every later call whatever. Default: the one call only.
   */
  readonly persists?: 'operation' | 'everything'
}

const onlyFor: readonly [name: string, operations: readonly FileSystemOperation[]][] = [
  ['atMostBytes', ['read', 'write']],
  ['losesWrites', ['sync']],
]

/** Throws `STATE_INVALID_OPTION` for what cannot happen to the operation. */
export function refuseImpossible(mishap: Mishap, operation: FileSystemOperation): void {
  for (const [name, operations] of onlyFor) {
    if (!(name in mishap) || operations.includes(operation)) continue
    throw new StateStoreError({
      code: 'STATE_INVALID_OPTION',
      message: `A ${operation} cannot go wrong with ${name}: that is for ${operations.join(', ')}`,
      operation: 'inject',
    })
  }
}

/** A fault on its way to the calls it is meant for. */
export class PendingFault {
  readonly #fault: Fault
  #fitting = 0
  #struck: FileSystemOperation | undefined

  constructor(fault: Fault) {
    const { nth = 1, operation } = fault
    if (!Number.isSafeInteger(nth) || nth < 1) {
      throw new StateStoreError({
        code: 'STATE_INVALID_OPTION',
        message: `nth must be a whole number of at least 1, not ${nth}`,
        operation: 'inject',
      })
    }
    if (operation !== undefined) refuseImpossible(fault, operation)
    this.#fault = fault
  }

  /** To be asked once about each call, in their order. */
  strikes(call: SeenCall): Fault | undefined {
    const { nth = 1, operation, persists } = this.#fault
    if (this.#struck !== undefined) {
      if (persists === 'everything') return this.#fault
      const again = persists === 'operation' && call.operation === this.#struck
      return again && this.#isOnPath(call) ? this.#fault : undefined
    }
    if (operation !== undefined && operation !== call.operation) return undefined
    if (!this.#isOnPath(call)) return undefined
    this.#fitting += 1
    if (this.#fitting < nth) return undefined
    this.#struck = call.operation
    return this.#fault
  }

  #isOnPath({ path, to }: SeenCall): boolean {
    const { path: wanted } = this.#fault
    if (wanted === undefined) return true
    return [path, to ?? path].some((each) => each.search(wanted) >= 0)
  }
}
