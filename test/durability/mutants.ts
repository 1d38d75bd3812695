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
import type { Subject } from './scenario.js'

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

/** Writes that take at most so many bytes, as write(2) may. */
export const shortWrites =
  (most: number) =>
  (operations: FileOperations): FileOperations => ({
    ...operations,
    write: (file, buffer, offset, length, position) =>
      operations.write(file, buffer, offset, Math.min(length, most), position),
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

/** In which logs are written. */
export const logMutants: Readonly<Record<string, Subject>> = {
  'what was appended is not synced': without(({ path, ofDirectory }) => {
    return !ofDirectory && path.endsWith('.jsonl')
  }),
  'the directory of logs is not synced': without(({ path }) => path.endsWith('/store/logs')),
  'the directory of closed segments is not synced': without(({ path }) =>
    path.endsWith('/logs/sent'),
  ),
  'the directory of manifests is not synced': without(({ path }) =>
    path.endsWith('/.holdfast/logs'),
  ),
  'the publication of an intent is not synced': without(
    ({ path, last }) => path.endsWith('/intents') && last === 'rename',
  ),
}

export const mutants: Readonly<Record<string, Subject>> = {
  'files are not synced': without(({ ofDirectory }) => !ofDirectory),
  'directories are not synced': without(({ ofDirectory }) => ofDirectory),
  'a file is renamed before it is synced': { writer: renameFirst },
  'a file is overwritten in place': { writer: inPlace },
  'the content of an intent is not synced': { writer: intentsUnsynced },
  'the directory of intents is not synced': without(({ path }) => path.endsWith('/intents')),
  'the publication of an intent is not synced': without(
    ({ path, last }) => path.endsWith('/intents') && last === 'rename',
  ),
  'the removal of an intent is not synced': without(
    ({ path, last }) => path.endsWith('/intents') && last === 'unlink',
  ),
  'the directory of a collection is not synced': without(({ path }) => path.endsWith('/tasks')),
  'the root is not synced': without(({ path }) => path === '/home/store'),
  'the root is not synced after a new collection': without(
    ({ path, last }) => path === '/home/store' && last === 'makeDirectory',
  ),
  'the directory around the root is not synced': without(({ path }) => path === '/home'),
  'the internals are not synced': without(({ path }) => path.endsWith('/.holdfast')),
}
