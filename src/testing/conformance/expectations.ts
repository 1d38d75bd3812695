/** What the tests of the suite ask and expect in nearly the same words. */
import assert from 'node:assert/strict'
import {
  isStateStoreError,
  type StateStoreError,
  type StateStoreErrorCode,
} from '../../errors/index.js'
import type {
  Change,
  Commit,
  CommitResult,
  DocumentAddress,
  DocumentWrite,
  ListQuery,
  Storage,
  StoredDocument,
} from '../../storage/index.js'

export const collection = 'things'

export const at = (key: string, of = collection): DocumentAddress => ({ collection: of, key })

export const putting = (value: unknown): Change => ({ kind: 'put', value })

export const writing = (key: string, value: unknown): DocumentWrite => ({
  address: at(key),
  change: putting(value),
})

/** Commits one put. */
export const put = (storage: Storage, key: string, value: unknown): Promise<CommitResult> =>
  storage.commit({ writes: [writing(key, value)] })

/** Commits one delete. */
export const remove = (storage: Storage, key: string): Promise<CommitResult> =>
  storage.commit({ writes: [{ address: at(key), change: { kind: 'delete' } }] })

export async function valueAt(storage: Storage, key: string): Promise<unknown> {
  return (await storage.read(at(key)))?.value
}

/** The document, which must be there. */
export async function present(
  storage: Storage,
  address: DocumentAddress | string,
): Promise<StoredDocument> {
  const document = await storage.read(typeof address === 'string' ? at(address) : address)
  assert.ok(document !== undefined, `there is a document ${JSON.stringify(address)}`)
  return document
}

export async function keysOf(storage: Storage, query: Partial<ListQuery> = {}): Promise<string[]> {
  const keys: string[] = []
  for await (const key of storage.list({ collection, ...query })) keys.push(key)
  return keys.sort()
}

/** A change that counts, from nothing or from `{ n }`. */
export const counting = (current: StoredDocument | undefined): Change =>
  putting({ n: numberIn(current?.value) + 1 })

export function numberIn(value: unknown): number {
  if (value === undefined) return 0
  const { n } = value as { n?: unknown }
  assert.ok(typeof n === 'number', `expected { n } and not ${JSON.stringify(value)}`)
  return n
}

/** Starts a commit that is awaited later, or never if the test fails before. */
export function start(storage: Storage, commit: Commit): Promise<CommitResult> {
  const committing = storage.commit(commit)
  committing.catch(() => undefined)
  return committing
}

/** Makes commits all at once. */
export const together = (
  storage: Storage,
  commits: readonly Commit[],
): Promise<PromiseSettledResult<CommitResult>[]> =>
  Promise.allSettled(commits.map((commit) => storage.commit(commit)))

/** The value an operation resolved to, in a list of settled ones. */
export function fulfilled<T>(outcome: PromiseSettledResult<T> | undefined): T {
  assert.equal(outcome?.status, 'fulfilled', reasonIn(outcome))
  return (outcome as PromiseFulfilledResult<T>).value
}

const reasonIn = (outcome: PromiseSettledResult<unknown> | undefined): string =>
  outcome?.status === 'rejected' ? `failed with ${String(outcome.reason)}` : 'there is none'

/** The error must be of holdfast, with this code, and must say that nothing was written. */
export function expectRefusal(error: unknown, code: StateStoreErrorCode): StateStoreError {
  assert.ok(isStateStoreError(error), `expected ${code} and not ${String(error)}`)
  assert.equal(error.code, code, error.message)
  assert.equal(error.commitState, 'not-committed')
  assert.ok(error instanceof Error && error.message.length > 0, 'it has a message')
  assert.ok(error.operation.length > 0, 'it names the operation')
  return error
}

/** Awaits an operation that must reject with this code. It must not throw before it has a promise. */
export async function refused(
  code: StateStoreErrorCode,
  operation: () => Promise<unknown>,
): Promise<StateStoreError> {
  let promise: Promise<unknown>
  try {
    promise = operation()
  } catch (error) {
    throw new assert.AssertionError({
      message: `It must reject, and threw at once: ${String(error)}`,
    })
  }
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error !== undefined, `expected ${code}, and it succeeded`)
  return expectRefusal(error, code)
}

/** The same for an operation that blocks. */
export function refusedBlocking(
  code: StateStoreErrorCode,
  operation: () => unknown,
): StateStoreError {
  try {
    operation()
  } catch (error) {
    return expectRefusal(error, code)
  }
  throw new assert.AssertionError({ message: `expected ${code}, and it succeeded` })
}

/** The documents of a test are just these. */
export async function expectDocuments(
  storage: Storage,
  expected: Readonly<Record<string, unknown>>,
): Promise<void> {
  assert.deepEqual(await keysOf(storage), Object.keys(expected).sort())
  for (const [key, value] of Object.entries(expected)) {
    assert.deepEqual(await valueAt(storage, key), value)
  }
}
