/** The conformance suite finds what is wrong with logs that are wrong in one way each. */
import { describe, expect, it } from 'vitest'
import type { Commit, LogAppend, LogQuery, LogRecord, Storage } from '../../src/storage/index.js'
import { MemoryStorage } from '../../src/storage/memory/index.js'
import {
  type Alteration,
  committing,
  failuresOf,
  lastingSubjectOf,
  memory,
  register,
  subjectOf,
  telling,
} from './altered-storage.js'

/** Changes what is asked of a log. */
const querying =
  (rewrite: (query: LogQuery) => LogQuery): Alteration =>
  (inner) => ({ readLog: (query) => inner.readLog(rewrite(query)) })

/** Changes what a log answers. */
const answering =
  (rewrite: (records: readonly LogRecord[]) => readonly LogRecord[]): Alteration =>
  (inner) => ({
    async *readLog(query) {
      for await (const group of inner.readLog(query)) yield rewrite(group)
    },
  })

/** Changes what is appended. */
const appending = (rewrite: (append: LogAppend) => LogAppend): Alteration =>
  committing((commit) => ({ ...commit, appends: commit.appends?.map(rewrite) }))

/** Changes the names of logs, where one is given. */
const named = (rewrite: (name: string) => string): Alteration => {
  const moved = <T extends { readonly log: string }>(given: T): T =>
    typeof given.log === 'string' ? { ...given, log: rewrite(given.log) } : given
  return (inner) => ({
    ...querying(moved)(inner),
    ...appending(moved)(inner),
  })
}

const withoutData = (commit: Commit): Commit => ({
  ...commit,
  appends: commit.appends?.map(({ log, records }) => ({
    log,
    records: records.map(({ data, ...rest }) => ({ ...rest, data: data ?? null })),
  })),
})

/** Commits the records before or after the documents, as two commits. */
const apart =
  (first: 'records' | 'documents'): Alteration =>
  (inner) => ({
    commit: async ({ appends = [], ...documents }) => {
      const records = { writes: [], appends }
      if (first === 'records') await inner.commit(records)
      const result = await inner.commit(documents)
      const { appended } = first === 'records' ? result : await inner.commit(records)
      return { ...result, appended }
    },
  })

const pause = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

/** The records of a commit are committed one by one, so that others come between. */
const oneRecordAtATime: Alteration = (inner) => ({
  commit: async (commit) => {
    const { appends = [], ...rest } = commit
    const result = await inner.commit({ ...rest, appends: appends.slice(0, 0) })
    const appended = []
    for (const { log, records } of appends) {
      const ids: string[] = []
      for (const record of records) {
        const one = await inner.commit({ writes: [], appends: [{ log, records: [record] }] })
        ids.push(...one.appended.flatMap((each) => each.ids))
        await pause()
      }
      appended.push({ log, ids })
    }
    return { ...result, appended }
  },
})

function oneArray(inner: Storage): Partial<Storage> {
  const seen = new Map<string, LogRecord>()
  return answering((records) =>
    records.map((record) => {
      const known = seen.get(record.id) ?? record
      seen.set(record.id, known)
      return known
    }),
  )(inner)
}

/** Of each group one record is left out. */
const losing: Alteration = (inner) => ({
  async *readLog(query) {
    for await (const group of inner.readLog(query)) yield group.filter((_, place) => place !== 3)
  },
})

const wrong: Readonly<Record<string, readonly [alter: Alteration, group: string]>> = {
  'records come newest first': [querying((query) => ({ ...query, reverse: true })), 'logs'],
  'records have the time of their reading': [
    answering((records) => records.map((record) => ({ ...record, at: 0 }))),
    'logs',
  ],
  'ids are given anew in each log': [
    telling((result) => ({
      ...result,
      appended: result.appended.map(({ log, ids }) => ({ log, ids: ids.map((_, n) => `1.${n}`) })),
    })),
    'logs',
  ],
  'ids are higher than the revision of their commit': [
    telling((result) => ({ ...result, revision: '0.1' })),
    'logs',
  ],
  'no data become null': [committing(withoutData), 'logs'],
  'types go through UTF-8': [
    appending(({ log, records }) => ({
      log,
      records: records.map(({ type, ...rest }) => ({
        ...rest,
        type: typeof type === 'string' ? Buffer.from(type).toString() : type,
      })),
    })),
    'logs',
  ],
  'types are made strings': [
    appending(({ log, records }) => ({
      log,
      records: records.map(({ type, ...rest }) => ({ ...rest, type: type && String(type) })),
    })),
    'logs',
  ],
  'appends of nothing are let through': [
    committing((commit) => ({
      ...commit,
      appends: commit.appends?.filter(({ records }) => records.length > 0),
    })),
    'logs',
  ],
  'data become JSON, whatever they are': [
    appending(({ log, records }) => ({
      log,
      records: records.map(({ data, ...rest }) => {
        const text: string | undefined = JSON.stringify(data)
        return { ...rest, data: text === undefined ? undefined : JSON.parse(text) }
      }),
    })),
    'logs',
  ],
  'two who read share the data': [oneArray, 'logs'],
  'data are copied late': [
    (inner) => ({
      commit: async (commit) => {
        await pause()
        return inner.commit(commit)
      },
    }),
    'logs',
  ],
  'records are not verified': [
    (inner) => ({ verify: async (options) => ({ ...(await inner.verify(options)), records: 0 }) }),
    'logs',
  ],
  'names lose their case': [named((name) => name.toLowerCase()), 'names of logs'],
  'names are normalised': [named((name) => name.normalize('NFC')), 'names of logs'],
  'names may be empty': [named((name) => (name === '' ? 'empty' : name)), 'names of logs'],
  'logs are collections': [
    (inner) => ({
      collections: async () => [
        ...(await inner.collections()),
        ...(await inner.logs()).map(({ log }) => log),
      ],
    }),
    'names of logs',
  ],
  'the beginning is not looked at': [
    querying(({ since: _, ...query }) => query),
    'queries of logs',
  ],
  'the beginning is left out': [
    querying((query) => ({ ...query, since: query.since && query.since + 1 })),
    'queries of logs',
  ],
  'the end is not looked at': [querying(({ until: _, ...query }) => query), 'queries of logs'],
  'the end is taken in': [
    querying((query) => ({ ...query, until: query.until && query.until + 1 })),
    'queries of logs',
  ],
  'ids are not looked at': [querying(({ after: _, ...query }) => query), 'queries of logs'],
  'types are not looked at': [querying(({ types: _, ...query }) => query), 'queries of logs'],
  'agents are not looked at': [querying(({ agent: _, ...query }) => query), 'queries of logs'],
  'nothing is reversed': [querying(({ reverse: _, ...query }) => query), 'queries of logs'],
  'only the groups are reversed': [
    (inner) => ({
      async *readLog(query) {
        for await (const group of inner.readLog(query)) {
          yield query.reverse === true ? [...group].reverse() : group
        }
      },
    }),
    'queries of logs',
  ],
  'signals are not looked at': [querying(({ signal: _, ...query }) => query), 'queries of logs'],
  'records are made first': [apart('records'), 'commits with records'],
  'records are made afterwards': [apart('documents'), 'commits with records'],
  'records are dropped beside documents': [
    committing((commit) => (commit.writes.length > 0 ? { ...commit, appends: [] } : commit)),
    'commits with records',
  ],
  'only the first append is made': [
    committing((commit) => ({ ...commit, appends: commit.appends?.slice(0, 1) })),
    'commits with records',
  ],
  'other records come between': [oneRecordAtATime, 'commits with records'],
  'leases are not looked at': [
    committing((commit) => ({ ...commit, leases: [] })),
    'commits with records',
  ],
  'blocking commits make no records': [
    (inner) => ({
      commitBlocking: (commit, waitMs) => inner.commitBlocking({ ...commit, appends: [] }, waitMs),
    }),
    'commits with records that block',
  ],
  'a flush makes records twice': [
    (inner) => {
      const seen: Commit[] = []
      return {
        commit: async (commit) => {
          seen.push(commit)
          return inner.commit(commit)
        },
        flushBlocking: () => {
          for (const { appends } of seen.splice(0)) inner.commitBlocking({ writes: [], appends }, 0)
        },
      }
    },
    'commits with records that block',
  ],
  'records may have any size': [
    (inner) => {
      const unlimited = new MemoryStorage()
      void unlimited.open(() => {})
      return {
        commit: (commit) => unlimited.commit(commit),
        read: (address) => unlimited.read(address),
        readLog: (query) => unlimited.readLog(query),
        list: (query) => unlimited.list(query),
        logs: () => unlimited.logs(),
        close: async () => {
          await unlimited.close()
          await inner.close()
        },
      }
    },
    'the size limit of records',
  ],
}

const wrongThatLast: Readonly<Record<string, readonly [alter: Alteration, group: string]>> = {
  'ids begin anew': [
    () => {
      const fresh = new MemoryStorage()
      void fresh.open(() => {})
      return {
        commit: (commit) => fresh.commit(commit),
        readLog: (query) => fresh.readLog(query),
        logs: () => fresh.logs(),
      }
    },
    'reopening of logs',
  ],
  'each opener sees what it appended itself': [
    (inner) => {
      const own = new Set<string>()
      return {
        commit: async (commit) => {
          const result = await inner.commit(commit)
          for (const { ids } of result.appended) for (const id of ids) own.add(id)
          return result
        },
        ...answering((records) => records.filter(({ id }) => own.has(id)))(inner),
      }
    },
    'several openers of logs',
  ],
  'a record is lost': [losing, 'several openers of logs'],
  'records of two openers come between each other': [oneRecordAtATime, 'several openers of logs'],
}

describe('the conformance suite, on logs', () => {
  it('finds nothing wrong with a storage that lasts', async () => {
    const { tests } = register(lastingSubjectOf(() => ({})))
    const ofLogs = tests.filter(({ name }) => /logs?: |records/.test(name))
    expect(ofLogs.length).toBeGreaterThan(40)
    expect(await failuresOf(ofLogs)).toEqual([])
  })

  const cases = [
    ...Object.entries(wrong).map(([name, [alter, group]]) => ({
      name,
      group,
      subject: subjectOf(alter, memory),
    })),
    ...Object.entries(wrongThatLast).map(([name, [alter, group]]) => ({
      name,
      group,
      subject: lastingSubjectOf(alter),
    })),
  ]

  it.each(cases)('notices that $name', async ({ subject, group }) => {
    const ofGroup = register(subject).tests.filter(({ name }) => name.startsWith(`${group}: `))
    expect(ofGroup).not.toEqual([])
    expect(await failuresOf(ofGroup)).not.toEqual([])
  })
})
