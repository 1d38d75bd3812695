/** The conformance suite finds what is wrong with storages that are wrong in one way each. */
import { describe, expect, it } from 'vitest'
import { StateStoreError } from '../../src/errors/index.js'
import type {
  Commit,
  CommitResult,
  DocumentAddress,
  Lease,
  Storage,
  StoredDocument,
} from '../../src/storage/index.js'
import { MemoryStorage } from '../../src/storage/memory/index.js'
import {
  type Alteration,
  committing,
  failuresOf,
  memory,
  register,
  subjectOf,
  telling,
} from './altered-storage.js'

/** Changes the keys it is asked for. */
const keyed = (rewrite: (key: string) => string): Alteration => {
  const moved = ({ collection, key }: DocumentAddress): DocumentAddress => ({
    collection,
    key: typeof key === 'string' ? rewrite(key) : key,
  })
  return (inner) => ({
    read: async (address) => inner.read(moved(address)),
    commit: async (commit) =>
      inner.commit({
        ...commit,
        writes: commit.writes.map((write) => ({ ...write, address: moved(write.address) })),
      }),
  })
}

const withoutConditions = (commit: Commit): Commit => ({
  ...commit,
  writes: commit.writes.map(({ address, change }) => ({ address, change })),
})

const viaJson = (commit: Commit): Commit => ({
  ...commit,
  writes: commit.writes.map((write) => {
    const { change } = write
    if (typeof change === 'function' || change.kind !== 'put') return write
    const text: string | undefined = JSON.stringify(change.value)
    return { ...write, change: { ...change, value: text === undefined ? null : JSON.parse(text) } }
  }),
})

const oneByOne: Alteration = (inner) => ({
  commit: async (commit) => {
    const results: CommitResult[] = []
    for (const write of commit.writes)
      results.push(await inner.commit({ ...commit, writes: [write] }))
    const outcomes = results.flatMap((result) => result.outcomes)
    return { ...(results.at(-1) ?? (await inner.commit(commit))), outcomes }
  },
})

function rememberingReads(inner: Storage): Partial<Storage> {
  const seen = new Map<string, StoredDocument>()
  return {
    read: async (address) => {
      const document = await inner.read(address)
      if (document === undefined) return undefined
      const known = seen.get(document.revision) ?? document
      seen.set(document.revision, known)
      return known
    },
  }
}

function leaseWith(lease: Lease, changes: Partial<Lease>): Lease {
  const { name, signal, token } = lease
  return { name, signal, token, release: () => lease.release(), ...changes }
}

const wrong: Readonly<Record<string, readonly [alter: Alteration, group: string]>> = {
  'reads hand out one object': [rememberingReads, 'ownership of values'],
  'reads know no absence': [
    (inner) => ({
      read: async (address) =>
        (await inner.read(address)) ?? {
          value: null,
          revision: '0.0',
          savedAt: 0,
          origin: 'store',
        },
    }),
    'documents',
  ],
  'values are turned into JSON, whatever they are': [committing(viaJson), 'values'],
  'values lose lone surrogates': [
    (inner) => ({
      read: async (address) => {
        const document = await inner.read(address)
        if (typeof document?.value !== 'object') return document
        const text = Buffer.from(JSON.stringify(document.value)).toString()
        return { ...document, value: JSON.parse(text.replace(/\\ud[89a-f]../g, '?')) as unknown }
      },
    }),
    'values',
  ],
  'revisions are used again': [telling((result) => ({ ...result, revision: '1.1' })), 'revisions'],
  'conditions are not looked at': [committing(withoutConditions), 'conditions'],
  'checks are not looked at': [committing((commit) => ({ ...commit, checks: [] })), 'checks'],
  'leases are not looked at': [
    committing((commit) => ({ ...commit, leases: [] })),
    'commits under leases',
  ],
  'signals are not looked at': [
    committing((commit) => ({ ...commit, signal: undefined })),
    'aborting',
  ],
  'errors of change functions are wrapped': [
    (inner) => ({
      commit: (commit) =>
        inner.commit(commit).catch((cause: unknown) => {
          throw new Error('a change function failed', { cause })
        }),
    }),
    'change functions',
  ],
  'change functions see what was there before': [
    (inner) => ({
      commit: async (commit) => {
        const writes = await Promise.all(
          commit.writes.map(async (write) => {
            const { change } = write
            if (typeof change !== 'function') return write
            return { ...write, change: change(await inner.read(write.address)) }
          }),
        )
        return inner.commit({ ...commit, writes })
      },
    }),
    'change functions',
  ],
  'commits of several documents are made one by one': [oneByOne, 'commits of several documents'],
  'everything is said to be superseded': [
    telling((result) => ({ ...result, superseded: true })),
    'superseding',
  ],
  'keys lose their case': [keyed((key) => key.toLowerCase()), 'keys'],
  'keys are normalised': [keyed((key) => key.normalize('NFC')), 'keys'],
  'keys are cut off': [keyed((key) => key.slice(0, 4000)), 'keys'],
  'keys go through UTF-8': [keyed((key) => Buffer.from(key).toString()), 'keys'],
  'keys may be empty': [keyed((key) => (key === '' ? 'empty' : key)), 'keys'],
  'lists ignore the pattern': [
    (inner) => ({ list: ({ collection }) => inner.list({ collection }) }),
    'lists',
  ],
  'lists tell a key twice': [
    (inner) => ({
      async *list(query) {
        for await (const key of inner.list(query)) {
          yield key
          yield key
        }
      },
    }),
    'lists',
  ],
  'collections stay when they are empty': [
    (inner) => {
      const seen = new Set<string>()
      return {
        commit: async (commit) => {
          const result = await inner.commit(commit)
          for (const { address } of commit.writes) seen.add(address.collection)
          return result
        },
        collections: async () => [...seen],
      }
    },
    'collections',
  ],
  'leases share a token': [
    (inner) => ({
      acquireLease: async (request) => leaseWith(await inner.acquireLease(request), { token: 1 }),
    }),
    'leases',
  ],
  'leases let everybody in': [
    (inner) => ({
      acquireLease: async (request) => {
        const lease = await inner.acquireLease(request)
        await lease.release()
        return lease
      },
    }),
    'leases',
  ],
  'waiting for a lease is not in order': [
    (inner) => {
      let calls = 0
      return {
        acquireLease: async (request) => {
          calls += 1
          const turns = 100 / calls
          for (let turn = 0; turn < turns; turn++) await Promise.resolve()
          return inner.acquireLease(request)
        },
      }
    },
    'waiting for leases',
  ],
  'a release does not wait for commits': [
    (inner) => ({
      commit: async (commit) => {
        const result = await inner.commit(commit)
        await new Promise<void>((resolve) => {
          setImmediate(resolve)
        })
        return result
      },
    }),
    'commits under leases',
  ],
  'blocking commits are made later': [
    (inner) => ({
      commitBlocking: (commit) => {
        void Promise.resolve()
          .then(() => inner.commit(commit))
          .catch(() => undefined)
        return { revision: '1.1', savedAt: 0, superseded: false, outcomes: [], appended: [] }
      },
    }),
    'commits that block',
  ],
  'flushes do not flush': [
    (inner) => ({
      commit: async (commit) => {
        for (let turn = 0; turn < 30; turn++) {
          await new Promise<void>((resolve) => {
            setImmediate(resolve)
          })
        }
        return inner.commit(commit)
      },
    }),
    'commits that block',
  ],
  'backups are told newest first': [
    (inner) => ({ backups: async (address) => (await inner.backups(address)).reverse() }),
    'backups',
  ],
  'the status counts what was deleted': [
    (inner) => {
      let made = 0
      return {
        commit: async (commit) => {
          const result = await inner.commit(commit)
          made += result.outcomes.filter(({ kind }) => kind === 'put').length
          return result
        },
        status: async () => ({ ...(await inner.status()), documents: made }),
      }
    },
    'status',
  ],
  'verification counts what is not there': [
    (inner) => ({
      verify: async (options) => ({ ...(await inner.verify(options)), documents: 99 }),
    }),
    'verification',
  ],
  'documents may have any size': [
    (inner) => {
      const unlimited = new MemoryStorage()
      void unlimited.open(() => {})
      return {
        commit: (commit) => unlimited.commit(commit),
        read: (address) => unlimited.read(address),
        list: (query) => unlimited.list(query),
        close: async () => {
          await unlimited.close()
          await inner.close()
        },
      }
    },
    'the size limit',
  ],
  'it works on when it is closed': [() => ({ close: async () => {} }), 'closing'],
  'it throws instead of rejecting': [
    () => {
      let isOpen = true
      return {
        close: async () => {
          isOpen = false
        },
        read: (): Promise<undefined> => {
          if (isOpen) return Promise.resolve(undefined)
          throw new StateStoreError({ code: 'STATE_CLOSED', message: 'closed', operation: 'read' })
        },
      }
    },
    'closing',
  ],
}

describe('the conformance suite', () => {
  it('finds nothing wrong with a storage that is merely wrapped', async () => {
    const { tests } = register(subjectOf(() => ({}), memory))
    expect(tests.length).toBeGreaterThan(200)
    expect(await failuresOf(tests)).toEqual([])
  })

  it.each(Object.entries(wrong))('notices that %s', async (_name, [alter, group]) => {
    const { tests } = register(subjectOf(alter, memory))
    const ofGroup = tests.filter(({ name }) => name.startsWith(`${group}: `))
    expect(ofGroup).not.toEqual([])
    expect(await failuresOf(ofGroup)).not.toEqual([])
  })

  it('notices a manifest that is not the truth', async () => {
    const { tests } = register(subjectOf(() => ({}), { ...memory, durability: 'power' }))
    expect(await failuresOf(tests.slice(0, 1))).toEqual([
      'its manifest is what the tests were chosen by',
    ])
  })

  it('wants everything of a storage without a manifest', () => {
    const { supports: _, ...subject } = subjectOf(() => ({}), memory)
    expect(register(subject).summary.notApplicable).toEqual(['what is not supported'])
  })

  it('leaves out what is not supported, and wants it refused', async () => {
    const less = { ...memory, blockingCommit: false, backups: false }
    const refuse = (operation: string): StateStoreError =>
      new StateStoreError({ code: 'STATE_UNSUPPORTED', message: 'not supported', operation })
    const blocking = (): never => {
      throw refuse('commitBlocking')
    }
    const promised = async (): Promise<never> => {
      throw refuse('backups')
    }
    const refusing: Alteration = () => ({
      supports: less,
      commitBlocking: blocking,
      flushBlocking: blocking,
      backups: promised,
      readBackup: promised,
    })
    const { tests, summary } = register(subjectOf(refusing, less))
    expect(summary.notApplicable).toEqual([
      'commits that block',
      'blocking flushes',
      'commits with records that block',
      'backups',
      'serializers',
      'reopening',
      'reopening of logs',
      'several openers',
      'several openers of logs',
    ])
    expect(await failuresOf(tests)).toEqual([])
    const silent = register(subjectOf(() => ({ supports: less }), less))
    expect(await failuresOf(silent.tests)).toEqual([
      'what is not supported: is refused: commits and flushes that block',
      'what is not supported: is refused: backups',
    ])
  })
})
