/** Storages that are wrong on purpose, and what the conformance suite says of them. */
import type { Commit, CommitResult, Storage, StorageSupports } from '../../src/storage/index.js'
import { MemoryStorage } from '../../src/storage/memory/index.js'
import {
  type ConformanceSubject,
  type ConformanceSummary,
  describeStorageConformance,
} from '../../src/testing/index.js'

/** A storage with some of its operations replaced. */
function altered(inner: Storage, changes: Partial<Storage>): Storage {
  return new Proxy(inner, {
    get(target, name: keyof Storage) {
      const value: unknown = name in changes ? changes[name] : target[name]
      // Private members are those of the storage itself.
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

export type Alteration = (inner: Storage) => Partial<Storage>

export function subjectOf(alter: Alteration, supports: StorageSupports): ConformanceSubject {
  const create = async (maxDocumentBytes?: number) => ({
    open: async () => {
      const inner = new MemoryStorage({ maxDocumentBytes })
      await inner.open(() => {})
      return altered(inner, alter(inner))
    },
    dispose: async () => {},
  })
  return {
    name: 'an altered storage',
    supports,
    create: () => create(),
    createLimited: (maxDocumentBytes) => create(maxDocumentBytes),
  }
}

interface Registered {
  readonly name: string
  run(): Promise<void>
}

/** Data that outlive their storage and that several may have open, which are all altered alike. */
export function lastingSubjectOf(alter: Alteration): ConformanceSubject {
  const supports = lasting
  return {
    name: 'an altered storage that lasts',
    supports,
    create: async () => {
      const inner = new MemoryStorage()
      await inner.open(() => {})
      const close = async (): Promise<void> => {}
      return {
        open: async () => altered(inner, { supports, close, ...alter(inner) }),
        dispose: () => inner.close(),
      }
    },
  }
}

/** What a runner is given, to be run one by one. */
export function register(subject: ConformanceSubject): {
  tests: Registered[]
  summary: ConformanceSummary
} {
  const tests: Registered[] = []
  const path: string[] = []
  const summary = describeStorageConformance(
    {
      describe: (name, define) => {
        path.push(name)
        define()
        path.pop()
      },
      it: (name, run) => tests.push({ name: [...path.slice(1), name].join(': '), run }),
    },
    subject,
  )
  return { tests, summary }
}

/** Runs the tests one by one. */
export async function failuresOf(tests: readonly Registered[]): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of tests) {
    await run().catch(() => failed.push(name))
  }
  return failed
}

export const memory = new MemoryStorage().supports

const lasting: StorageSupports = { ...memory, durability: 'process', processes: true }

/** Changes what is committed. */
export const committing =
  (rewrite: (commit: Commit) => Commit): Alteration =>
  (inner) => ({ commit: async (commit) => inner.commit(rewrite(commit)) })

/** Changes what a commit tells. */
export const telling =
  (rewrite: (result: CommitResult) => CommitResult): Alteration =>
  (inner) => ({ commit: async (commit) => rewrite(await inner.commit(commit)) })
