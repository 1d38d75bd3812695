/**
 * Appending to logs, in a turn of the write lease.
 *
 * Records are written at the end of the log's active file, then synced. A writer that was superseded
 * may still be writing to that file, and nothing can take an open descriptor away from it; so whoever
 * takes over *seals* every log first: at the last whole record, and by giving the log another active
 * file. Then it can write what it likes: its file is no longer the log's.
 */
import { createHash } from 'node:crypto'
import { type AtomicWriter, type StagingArea, syncDirectory } from '../../atomic-write/index.js'
import { FileSystemError, isFileSystemError, withCommitState } from '../../errors/index.js'
import {
  type FileDescriptor,
  type FileStatus,
  type FileSystem,
  io,
  type Steps,
  settleAll,
  unlessMissing,
} from '../../file-system/index.js'
import type { SegmentIndex } from '../../log-segment/index.js'
import { compareRevisions, type Revision } from '../revision.js'
import type { StorageListener } from '../storage.js'
import type { Layout } from './layout.js'
import {
  type ClosedSegment,
  encodeIndex,
  encodeManifest,
  LogPlaces,
  listLogs,
  readManifest,
} from './log-manifest.js'
import { asBuffer, holdsRecord, indexFile, inspectTail, lastRecordId } from './log-tail.js'

/** Up to this size a log that is sealed is copied, so that it remains one file. */
const maxCopiedBytes = 1024 * 1024
const maxTornBytes = 64 * 1024
const maxOpenFiles = 64
const newline = 10

export interface LogWriterContext {
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

/** A line to be appended, and the id that stands in it. */
export interface LineToAppend {
  readonly id: Revision
  readonly line: string
}

/** An active file as we left it. */
interface ActiveFile {
  readonly file: FileDescriptor
  readonly inode: string
  /** Of the manifest; another process may have closed a segment. */
  readonly manifestInode: string | undefined
  /** Where the next record goes. */
  end: number
  /** The last line lacks its newline. */
  isOpenEnded: boolean
  /** Something that was refused stands behind `end` and could not be removed. */
  isPoisoned: boolean
  /** Its name in the directory may not be durable yet. */
  isNew: boolean
}

export class LogWriter {
  readonly #context: LogWriterContext
  /** By encoded name, the least recently used first. */
  readonly #active = new Map<string, ActiveFile>()

  constructor(context: LogWriterContext) {
    this.#context = context
  }

  places(log: string): LogPlaces {
    return LogPlaces.of(this.#context.layout, log)
  }

  /**
   * Appends lines. Fails with the commit's state in the error: `not-committed` when the log is as it
   * was, `unknown` when that could not be brought about.
   */
  *append(log: string, lines: Uint8Array, options: AppendOptions): Steps<void> {
    const places = this.places(log)
    const active = yield* this.#openOwn(places, log, options)
    const bytes = active.isOpenEnded ? Buffer.concat([Buffer.of(newline), lines]) : lines
    try {
      yield* writeAt(active.file, bytes, active.end, places.active)
    } catch (error) {
      yield* this.#takeBack(places, active, options, error)
    }
    if (options.durable) yield* this.#sync(places, active, options)
    active.end += bytes.byteLength
    active.isOpenEnded = false
  }

  /** Takes the space that lines will need, so that appending them cannot fail for want of it. */
  *reserve(log: string, byteCount: number, options: AppendOptions): Steps<void> {
    const places = this.places(log)
    const active = yield* this.#openOwn(places, log, options)
    // Empty lines, which nobody minds: the reservation may be all that is left of us.
    const lines = Buffer.alloc(byteCount + (active.isOpenEnded ? 1 : 0), newline)
    try {
      yield* writeAt(active.file, lines, active.end, places.active)
    } catch (error) {
      yield* this.#takeBack(places, active, options, error)
    }
  }

  /** Gives reserved space back. */
  *giveBack(log: string, { area }: AppendOptions): Steps<void> {
    const active = this.#active.get(this.places(log).name)
    if (active !== undefined && !area.isRevoked()) yield* this.#cut(active)
  }

  /** Appends those of the lines that do not stand in the log yet: their writer may have died at it. */
  *complete(log: string, lines: readonly LineToAppend[], area: StagingArea): Steps<void> {
    const lastId = yield* this.#lastId(this.places(log))
    const missing = lines.filter(({ id }) => compareRevisions(id, lastId) > 0)
    if (missing.length === 0) return
    const bytes = Buffer.from(missing.map(({ line }) => line).join(''))
    yield* this.append(log, bytes, { area, durable: true })
  }

  /** Whether a record with this id stands in the log. */
  *holds(log: string, id: Revision): Steps<boolean> {
    const places = this.places(log)
    const { manifest } = readManifest(this.#context.fileSystem.blocking, places)
    const paths = manifest.segments.slice(-2).map(({ number, bytes }) => ({
      path: places.segment(number),
      bytes,
    }))
    for (const { path, bytes } of [...paths, { path: places.active, bytes: undefined }]) {
      const content = yield* unlessMissing(io.readFile(path))
      if (content === undefined) continue
      const end = Math.min(content.byteLength, bytes ?? Number.POSITIVE_INFINITY)
      if (holdsRecord(asBuffer(content), end, id)) return true
    }
    return false
  }

  /** Ends what superseded writers can add to, in every log. */
  *sealAll(area: StagingArea): Steps<void> {
    const { fileSystem, layout } = this.#context
    const names = listLogs(fileSystem.blocking, layout)
    const outcomes = yield* settleAll(
      names.map((name) => this.#seal(new LogPlaces(layout, name), area)),
    )
    for (const outcome of outcomes) if (!outcome.ok) throw outcome.error
    if (names.length > 0) yield* syncDirectory(layout.logs)
  }

  /**
   * Lets go of every open file without closing it: a write that was begun may still be on its way to one,
   * and the number of a closed file would be given to another. To be closed with what this returns.
   */
  detach(): () => void {
    const files = [...this.#active.values()].map(({ file }) => file)
    this.#active.clear()
    return () => {
      for (const file of files) this.#context.fileSystem.blocking.close(file)
    }
  }

  *#seal(places: LogPlaces, area: StagingArea): Steps<void> {
    this.#close(places.name, this.#active.get(places.name))
    const status = this.#statusOf(places.active)
    if (status === undefined) return
    const file = yield* io.open(places.active, 'update')
    try {
      const tail = yield* inspectTail(file, status.size)
      const active = this.#activeFile(places, file, status, tail.end)
      yield* this.#renew(places, active, { area, durable: true })
    } finally {
      yield* io.close(file)
    }
  }

  /**
   * The active file, if it is certain that we may append to it: a superseded writer that finds its own
   * staging area in place has opened the file before it was sealed.
   */
  *#openOwn(places: LogPlaces, log: string, options: AppendOptions): Steps<ActiveFile> {
    const active = yield* this.#open(places, log, options)
    if (!options.area.isRevoked()) return active
    throw new FileSystemError('ENOENT', 'append', places.active)
  }

  /** The active file, ready to be appended to. */
  *#open(places: LogPlaces, log: string, options: AppendOptions): Steps<ActiveFile> {
    for (;;) {
      const known = this.#active.get(places.name)
      const status = this.#statusOf(places.active)
      if (known !== undefined && this.#isAsLeft(places, known, status)) {
        if (known.end < this.#context.logSegmentBytes || known.isOpenEnded) return known
        yield* this.#renew(places, known, options)
        this.#close(places.name, known)
        continue
      }
      this.#close(places.name, known)
      if (status === undefined) yield* this.#create(places, log, options)
      else yield* this.#adopt(places, status, options)
    }
  }

  /** Whether the file is the one we know; what others appended in the meantime is taken in. */
  #isAsLeft(places: LogPlaces, known: ActiveFile, status: FileStatus | undefined): boolean {
    if (status?.inode !== known.inode || known.isPoisoned) return false
    if (this.#statusOf(places.manifest)?.inode !== known.manifestInode) return false
    if (status.size === known.end) return true
    if (status.size < known.end) return false
    const last = Buffer.alloc(1)
    this.#context.fileSystem.blocking.read(known.file, last, 0, 1, status.size - 1)
    if (last[0] !== newline) return false
    known.end = status.size
    known.isOpenEnded = false
    return true
  }

  /** Looks at a file that we do not know yet. */
  *#adopt(places: LogPlaces, status: FileStatus, options: AppendOptions): Steps<void> {
    const file = yield* io.open(places.active, 'update')
    let isKept = false
    try {
      const tail = yield* inspectTail(file, status.size)
      const active = this.#activeFile(places, file, status, tail.end)
      active.isOpenEnded = tail.isOpenEnded
      const last = readManifest(this.#context.fileSystem.blocking, places).manifest.segments.at(-1)
      const closed = last && this.#statusOf(places.segment(last.number))
      if (closed?.inode === status.inode) {
        // It was closed, and its successor never came to stand in its place.
        yield* this.#publish(places, Buffer.alloc(0), status, options)
        yield* syncDirectory(places.layout.logs)
      } else if (tail.end < status.size) {
        yield* this.#renew(places, active, options)
      } else {
        this.#active.set(places.name, active)
        isKept = true
        this.#closeOldest()
      }
    } finally {
      if (!isKept) yield* io.close(file)
    }
  }

  *#create(places: LogPlaces, log: string, options: AppendOptions): Steps<void> {
    const { fileSystem, layout } = this.#context
    yield* this.#ensureDirectory(layout.logs, layout.root)
    if (places.isHashed && fileSystem.blocking.status(places.manifest) === undefined) {
      yield* this.#writeManifest(places, { log, segments: [] }, options)
    }
    yield* this.#publish(places, Buffer.alloc(0), undefined, options)
    const status = this.#statusOf(places.active)
    if (status === undefined) throw new FileSystemError('ENOENT', 'append', places.active)
    const file = yield* io.open(places.active, 'update')
    const active = this.#activeFile(places, file, status, 0)
    active.isNew = true
    this.#active.set(places.name, active)
    this.#closeOldest()
  }

  #activeFile(places: LogPlaces, file: number, { inode }: FileStatus, end: number): ActiveFile {
    return {
      file,
      inode,
      manifestInode: this.#statusOf(places.manifest)?.inode,
      end,
      isOpenEnded: false,
      isPoisoned: false,
      isNew: false,
    }
  }

  /** Nothing of what was refused may stay behind the end. */
  *#takeBack(
    places: LogPlaces,
    active: ActiveFile,
    { area }: AppendOptions,
    error: unknown,
  ): Steps<never> {
    // Once we are superseded the file is not ours to cut.
    const isCut = !area.isRevoked() && (yield* this.#cut(active))
    if (!isCut) this.#close(places.name, active)
    throw withCommitState(error, isCut ? 'not-committed' : 'unknown')
  }

  *#cut(active: ActiveFile): Steps<boolean> {
    try {
      yield* io.truncate(active.file, active.end)
      return true
    } catch (error) {
      if (!isFileSystemError(error)) throw error
      active.isPoisoned = true
      return false
    }
  }

  /**
   * After a failed sync nobody knows which pages are on the disk, and asking again would hide it: the
   * log goes on in another file, from where it was.
   */
  *#sync(places: LogPlaces, active: ActiveFile, options: AppendOptions): Steps<void> {
    try {
      yield* io.sync(active.file)
      if (active.isNew) yield* syncDirectory(places.layout.logs)
      active.isNew = false
    } catch (error) {
      if (!isFileSystemError(error)) throw error
      active.isPoisoned = true
      let isSealed = false
      try {
        yield* this.#renew(places, active, options)
        yield* syncDirectory(places.layout.logs)
        isSealed = true
      } catch (second) {
        if (!isFileSystemError(second)) throw second
      }
      this.#close(places.name, active)
      throw withCommitState(error, isSealed ? 'not-committed' : 'unknown')
    }
  }

  /** Gives the log another active file; what stands before `active.end` is kept, the rest is not its. */
  *#renew(places: LogPlaces, active: ActiveFile, options: AppendOptions): Steps<void> {
    const status = this.#statusOf(places.active)
    if (status !== undefined && status.size > active.end) yield* this.#setAside(places, active)
    if (active.end <= maxCopiedBytes && active.end < this.#context.logSegmentBytes) {
      const bytes = yield* io.readFile(places.active)
      yield* this.#publish(places, bytes.subarray(0, active.end), status, options)
    } else {
      yield* this.#closeSegment(places, active, status, options)
    }
  }

  /** Keeps a torn end, which was never acknowledged, and tells of it. */
  *#setAside(places: LogPlaces, active: ActiveFile): Steps<void> {
    const { layout, listener } = this.#context
    const { size } = yield* io.statusOf(active.file)
    const rest = Buffer.alloc(Math.min(size - active.end, maxTornBytes))
    yield* io.read(active.file, rest, 0, rest.byteLength, active.end)
    // A reservation, or a newline more: nothing is lost.
    if (size - active.end <= maxTornBytes && rest.every((byte) => byte === newline)) return
    const directory = `${layout.quarantine}/logs`
    for (const path of [layout.quarantine, directory]) yield* makeDirectory(path)
    const hash = createHash('sha256').update(rest).digest('hex').slice(0, 12)
    const kept = `${directory}/${places.name}.jsonl.${hash}`
    try {
      yield* io.link(places.active, kept)
    } catch (error) {
      if (!isFileSystemError(error, 'AlreadyExists', 'NotFound')) throw error
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
    active: ActiveFile,
    status: FileStatus | undefined,
    options: AppendOptions,
  ): Steps<void> {
    const { fileSystem, layout } = this.#context
    const { manifest } = readManifest(fileSystem.blocking, places)
    const index = yield* indexFile(active.file, active.end)
    // Its bytes may be another's that were never synced.
    if (!active.isPoisoned) yield* io.sync(active.file)
    yield* this.#ensureDirectory(places.directory, layout.logs)
    const number = yield* this.#linkSegment(places, active, manifest.segments, options.area)
    const closed = closedSegment(number, active.end, index, manifest.segments.at(-1)?.lastId)
    const segments = [...manifest.segments, closed]
    yield* this.#writeManifest(places, { ...manifest, segments }, options)
    yield* this.#publish(places, Buffer.alloc(0), status, options)
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
    active: ActiveFile,
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
        yield* io.rename(staged, path)
      }
      yield* syncDirectory(places.directory)
      return number
    }
  }

  *#writeManifest(
    places: LogPlaces,
    manifest: Parameters<typeof encodeManifest>[0],
    { area }: AppendOptions,
  ): Steps<void> {
    const { layout } = this.#context
    yield* this.#ensureDirectory(layout.logManifests, layout.internals)
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
  *#publish(
    places: LogPlaces,
    bytes: Uint8Array,
    status: FileStatus | undefined,
    options: AppendOptions,
  ): Steps<void> {
    yield* this.#replace(places.active, bytes, options, status)
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

  *#ensureDirectory(path: string, parent: string): Steps<void> {
    const status = this.#statusOf(path)
    if (status?.kind === 'directory') return
    // A link there would lead out of the store.
    if (status !== undefined) throw new FileSystemError('ENOTDIR', 'append', path)
    yield* makeDirectory(path)
    yield* syncDirectory(parent)
  }

  /** The greatest id in the log. */
  *#lastId(places: LogPlaces): Steps<Revision> {
    const content = yield* unlessMissing(io.readFile(places.active))
    const found = content && lastRecordId(asBuffer(content))
    if (found !== undefined) return found
    const { manifest } = readManifest(this.#context.fileSystem.blocking, places)
    return manifest.segments.at(-1)?.lastId ?? '0.0'
  }

  #statusOf(path: string): FileStatus | undefined {
    return this.#context.fileSystem.blocking.status(path)
  }

  #closeOldest(): void {
    if (this.#active.size <= maxOpenFiles) return
    const [oldest] = this.#active
    if (oldest !== undefined) this.#close(...oldest)
  }

  /** Unless it was detached meanwhile. */
  #close(name: string, active: ActiveFile | undefined): void {
    if (active === undefined || this.#active.get(name) !== active) return
    this.#active.delete(name)
    this.#context.fileSystem.blocking.close(active.file)
  }
}

function* writeAt(file: number, bytes: Uint8Array, position: number, path: string): Steps<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const count = yield* io.write(file, bytes, done, bytes.byteLength - done, position + done)
    if (count <= 0) throw new FileSystemError('ENOSPC', 'write', path)
    done += count
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
  lastIdBefore: string | undefined,
): ClosedSegment {
  const froms = blocks.flatMap(({ from }) => from ?? [])
  const tos = blocks.flatMap(({ to }) => to ?? [])
  const least = froms.length === 0 ? undefined : froms.reduce((a, b) => Math.min(a, b))
  const greatest = tos.length === 0 ? undefined : tos.reduce((a, b) => Math.max(a, b))
  const lastId = blocks.findLast((block) => block.lastId !== undefined)?.lastId
  return {
    number,
    bytes,
    records: blocks.reduce((sum, { lines }) => sum + lines, 0),
    ...(least === undefined ? {} : { from: least }),
    ...(greatest === undefined ? {} : { to: greatest }),
    lastId: lastId ?? lastIdBefore ?? '0.0',
  }
}
