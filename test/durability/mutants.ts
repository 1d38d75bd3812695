/** Writers and file systems that leave out one thing each that durability depends on. */
import {
  type AtomicWriter,
  removeStaged,
  renameWithRetry,
  type StagedFile,
  stagedWriter,
  writeFully,
} from '../../src/atomic-write/index.js'
import {
  type FileDescriptor,
  type FileOperations,
  io,
  type Steps,
} from '../../src/file-system/index.js'
import { type Call, watched } from '../faults/operations.js'
import type { Step } from '../faults/states.js'
import { directory, type Subject } from './computer.js'

interface SyncCall {
  readonly path: string
  readonly ofDirectory: boolean
  /** What was done last in the directory. */
  readonly last: Call['operation'] | undefined
}

/** Leaves out the syncs that `ignored` names. */
export function without(ignored: (sync: SyncCall) => boolean): Subject {
  const alter = (operations: FileOperations): FileOperations => {
    const directories = new Set<unknown>()
    const last = new Map<string, Call['operation']>()
    return watched(operations, ({ args, operation, path, perform }) => {
      if (operation === 'sync') {
        const ofDirectory = directories.has(args[0])
        if (ignored({ path, ofDirectory, last: last.get(path) })) return undefined
      }
      const result = perform()
      if (operation === 'open' && args[1] === 'directory') directories.add(result)
      const changed = operation === 'rename' ? String(args[1]) : path
      if (['rename', 'unlink', 'link', 'makeDirectory'].includes(operation)) {
        last.set(changed.slice(0, changed.lastIndexOf('/')), operation)
      }
      return result
    })
  }
  return { alter }
}

/** Writes that take at most so many bytes, as write(2) may; the reserve of space is written as ever. */
export const shortWrites =
  (most: number) =>
  (operations: FileOperations): FileOperations => ({
    ...operations,
    write: (file, buffer, offset, length, position) =>
      operations.write(
        file,
        buffer,
        offset,
        length > 16_384 ? length : Math.min(length, most),
        position,
      ),
  })

const open = new Map<string, FileDescriptor>()

/** Shows the file first and syncs it afterwards. */
const renameFirst: AtomicWriter = {
  ...stagedWriter,
  *stage(replacement, area): Steps<StagedFile> {
    const path = area.nextPath()
    const file = yield* io.open(path, 'create', replacement.mode)
    yield* writeFully(file, replacement.bytes, path)
    yield* io.setModifiedTime(file, replacement.modifiedMicros)
    open.set(path, file)
    return { replacement, path }
  },
  *publish({ path = '', replacement }): Steps<void> {
    yield* renameWithRetry(path, replacement.target)
    const file = open.get(path)
    open.delete(path)
    if (file === undefined) return
    if (replacement.durable) yield* io.sync(file)
    yield* io.close(file)
  },
}

/** Takes the first write for the whole. */
export const careless: AtomicWriter = {
  ...stagedWriter,
  *stage(replacement, area): Steps<StagedFile> {
    const path = area.nextPath()
    const file = yield* io.open(path, 'create', replacement.mode)
    const { bytes } = replacement
    yield* io.write(file, bytes, 0, bytes.byteLength, 0)
    yield* io.setModifiedTime(file, replacement.modifiedMicros)
    yield* io.sync(file)
    yield* io.close(file)
    return { replacement, path }
  },
}

/** Writes over the file that is there. */
const inPlace: AtomicWriter = {
  ...stagedWriter,
  *publish({ path = '', replacement }): Steps<void> {
    const { bytes, target } = replacement
    try {
      const file = yield* io.open(target, 'update')
      yield* io.truncate(file, 0)
      yield* writeFully(file, bytes, target)
      yield* io.setModifiedTime(file, replacement.modifiedMicros)
      yield* io.sync(file)
      yield* io.close(file)
      yield* removeStaged(path)
    } catch {
      yield* renameWithRetry(path, target)
    }
  },
}

const intentsUnsynced: AtomicWriter = {
  ...stagedWriter,
  stage: (replacement, area) =>
    stagedWriter.stage(
      replacement.target.includes('/intents/') ? { ...replacement, durable: false } : replacement,
      area,
    ),
}

/** Without a power cut nothing of it would be seen. */
export interface Mutant {
  /** Default: documents. */
  readonly steps?: readonly Step[]
  /** Instead of steps. */
  readonly operation?: string
  readonly subject: Subject
}

const leavingOut = (operation: string, ignored: (sync: SyncCall) => boolean): Mutant => ({
  operation,
  subject: without(ignored),
})

const leavingOutAtFirst = (ignored: (sync: SyncCall) => boolean): Mutant => ({
  steps: [{ changes: { 'tasks/a': 1 } }],
  subject: without(ignored),
})

/** Of a document that has no good backup: one that has is restored, as if nothing had been written. */
const replacing = (writer: AtomicWriter): Mutant => ({
  steps: [{ changes: { 'tasks/a': 1 } }, { changes: { 'tasks/a': 2 } }],
  subject: { writer },
})

const transaction = 'a transaction of three documents'
const closing = 'an append that closes a segment'

export const mutants: Readonly<Record<string, Mutant>> = {
  'files are not synced': leavingOutAtFirst(({ ofDirectory }) => !ofDirectory),
  'directories are not synced': leavingOut(
    'a set of a new document',
    ({ ofDirectory }) => ofDirectory,
  ),
  'a file is renamed before it is synced': replacing(renameFirst),
  'a file is overwritten in place': replacing(inPlace),
  'the content of an intent is not synced': {
    operation: transaction,
    subject: { writer: intentsUnsynced },
  },
  'the directory of intents is not synced': leavingOut(transaction, ({ path }) =>
    path.endsWith('/intents'),
  ),
  'an intent is carried out before its name is synced': leavingOut(
    transaction,
    ({ path, last }) => path.endsWith('/intents') && last === 'rename',
  ),
  'the removal of an intent is not synced': {
    steps: [
      { atomic: true, changes: { 'tasks/a': 1, 'tasks/b': 1 } },
      { changes: { 'tasks/a': undefined } },
    ],
    subject: without(({ path, last }) => path.endsWith('/intents') && last === 'unlink'),
  },
  'the directory of a collection is not synced': leavingOut('a set of a new document', ({ path }) =>
    path.endsWith('/tasks'),
  ),
  'the root is not synced': leavingOutAtFirst(({ path }) => path === directory),
  'the root is not synced after a new collection': leavingOut(
    'the first set of all',
    ({ path, last }) => path === directory && last === 'makeDirectory',
  ),
  'the directory around the root is not synced': leavingOutAtFirst(({ path }) => path === '/'),
  'the internals are not synced': leavingOutAtFirst(({ path }) => path.endsWith('/.holdfast')),
  'the ceiling of numbers is not synced': leavingOutAtFirst(({ path }) =>
    path.endsWith('/ceilings'),
  ),
  'an append is acknowledged before its sync': leavingOut(
    'an append',
    ({ path, ofDirectory }) => !ofDirectory && path.endsWith('.jsonl'),
  ),
  'the directory of logs is not synced': leavingOut('the first append of all', ({ path }) =>
    path.endsWith('/store/logs'),
  ),
  'a closed segment has no durable name': leavingOut(closing, ({ path }) =>
    path.endsWith('/logs/x'),
  ),
  'the directory of manifests is not synced': leavingOut(closing, ({ path }) =>
    path.endsWith('/.holdfast/logs'),
  ),
  'an intent with events is carried out before its name is synced': leavingOut(
    'a transaction of documents, events and a counter',
    ({ path, last }) => path.endsWith('/intents') && last === 'rename',
  ),
  'a log without its torn end has no durable name': {
    operation: 'an append behind a torn one',
    subject: without(({ path }) => path.endsWith('/store/logs')),
  },
  'a sync that failed is taken for one that succeeded': {
    operation: 'an append after one whose sync failed',
    subject: {
      alter: (operations) =>
        watched(operations, ({ operation, perform }) => {
          if (operation !== 'sync') return perform()
          try {
            return perform()
          } catch {
            // That is the mistake.
            return undefined
          }
        }),
    },
  },
}
