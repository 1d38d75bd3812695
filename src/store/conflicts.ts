import { systemClock } from '../clock/index.js'
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

/** How long a newcomer lets a retry in its process go first. It must not for ever: it may be part of it. */
const courtesyMs = 100
/** The retry under way in this process. */
const retries = new WeakMap<Storage, Promise<void>>()

/** Makes itself known as the retry that newcomers let go first, until the returned function is called. */
function announceRetry(storage: Storage): () => void {
  let end = (): void => {}
  const retry = new Promise<void>((resolve) => {
    end = resolve
  })
  retries.set(storage, retry)
  return () => {
    if (retries.get(storage) === retry) retries.delete(storage)
    end()
  }
}

/**
 * Makes an attempt, and again when it meets a revision conflict. After the first conflict those who
 * contend take turns, by a lease of their own. Newcomers of the same process let a retry go first;
 * those of other processes may overtake it. Gives up after 100 tries with the last conflict.
 */
export async function retryConflicts<T>(
  storage: Storage,
  purpose: string,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  const retry = retries.get(storage)
  if (retry !== undefined) {
    await Promise.race([retry, systemClock.sleep(courtesyMs, { keepAlive: true })])
  }
  try {
    return await attempt()
  } catch (error) {
    if (!isStateStoreError(error, 'STATE_REVISION_CONFLICT')) throw error
  }
  const lease = await storage.acquireLease({ name: leaseNameFor(purpose), signal })
  const endRetry = announceRetry(storage)
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
    endRetry()
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
