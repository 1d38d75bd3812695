/**
 * The files of a log: making them, and putting one in the place of another. All that takes a name is
 * renamed out of staging, so that a superseded writer can no longer do it.
 */
import { createHash } from 'node:crypto'
import {
  type AtomicWriter,
  removeStaged,
  type StagingArea,
  syncDirectory,
} from '../../atomic-write/index.js'
import { FileSystemError, isFileSystemError } from '../../errors/index.js'
import {
  type FileDescriptor,
  type FileStatus,
  type FileSystem,
  io,
  type Steps,
} from '../../file-system/index.js'
import type { SegmentIndex } from '../../log-segment/index.js'
import type { StorageListener } from '../storage.js'
import type { Layout } from './layout.js'
import {
  type ClosedSegment,
  encodeIndex,
  encodeManifest,
  type LogManifest,
  type LogPlaces,
  readManifest,
} from './log-manifest.js'
import { indexFile, lastIdBefore } from './log-tail.js'

/** Up to this size a log that is sealed is copied, so that it remains one file. */
const maxCopiedBytes = 1024 * 1024
const maxTornBytes = 64 * 1024
const newline = 10

export interface LogFilesContext {
  readonly fileSystem: FileSystem
  readonly layout: Layout
  readonly writer: AtomicWriter
  readonly listener: StorageListener
  /** A file that has grown to this is closed. */
  readonly logSegmentBytes: number
}

export interface AppendOptions {
  readonly area: StagingArea
  readonly durable: boolean
}

/** An active file up to where it counts. */
export interface SealedFile {
  readonly file: FileDescriptor
  readonly inode: string
  readonly end: number
}

export class LogFiles {
  readonly #context: LogFilesContext
  /** By encoded name: the inode of an active file a sync of which has failed, while it is the active one. */
  readonly #doubtful = new Map<string, string>()

  constructor(context: LogFilesContext) {
    this.#context = context
  }

  /**
   * A sync of the file has failed. Through another descriptor it would succeed, with the data gone: the
   * file has to be written anew.
   */
  doubt({ name }: LogPlaces, inode: string): void {
    this.#doubtful.set(name, inode)
  }

  isDoubtful({ name }: LogPlaces, inode: string): boolean {
    return this.#doubtful.get(name) === inode
  }

  /** Gives the log another active file; what stands before `active.end` is kept, the rest is not its. */
  *renew(places: LogPlaces, active: SealedFile, options: AppendOptions): Steps<void> {
    const status = this.#statusOf(places.active)
    if (status !== undefined && status.size > active.end)
      yield* this.#setAside(places, active, options.area)
    const isSmall = active.end <= maxCopiedBytes && active.end < this.#context.logSegmentBytes
    if (!isSmall && (yield* this.#isSynced(places, active))) {
      yield* this.#closeSegment(places, active, status, options)
    } else {
      const bytes = yield* io.readFile(places.active)
      yield* this.publish(places, bytes.subarray(0, active.end), status, options)
    }
  }

  /** Its bytes may be another's that were never synced. Where that fails they are to be written anew. */
  *#isSynced(places: LogPlaces, active: SealedFile): Steps<boolean> {
    if (this.isDoubtful(places, active.inode)) return false
    try {
      yield* io.sync(active.file)
      return true
    } catch (error) {
      if (!isFileSystemError(error)) throw error
      this.doubt(places, active.inode)
      return false
    }
  }

  /**
   * Keeps a torn end, which was never acknowledged, and tells of it. By way of staging: once superseded, we
   * have another's file before us, of which we know nothing.
   */
  *#setAside(places: LogPlaces, active: SealedFile, area: StagingArea): Steps<void> {
    const { layout, listener } = this.#context
    const { size } = yield* io.statusOf(active.file)
    const rest = Buffer.alloc(Math.min(size - active.end, maxTornBytes))
    yield* io.read(active.file, rest, 0, rest.byteLength, active.end)
    // Empty lines: nothing is lost.
    if (size - active.end <= maxTornBytes && rest.every((byte) => byte === newline)) return
    const directory = `${layout.quarantine}/logs`
    for (const path of [layout.quarantine, directory]) yield* makeDirectory(path)
    const hash = createHash('sha256').update(rest).digest('hex').slice(0, 12)
    const kept = `${directory}/${places.name}.jsonl.${hash}`
    const staged = area.nextPath()
    try {
      yield* io.link(places.active, staged)
      yield* io.rename(staged, kept)
    } catch (error) {
      if (!isFileSystemError(error, 'NotFound') || area.isRevoked()) throw error
    } finally {
      // Where it was kept already the rename has left both names.
      yield* removeStaged(staged)
    }
    const { manifest } = readManifest(this.#context.fileSystem.blocking, places)
    listener('log:damaged', {
      log: manifest.log,
      path: places.active,
      offset: active.end,
      bytes: size - active.end,
      reason: `a torn end; the file is kept as ${kept}`,
    })
  }

  /** Closes the active file as a segment that ends at `active.end`, and begins another. */
  *#closeSegment(
    places: LogPlaces,
    active: SealedFile,
    status: FileStatus | undefined,
    options: AppendOptions,
  ): Steps<void> {
    const { fileSystem, layout } = this.#context
    const { manifest } = readManifest(fileSystem.blocking, places)
    const index = yield* indexFile(active.file, active.end)
    const before = manifest.segments.at(-1)?.lastId ?? '0.0'
    const lastId = lastIdBefore(fileSystem.blocking, active.file, active.end) ?? before
    yield* this.ensureDirectory(places.directory, layout.logs)
    const number = yield* this.#linkSegment(places, active, manifest.segments, options.area)
    const closed = closedSegment(number, active.end, index, lastId)
    const segments = [...manifest.segments, closed]
    yield* this.writeManifest(places, { ...manifest, segments }, options)
    yield* this.publish(places, Buffer.alloc(0), status, options)
    yield* syncDirectory(layout.logs)
    yield* this.#writeIndex(
      places,
      number,
      { bytes: active.end, inode: active.inode },
      index,
      options,
    )
  }

  /** Gives the file a segment's name, by way of staging: once superseded, we cannot. */
  *#linkSegment(
    places: LogPlaces,
    active: SealedFile,
    segments: readonly ClosedSegment[],
    area: StagingArea,
  ): Steps<number> {
    for (let number = (segments.at(-1)?.number ?? 0) + 1; ; number++) {
      const path = places.segment(number)
      const present = this.#statusOf(path)
      if (present !== undefined && present.inode !== active.inode) continue
      if (present === undefined) {
        const staged = area.nextPath()
        yield* io.link(places.active, staged)
        try {
          yield* io.rename(staged, path)
        } finally {
          yield* removeStaged(staged)
        }
      }
      yield* syncDirectory(places.directory)
      return number
    }
  }

  *writeManifest(places: LogPlaces, manifest: LogManifest, { area }: AppendOptions): Steps<void> {
    const { layout } = this.#context
    yield* this.ensureDirectory(layout.logManifests, layout.internals)
    const bytes = Buffer.from(encodeManifest(manifest))
    yield* this.#replace(places.manifest, bytes, { area, durable: true })
    yield* syncDirectory(layout.logManifests)
  }

  /** Derived: whoever finds it missing reads the segment. */
  *#writeIndex(
    places: LogPlaces,
    number: number,
    file: { readonly bytes: number; readonly inode: string },
    index: SegmentIndex,
    { area }: AppendOptions,
  ): Steps<void> {
    try {
      yield* makeDirectory(places.indexes)
      const bytes = Buffer.from(encodeIndex(file, index.blocks))
      yield* this.#replace(places.index(number), bytes, { area, durable: false })
    } catch (error) {
      if (!isFileSystemError(error)) throw error
      this.#context.listener('maintenance:failed', { operation: 'indexLog', error })
    }
  }

  /** Puts another file in the place of the active one. */
  *publish(
    places: LogPlaces,
    bytes: Uint8Array,
    status: FileStatus | undefined,
    options: AppendOptions,
  ): Steps<void> {
    yield* this.#replace(places.active, bytes, options, status)
    this.#doubtful.delete(places.name)
  }

  *#replace(
    target: string,
    bytes: Uint8Array,
    { area, durable }: AppendOptions,
    status?: FileStatus,
  ): Steps<void> {
    const { writer } = this.#context
    const mode = status?.mode ?? 0o600
    const modifiedMicros = status?.modifiedMicros ?? 0
    const staged = yield* writer.stage({ target, bytes, mode, modifiedMicros, durable }, area)
    try {
      yield* writer.publish(staged)
    } catch (error) {
      yield* writer.discard(staged)
      throw error
    }
  }

  *ensureDirectory(path: string, parent: string): Steps<void> {
    const status = this.#statusOf(path)
    if (status?.kind === 'directory') return
    // A link there would lead out of the store.
    if (status !== undefined) throw new FileSystemError('ENOTDIR', 'append', path)
    yield* makeDirectory(path)
    yield* syncDirectory(parent)
  }

  #statusOf(path: string): FileStatus | undefined {
    return this.#context.fileSystem.blocking.status(path)
  }
}

function* makeDirectory(path: string): Steps<void> {
  try {
    yield* io.makeDirectory(path, 0o700)
  } catch (error) {
    if (!isFileSystemError(error, 'AlreadyExists')) throw error
  }
}

function closedSegment(
  number: number,
  bytes: number,
  { blocks }: SegmentIndex,
  lastId: string,
): ClosedSegment {
  const froms = blocks.flatMap(({ from }) => from ?? [])
  const tos = blocks.flatMap(({ to }) => to ?? [])
  const least = froms.length === 0 ? undefined : froms.reduce((a, b) => Math.min(a, b))
  const greatest = tos.length === 0 ? undefined : tos.reduce((a, b) => Math.max(a, b))
  return {
    number,
    bytes,
    records: blocks.reduce((sum, { lines }) => sum + lines, 0),
    ...(least === undefined ? {} : { from: least }),
    ...(greatest === undefined ? {} : { to: greatest }),
    lastId,
  }
}
