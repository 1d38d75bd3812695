import type { AtomicWriter } from '../../atomic-write/index.js'
import type { Clock } from '../../clock/index.js'
import { StateStoreError } from '../../errors/index.js'
import {
  type FileLock,
  type GenerationCeiling,
  GenerationLock,
  type LockContext,
  type ProcessTable,
} from '../../file-lock/index.js'
import type { FileSystem, InlinePolicy } from '../../file-system/index.js'
import type { Serializer } from '../../serializer/index.js'
import type { Durability } from '../storage.js'

export interface FileLockOptions {
  readonly fileSystem: FileSystem
  /** For the lock's own files; exists. */
  readonly directory: string
  readonly ceiling: GenerationCeiling
  readonly processes: ProcessTable
  readonly clock: Clock
  readonly context: LockContext
  /** How long a holder may be silent. */
  readonly ttlMs: number
}

/** Makes the lock of a store. */
export interface FileLockFactory {
  readonly name: string
  readonly supports: { readonly fencing: boolean }
  create(options: FileLockOptions): FileLock
}

/** How long a busy writer may go on by itself while others wait for a turn. */
const patienceMs = 8

/** The default lock: fencing, about a tenth of a millisecond a change of hands. */
export const generationLock: FileLockFactory = {
  name: 'generation',
  supports: { fencing: true },
  create: ({ fileSystem, clock, ...options }) =>
    new GenerationLock({
      ...options,
      fs: fileSystem.blocking,
      monotonicMs: () => clock.monotonicMs(),
      patienceMs,
    }),
}

export interface FileStorageOptions {
  /** The store's directory; parents are created (mode 0700). */
  readonly directory: string
  /** Default: the real one. */
  readonly fileSystem?: FileSystem | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
  /** Default: temporary file, fsync, rename. */
  readonly writer?: AtomicWriter | undefined
  /** Default: generation files. */
  readonly lock?: FileLockFactory | undefined
  /** For collections that name none. Default: JSON. */
  readonly serializer?: Serializer | undefined
  /** Default: `power`. */
  readonly durability?: Durability | undefined
  /** Earlier versions kept of each document. Default: 10; 0 for none. */
  readonly backups?: number | undefined
  /** Largest file of a document, in bytes. Default: 16 MiB. */
  readonly maxDocumentBytes?: number | undefined
  /** A log file that has grown to this many bytes is closed and another begun. Default: 8 MiB; at least 4,096. */
  readonly logSegmentBytes?: number | undefined
  /** Writes that may wait. Default: 10,000. */
  readonly maxPending?: number | undefined
  /** How long a write waits for its turn before it fails, in milliseconds. Default: 30,000. */
  readonly writeWaitMs?: number | undefined
  /** How long the writer of the store may be silent before it is superseded. Default: 5,000. */
  readonly writeTtlMs?: number | undefined
  /** Nothing is written, created or repaired; stores of newer versions can be read. Default: false. */
  readonly readOnly?: boolean | undefined
  /** Who is alive. Default: what /proc tells. */
  readonly processes?: ProcessTable | undefined
}

const standard = {
  backups: 10,
  maxDocumentBytes: 16 * 1024 * 1024,
  logSegmentBytes: 8 * 1024 * 1024,
  maxPending: 10_000,
  writeWaitMs: 30_000,
  writeTtlMs: 5_000,
}

const leasts: { readonly [name: string]: number } = {
  backups: 0,
  logSegmentBytes: 4096,
  writeTtlMs: 50,
}

export type FileStorageLimits = typeof standard

/** The numbers among the options, checked. Throws `STATE_INVALID_OPTION`. */
export function limitsOf(options: FileStorageOptions): FileStorageLimits {
  const limits = { ...standard }
  for (const name of Object.keys(standard) as (keyof FileStorageLimits)[]) {
    const value = options[name] ?? standard[name]
    const least = leasts[name] ?? 1
    if (!Number.isFinite(value) || value < least) {
      throw new StateStoreError({
        code: 'STATE_INVALID_OPTION',
        message: `${name} must be a number of at least ${least}, not ${String(value)}`,
        operation: 'open',
      })
    }
    limits[name] = value
  }
  return limits
}

const inlineBytes = 64 * 1024

/**
 * What is done without a trip through the thread pool: calls that touch the page cache and the
 * journal in memory. Syncs, reads and large writes always take the trip.
 */
export const inlinePolicy: InlinePolicy = (operation, args) => {
  switch (operation) {
    case 'sync':
    case 'read':
    case 'readFile':
    case 'readDirectory':
    // Freeing a file's blocks waits for the journal: 0.3 ms beside a busy fsync, where rename took 0.01.
    case 'unlink':
      return false
    case 'write':
      return (args[3] as number) <= inlineBytes
    default:
      return true
  }
}

/** How long blocking calls may keep the event loop from all else, all in one go. */
const maxBlockingMs = 4

/** Makes calls in their blocking form for a moment, then leaves them to the thread pool until the event loop has turned. */
export function forMoments(clock: Clock, inline: InlinePolicy): InlinePolicy {
  let startedMs: number | undefined
  return (operation, args) => {
    if (!inline(operation, args)) return false
    if (startedMs === undefined) {
      startedMs = clock.monotonicMs()
      void clock.sleep(0).then(() => {
        startedMs = undefined
      })
    }
    return clock.monotonicMs() - startedMs < maxBlockingMs
  }
}
