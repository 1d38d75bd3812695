/** Named locks for users, over the leases of a storage. */
import { StateStoreError } from '../errors/index.js'
import type { Lease, LeaseRequest, LeaseStatus, Storage } from '../storage/index.js'

export type LockOptions = Omit<LeaseRequest, 'name'>

/** Names that begin so are the library's own. */
const reservedPrefix = 'holdfast:'

export const internalLeaseName = (purpose: string): string => `${reservedPrefix}${purpose}`

// Node 20.0 to 20.4 have no Symbol.asyncDispose.
const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for('nodejs.asyncDispose') as never)

/** A held lock: a {@link Lease} that `await using` releases. */
export class Lock implements Lease {
  readonly #lease: Lease

  constructor(lease: Lease) {
    this.#lease = lease
    Object.defineProperty(this, asyncDispose, { value: () => this.release() })
  }

  get name(): string {
    return this.#lease.name
  }

  get token(): number {
    return this.#lease.token
  }

  get signal(): AbortSignal {
    return this.#lease.signal
  }

  release(): Promise<void> {
    return this.#lease.release()
  }

  declare [Symbol.asyncDispose]: () => Promise<void>
}

function refuseReserved(name: string): void {
  if (typeof name !== 'string' || !name.startsWith(reservedPrefix)) return
  throw new StateStoreError({
    code: 'STATE_INVALID_KEY',
    message: `Lock names that begin with ${reservedPrefix} are reserved`,
    operation: 'lock',
  })
}

export async function acquireLock(
  storage: Storage,
  name: string,
  options: LockOptions,
): Promise<Lock> {
  refuseReserved(name)
  return new Lock(await storage.acquireLease({ ...options, name }))
}

/**
 * Acquires several names, always in the same order, so that two callers that want the same names
 * cannot wait for each other. None is held if one cannot be had.
 */
export async function acquireLocks(
  storage: Storage,
  names: readonly string[],
  options: LockOptions,
): Promise<Lock[]> {
  const locks: Lock[] = []
  try {
    for (const name of [...new Set(names)].sort()) {
      locks.push(await acquireLock(storage, name, options))
    }
    return locks
  } catch (error) {
    await releaseAll(locks)
    throw error
  }
}

/** Releases every lock, also when one of them fails; throws the first failure then. */
export async function releaseAll(locks: readonly Lock[]): Promise<void> {
  const outcomes = await Promise.allSettled(locks.map((lock) => lock.release()))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

/** Fails with the reason if one of the locks was lost. */
export function refuseLost(locks: readonly Lock[]): void {
  for (const { signal } of locks) {
    if (signal.aborted) throw signal.reason
  }
}

/** The locks that users know of. */
export async function listLocks(storage: Storage): Promise<LeaseStatus[]> {
  const leases = await storage.leases()
  return leases.filter(({ name }) => !name.startsWith(reservedPrefix))
}
