/** Refusals that every storage words alike. */
import { StateStoreError } from '../errors/index.js'
import type { DocumentAddress, Expectation, LeaseClaim, LeaseRequest } from './storage.js'

export function refuseAborted(signal: AbortSignal | undefined, operation: string): void {
  if (signal?.aborted === true) throw aborted(signal, operation)
}

export const aborted = (signal: AbortSignal, operation: string): StateStoreError =>
  new StateStoreError({
    code: 'STATE_ABORTED',
    message: 'Aborted by the caller while waiting',
    operation,
    cause: signal.reason,
  })

export const closedWhileWaiting = (operation: string): StateStoreError =>
  new StateStoreError({
    code: 'STATE_CLOSED',
    message: 'The store was closed while this was waiting',
    operation,
  })

export function revisionConflict(
  { collection, key }: DocumentAddress,
  expected: Expectation,
  actual: Expectation,
): StateStoreError {
  const name = (expectation: Expectation): string => expectation ?? 'no revision (absent)'
  return new StateStoreError({
    code: 'STATE_REVISION_CONFLICT',
    message: `${collection}/${key} is at ${name(actual)}, not at ${name(expected)}`,
    operation: 'commit',
    retryable: true,
    hint: 'Read the document again and decide anew; update() does that by itself.',
    details: { collection, key, expected, actual },
  })
}

export function tooLarge(
  address: DocumentAddress,
  bytes: number,
  maxDocumentBytes: number,
): StateStoreError {
  return new StateStoreError({
    code: 'STATE_DOCUMENT_TOO_LARGE',
    message: `${address.collection}/${address.key} would take ${bytes} bytes, more than ${maxDocumentBytes}`,
    operation: 'commit',
    hint: 'Split the document, or raise maxDocumentBytes.',
    details: { ...address, bytes, maxDocumentBytes },
  })
}

/** The limit of documents is that of records too. */
export const recordTooLarge = (
  log: string,
  bytes: number,
  maxDocumentBytes: number,
): StateStoreError =>
  new StateStoreError({
    code: 'STATE_DOCUMENT_TOO_LARGE',
    message: `A record of log ${log} would take ${bytes} bytes, more than ${maxDocumentBytes}`,
    operation: 'commit',
    hint: 'Keep the data in a document and its key in the record, or raise maxDocumentBytes.',
    details: { log, bytes, maxDocumentBytes },
  })

export const leaseLost = ({ name, token }: LeaseClaim, why: string): StateStoreError =>
  new StateStoreError({
    code: 'STATE_LEASE_LOST',
    message: `Lease ${name} with token ${token} is no longer held: ${why}`,
    operation: 'lease',
    hint: 'Stop the work done under it; another may have taken over. Acquire it again.',
    details: { name, token },
  })

/** What is known of who holds a lease that could not be had. */
export interface LeaseHolder {
  readonly pid?: number | undefined
  readonly host?: string | undefined
  readonly since?: string | undefined
}

export const leaseTimeout = (name: string, { pid, host, since }: LeaseHolder): StateStoreError =>
  new StateStoreError({
    code: 'STATE_LEASE_TIMEOUT',
    message: `Lease ${name} is held by process ${pid ?? '?'} on ${host ?? '?'} since ${since ?? '?'}`,
    operation: 'acquireLease',
    retryable: true,
    hint: 'Wait longer (waitMs), or look whether two callers wait for each other.',
    details: { name, pid, host, since },
  })

export const maxKeyUnits = 8192

/** A key, or the name of a collection, lease or log: any string of 1 to 8192 UTF-16 units. */
export function refuseUnusable(what: 'key' | 'collection' | 'lease' | 'log', key: unknown): void {
  if (typeof key === 'string' && key.length > 0 && key.length <= maxKeyUnits) return
  throw new StateStoreError({
    code: 'STATE_INVALID_KEY',
    message: `Not a valid ${what}: ${typeof key === 'string' ? `it has ${key.length} characters` : typeof key}`,
    operation: 'encodeKey',
    hint: `A ${what} is a string of 1 to ${maxKeyUnits} characters.`,
    details: { key: typeof key === 'string' ? key.slice(0, 200) : key },
  })
}

export const leaseDefaults = { ttlMs: 30_000, waitMs: 30_000 }
const minTtlMs = 50
const maxTtlMs = 86_400_000

/** The times of a request with their defaults. Throws `STATE_INVALID_OPTION`. */
export function leaseTimes(request: LeaseRequest): { ttlMs: number; waitMs: number } {
  const { ttlMs = leaseDefaults.ttlMs, waitMs = leaseDefaults.waitMs } = request
  refuseOutside('ttlMs', ttlMs, minTtlMs, maxTtlMs)
  refuseOutside('waitMs', waitMs, 0, Number.MAX_SAFE_INTEGER)
  return { ttlMs, waitMs }
}

function refuseOutside(name: string, value: number, min: number, max: number): void {
  if (Number.isFinite(value) && value >= min && value <= max) return
  throw new StateStoreError({
    code: 'STATE_INVALID_OPTION',
    message: `${name} must be from ${min} to ${max}, not ${String(value)}`,
    operation: 'acquireLease',
  })
}
