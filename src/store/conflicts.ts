import { isStateStoreError, StateStoreError } from '../errors/index.js'
import { internalLeaseName } from '../lock/index.js'
import type { Storage } from '../storage/index.js'

const maxTries = 100
/** Leases stay on disk once used, so their names must be few. */
const contentionLeases = 64

/** One of a bounded number of names; purposes that share one merely wait for each other. */
function leaseNameFor(purpose: string): string {
  let hash = 0
  for (let index = 0; index < purpose.length; index++) {
    hash = (Math.imul(hash, 31) + purpose.charCodeAt(index)) >>> 0
  }
  return internalLeaseName(`contended-${hash % contentionLeases}`)
}

/**
 * Makes an attempt, and again when it meets a revision conflict. After the first conflict those who
 * contend take turns, by a lease of their own: each may be overtaken by newcomers, but not for ever by
 * each other. Gives up after 100 tries with the last conflict.
 */
export async function retryConflicts<T>(
  storage: Storage,
  purpose: string,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    if (!isStateStoreError(error, 'STATE_REVISION_CONFLICT')) throw error
  }
  const lease = await storage.acquireLease({ name: leaseNameFor(purpose), signal })
  try {
    for (let tries = 2; ; tries++) {
      try {
        return await attempt()
      } catch (error) {
        if (!isStateStoreError(error, 'STATE_REVISION_CONFLICT')) throw error
        if (tries >= maxTries) throw exhausted(error)
      }
    }
  } finally {
    await lease.release()
  }
}

/** The same without leases, for stores that are only read. */
export async function retryReads<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isStateStoreError(error, 'STATE_REVISION_CONFLICT')) throw error
      if (tries >= maxTries) throw exhausted(error)
    }
  }
}

function exhausted(cause: StateStoreError): StateStoreError {
  return new StateStoreError({
    code: 'STATE_REVISION_CONFLICT',
    message: `Gave up after ${maxTries} conflicts: ${cause.message}`,
    operation: cause.operation,
    retryable: true,
    hint: 'Others change the same documents all the time: change fewer at once, or take a lock.',
    details: cause.details,
    cause,
  })
}
