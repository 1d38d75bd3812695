/** What the tests of logs ask in nearly the same words. */
import assert from 'node:assert/strict'
import {
  type Commit,
  type CommitResult,
  compareRevisions,
  type LogQuery,
  type LogRecord,
  type NewRecord,
  type Storage,
} from '../../storage/index.js'

/** The log that tests write when it does not matter which. */
export const log = 'events'

export const appending = (records: readonly NewRecord[], to = log): Commit => ({
  writes: [],
  appends: [{ log: to, records }],
})

/** Commits one record for each of the data. */
export const append = (storage: Storage, to: string, ...data: unknown[]): Promise<CommitResult> =>
  storage.commit(
    appending(
      data.map((each) => ({ data: each })),
      to,
    ),
  )

export async function recordsOf(
  storage: Storage,
  query: Partial<LogQuery> = {},
): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for await (const group of storage.readLog({ log, ...query })) records.push(...group)
  return records
}

export const dataOf = async (storage: Storage, query: Partial<LogQuery> = {}): Promise<unknown[]> =>
  (await recordsOf(storage, query)).map(({ data }) => data)

/** The ids that a commit gave, in the order of its records. */
export const idsOf = ({ appended }: CommitResult): string[] => appended.flatMap(({ ids }) => ids)

export function expectRising(ids: readonly string[]): void {
  for (const [index, id] of ids.entries()) {
    const before = ids[index - 1]
    if (before !== undefined) assert.ok(compareRevisions(before, id) < 0, `${before} < ${id}`)
  }
}

/** The logs of a test hold just these data. */
export async function expectLogs(
  storage: Storage,
  expected: Readonly<Record<string, readonly unknown[]>>,
): Promise<void> {
  const names = (await storage.logs()).map((status) => status.log)
  assert.deepEqual(names.sort(), Object.keys(expected).sort())
  for (const [name, data] of Object.entries(expected)) {
    assert.deepEqual(await dataOf(storage, { log: name }), data)
  }
}
