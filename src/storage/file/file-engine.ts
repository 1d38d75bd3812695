/** Puts the parts of a FileStorage together, for one opened directory. */
import { resolve as resolvePath } from 'node:path'
import { stagedWriter, syncDirectory } from '../../atomic-write/index.js'
import { systemClock } from '../../clock/index.js'
import {
  type GenerationCeiling,
  type GenerationOwner,
  type LockContext,
  processTable,
} from '../../file-lock/index.js'
import { NodeFileSystem, type Steps, unlessMissing } from '../../file-system/index.js'
import { jsonSerializer } from '../../serializer/index.js'
import { aborted } from '../refusals.js'
import type { Durability, LeaseClaim, OpenReport, StorageListener } from '../storage.js'
import { syncCollections, writeBatch } from './commit-batch.js'
import type { CommitJob } from './commit-job.js'
import { DocumentFiles } from './document-files.js'
import { DocumentHealth } from './document-health.js'
import {
  type FileStorageOptions,
  generationLock,
  inlinePolicy,
  limitsOf,
} from './file-storage-options.js'
import {
  Incarnation,
  listIncarnations,
  revokeIncarnation,
  sweepIncarnations,
} from './incarnation.js'
import { Keepsakes } from './keepsakes.js'
import { KeyListing } from './key-listing.js'
import { type DomainLayout, type Layout, layoutOf } from './layout.js'
import { LogReader } from './log-reader.js'
import { LogWriter } from './log-writer.js'
import { NamedLeases } from './named-leases.js'
import { News } from './news.js'
import { RedoIntents } from './redo-intent.js'
import { SpaceReserve } from './space-reserve.js'
import { openStoreDirectory, type StoreDirectory } from './store-directory.js'
import { type Registration, type TurnContext, TurnTask, WriteLoop } from './write-loop.js'

const beatsPerTtl = 4

/** Where documents are, and what is kept of them. */
interface Places {
  readonly layout: Layout
  readonly files: DocumentFiles
  readonly keepsakes: Keepsakes
  readonly listing: KeyListing
  readonly logReader: LogReader
  readonly news: News
}

/** Everything that writes. */
export interface Writing {
  readonly loop: WriteLoop
  readonly leases: NamedLeases
  /** Runs steps in a turn of the write lease, by themselves. */
  inTurn(run: (turn: TurnContext) => Steps<void>, signal?: AbortSignal): Promise<void>
  /** Stops the heartbeat, lets go of leases and of the power to write. */
  close(): void
}

export interface Engine extends Places {
  readonly health: DocumentHealth
  /** Undefined when the store is read-only. */
  readonly writing: Writing | undefined
  readonly report: OpenReport
}

/** The options with what they default to. */
export function complete(options: FileStorageOptions) {
  return {
    ...limitsOf(options),
    directory: resolvePath(options.directory).replaceAll('\\', '/'),
    fileSystem: options.fileSystem ?? new NodeFileSystem(),
    clock: options.clock ?? systemClock,
    writer: options.writer ?? stagedWriter,
    lock: options.lock ?? generationLock,
    serializer: options.serializer ?? jsonSerializer(),
    durability: options.durability ?? ('power' as const),
    readOnly: options.readOnly ?? false,
    processes: options.processes ?? processTable(),
  }
}

export type CompleteOptions = ReturnType<typeof complete>

export interface EngineHooks {
  readonly listener: StorageListener
  commitsUnder(claim: LeaseClaim): Promise<void>
}

/** Opens the directory and recovers what a dead writer left half done. */
export function openEngine(options: CompleteOptions, hooks: EngineHooks): Promise<Engine> {
  return options.readOnly ? openForReading(options, hooks) : openForWriting(options, hooks)
}

async function openForReading(options: CompleteOptions, hooks: EngineHooks): Promise<Engine> {
  const fs = options.fileSystem.blocking
  const layout = layoutOf(fs.realPath(options.directory))
  const places = placesOf(options, layout, hooks)
  const report = { rolledForward: 0, sweptWriters: 0, newIdentity: false }
  return {
    ...places,
    health: healthOf(options, hooks, places, '', undefined),
    writing: undefined,
    report,
  }
}

async function openForWriting(options: CompleteOptions, hooks: EngineHooks): Promise<Engine> {
  const { clock, fileSystem, processes } = options
  const fs = fileSystem.blocking
  const unresolved = layoutOf(options.directory)
  const store = openStoreDirectory(fs, unresolved, clock, processes.self.bootId)
  const sweptWriters = sweepIncarnations(fs, store.domain.writers, processes)
  const places = placesOf(options, layoutOf(fs.realPath(options.directory)), hooks)
  const writerId = `${processes.self.pid}-${clock.randomId(6)}`
  let rolledForward = 0
  const writing = startWriting(options, hooks, places, store, writerId, (count) => {
    rolledForward += count
  })
  try {
    const waiting = fs.readDirectory(places.layout.intents).length > 0
    // Any turn begins by completing what former writers published.
    if (waiting) await writing.inTurn(function* () {})
  } catch (error) {
    writing.close()
    throw error
  }
  const report = { rolledForward, sweptWriters, newIdentity: store.newIdentity }
  const health = healthOf(options, hooks, places, writerId, writing)
  return { ...places, health, writing, report }
}

function placesOf(
  { backups, clock, fileSystem, serializer }: CompleteOptions,
  layout: Layout,
  { listener }: EngineHooks,
): Places {
  const files = new DocumentFiles(fileSystem, layout, clock, serializer)
  const keepsakes = new Keepsakes(fileSystem, layout, files, backups)
  const listing = new KeyListing(fileSystem, layout, files)
  const logReader = new LogReader({ fileSystem, layout, clock })
  return { layout, files, keepsakes, listing, logReader, news: new News(listener) }
}

function healthOf(
  { clock, fileSystem, writer }: CompleteOptions,
  { listener }: EngineHooks,
  places: Places,
  writerId: string,
  writing: Writing | undefined,
): DocumentHealth {
  const { inTurn } = writing ?? {}
  return new DocumentHealth({
    ...places,
    fileSystem,
    timer: clock,
    writer,
    writerId,
    listener,
    inTurn,
  })
}

function startWriting(
  options: CompleteOptions,
  hooks: EngineHooks,
  places: Places,
  { ceiling, domain }: StoreDirectory,
  writerId: string,
  onRolledForward: (count: number) => void,
): Writing {
  const { clock, fileSystem, logSegmentBytes, processes, writer } = options
  const { files, keepsakes, layout, news } = places
  const { listener } = hooks
  const fs = fileSystem.blocking
  const logs = new LogWriter({ fileSystem, layout, writer, listener, logSegmentBytes })
  const intents = new RedoIntents({ fileSystem, layout, writer, files, keepsakes, logs, listener })
  const reserve = new SpaceReserve(fs, layout.reserve)
  reserve.ensure()
  const loop: WriteLoop = new WriteLoop({
    fileSystem,
    clock,
    inline: inlinePolicy,
    reserve,
    maxPending: options.maxPending,
    waitMs: options.writeWaitMs,
    register: () => register(options, hooks, domain, ceiling),
    *recover(turn, tookOver): Steps<void> {
      if (tookOver) {
        yield* syncCollections(fileSystem, layout)
        yield* logs.sealAll(turn.area)
      }
      onRolledForward(yield* intents.recover(turn.area))
    },
    // Spelled out, for spreading many properties costs more than planning an append.
    write: ({ area, nextRevision, savedAt }, jobs) =>
      writeBatch(
        {
          area,
          checkLease: (claim) => leases.check(claim),
          durability: options.durability,
          files,
          fileSystem,
          intents,
          keepsakes,
          layout,
          listener,
          logs,
          maxDocumentBytes: options.maxDocumentBytes,
          news,
          nextRevision,
          savedAt,
          writer: options.writer,
          writerId,
        },
        jobs,
      ),
    detach: () => logs.detach(),
    hasLanded: (job) => hasLanded(files, job, job.commit.durability ?? options.durability),
    onRevoked: (generation) => listener('writer:revoked', { generation }),
    onTrouble: (operation, error) => listener('maintenance:failed', { operation, error }),
  })
  const inTurn: Writing['inTurn'] = (run, signal) =>
    new Promise((resolve, reject) => {
      let forget = (): void => {}
      const task = new TurnTask(
        run,
        () => {
          forget()
          resolve()
        },
        (error) => {
          forget()
          reject(error)
        },
      )
      loop.submit(task)
      forget = rejectOnAbort(task, signal, 'inTurn')
    })
  const leases = new NamedLeases({
    fs,
    clock,
    processes,
    ceiling,
    directory: domain.names,
    listener,
    draftPath: () => loop.incarnation.nextPath(),
    owner: () => loop.incarnation.owner,
    inTurn: (action, signal) =>
      new Promise((resolve, reject) => {
        // biome-ignore lint/correctness/useYield: the action blocks
        const run = function* ({ area }: TurnContext): Steps<void> {
          resolve(action(area.nextPath()))
        }
        inTurn(run, signal).catch(reject)
      }),
    commitsUnder: hooks.commitsUnder,
  })
  const stopBeating = clock.every(options.writeTtlMs / beatsPerTtl, () => loop.beat())
  return {
    loop,
    leases,
    inTurn,
    close: () => {
      stopBeating()
      try {
        leases.releaseAll()
      } finally {
        logs.detach()()
        loop.close()
      }
    },
  }
}

/** Registers a new incarnation of this store, with a lock that knows it. */
function register(
  { clock, fileSystem, lock, processes, writeTtlMs }: CompleteOptions,
  { listener }: EngineHooks,
  { write, writers }: DomainLayout,
  ceiling: GenerationCeiling,
): Registration {
  const fs = fileSystem.blocking
  const id = `${processes.self.pid}-${clock.randomId(8)}`
  const owner: GenerationOwner = {
    incarnation: id,
    ...processes.self,
    since: new Date(clock.now()).toISOString(),
    ttlMs: writeTtlMs,
  }
  const incarnation = new Incarnation({ fs, writers, id, owner })
  const context: LockContext = {
    owner: () => owner,
    draftPath: () => incarnation.nextPath(),
    isRevoked: () => incarnation.isRevoked(),
    revoke: (other, reason) => {
      // Whose file it was cannot be read: then nobody but us may go on as before.
      const condemned =
        other.incarnation === undefined ? listIncarnations(fs, writers) : [other.incarnation]
      for (const each of condemned) {
        if (each !== id) revokeIncarnation(fs, writers, each)
      }
      listener('writer:taken-over', { pid: other.pid, host: other.host, reason })
    },
  }
  const created = lock.create({
    fileSystem,
    directory: write,
    ceiling,
    processes,
    clock,
    context,
    ttlMs: writeTtlMs,
  })
  return { incarnation, lock: created }
}

/** Whether the documents of a commit are as it was to leave them; made durable if they are to be. */
function* hasLanded(
  files: DocumentFiles,
  { isShown, landing, pendingResult }: CommitJob,
  durability: Durability,
): Steps<boolean> {
  if (pendingResult === undefined) return false
  const directories = new Set<string>()
  for (const { address, change, revision } of landing) {
    const found = yield* files.find(address)
    const path = found?.path ?? files.pathOf(address)
    directories.add(path.slice(0, path.lastIndexOf('/')))
    // Whoever superseded us may have written since.
    if (isShown) continue
    if (change.kind === 'delete') {
      if (found !== undefined) return false
    } else if (found?.verdict.kind === 'damaged') {
      return false
    } else if (found?.verdict.document.revision !== revision) {
      return false
    }
  }
  if (durability === 'power') {
    for (const directory of directories) yield* unlessMissing(syncDirectory(directory))
  }
  return true
}

/**
 * Ends a job's wait in the queue; one that has begun is not interrupted. To be forgotten once the job is
 * settled: a signal may outlive any number of jobs.
 */
export function rejectOnAbort(
  job: CommitJob | TurnTask,
  signal: AbortSignal | undefined,
  operation: string,
): () => void {
  if (signal === undefined) return () => {}
  const abort = (): void => {
    if (job.isStarted) return
    job.reject(aborted(signal, operation))
  }
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}
