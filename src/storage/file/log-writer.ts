/**
 * Appending to logs, in a turn of the write lease.
 *
 * Records are written at the end of the log's active file, then synced. A writer that was superseded
 * may still be writing to that file, and nothing can take an open descriptor away from it; so whoever
 * takes over *seals* every log first: at the last whole record, and by giving the log another active
 * file. Then it can write what it likes: its file is no longer the log's.
 */
import {
  type StagedFile,
  type StagingArea,
  stagedWriter,
  syncDirectory,
} from '../../atomic-write/index.js'
import { FileSystemError, isFileSystemError, withCommitState } from '../../errors/index.js'
import {
  type FileDescriptor,
  type FileStatus,
  io,
  type Steps,
  settleAll,
  unlessMissing,
} from '../../file-system/index.js'
import { compareRevisions, type Revision } from '../revision.js'
import { type AppendOptions, LogFiles, type LogFilesContext } from './log-files.js'
import {
  type ClosedSegment,
  type LogManifest,
  LogPlaces,
  listLogs,
  readManifest,
  refuseLinks,
} from './log-manifest.js'
import {
  asBuffer,
  holdsRecord,
  inspectTail,
  type LogTail,
  lastCommittedId,
  startOfIds,
  wholeRecordsIn,
} from './log-tail.js'

const maxOpenFiles = 64
const newline = 10

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
  /** It is being written to; others may be opened beside it. */
  isBusy: boolean
}

export class LogWriter {
  readonly #context: LogFilesContext
  readonly #files: LogFiles
  /** By encoded name, the least recently used first. */
  readonly #active = new Map<string, ActiveFile>()
  /** By encoded name: space for what is to be appended, in staging. */
  readonly #reserved = new Map<string, StagedFile>()

  constructor(context: LogFilesContext) {
    this.#context = context
    this.#files = new LogFiles(context)
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
    try {
      yield* this.giveBack(log)
      yield* this.#write(places, active, lines, options)
    } finally {
      this.#rest(active)
    }
  }

  *#write(
    places: LogPlaces,
    active: ActiveFile,
    lines: Uint8Array,
    options: AppendOptions,
  ): Steps<void> {
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

  /**
   * Takes the space that lines will need, so that appending them does not fail for want of it. Not in the
   * log itself: of that, readers rely on it that what stands there stays.
   */
  *reserve(log: string, byteCount: number, options: AppendOptions): Steps<void> {
    const { area } = options
    const places = this.places(log)
    const active = yield* this.#openOwn(places, log, options)
    try {
      // Not zeros: those take no space where holes are left or contents compressed.
      const bytes = Buffer.alloc(byteCount + 1, newline)
      const file = { target: places.active, bytes, mode: 0o600, modifiedMicros: 0, durable: false }
      this.#reserved.set(places.name, yield* stagedWriter.stage(file, area))
    } finally {
      this.#rest(active)
    }
  }

  /** Gives reserved space back. */
  *giveBack(log: string): Steps<void> {
    const { name } = this.places(log)
    const staged = this.#reserved.get(name)
    if (staged === undefined) return
    this.#reserved.delete(name)
    yield* stagedWriter.discard(staged)
  }

  /** Appends those of the lines that do not stand in the log yet: their writer may have died at it. */
  *complete(log: string, lines: readonly LineToAppend[], area: StagingArea): Steps<void> {
    const places = this.places(log)
    const content = yield* unlessMissing(io.readFile(places.active))
    const bytes = content && asBuffer(content)
    const hole = bytes && startOfHole(bytes, lines)
    if (hole !== undefined) {
      yield* this.#endAt(places, area, () => hole)
      yield* syncDirectory(places.layout.logs)
    }
    const lastId = this.#lastId(places, bytes?.subarray(0, hole))
    const missing = lines.filter(({ id }) => compareRevisions(id, lastId) > 0)
    if (missing.length === 0) return
    yield* this.append(log, bytesOf(missing), { area, durable: true })
  }

  /** Whether a record with this id stands in the log. */
  *holds(log: string, id: Revision): Steps<boolean> {
    const places = this.places(log)
    const { manifest } = readManifest(this.#context.fileSystem.blocking, places)
    const paths = segmentsWith(id, manifest).map(({ number, bytes }) => ({
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
    this.#reserved.clear()
    return () => {
      for (const file of files) this.#closeFile(file)
    }
  }

  *#seal(places: LogPlaces, area: StagingArea): Steps<void> {
    yield* this.#endAt(places, area, ({ end }) => end)
  }

  /** Gives the log another active file, which ends where `place` says. */
  *#endAt(places: LogPlaces, area: StagingArea, place: (tail: LogTail) => number): Steps<void> {
    this.#close(places.name, this.#active.get(places.name))
    const status = this.#statusOf(places.active)
    if (status?.kind !== 'file') return
    const file = yield* io.open(places.active, 'update')
    try {
      const tail = yield* inspectTail(file, status.size)
      const active = this.#activeFile(places, file, status, place(tail))
      yield* this.#files.renew(places, active, { area, durable: true })
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
    this.#rest(active)
    throw new FileSystemError('ENOENT', 'append', places.active)
  }

  /** The active file, ready to be appended to. */
  *#open(places: LogPlaces, log: string, options: AppendOptions): Steps<ActiveFile> {
    for (;;) {
      const known = this.#active.get(places.name)
      const status = this.#statusOf(places.active)
      if (known !== undefined && this.#isAsLeft(places, known, status)) {
        known.isBusy = true
        if (known.end < this.#context.logSegmentBytes || known.isOpenEnded) return known
        yield* this.#renew(places, known, options)
        this.#close(places.name, known)
        continue
      }
      this.#close(places.name, known)
      refuseLinks(this.#context.fileSystem.blocking, places)
      if (status === undefined) yield* this.#create(places, log, options)
      else yield* this.#adopt(places, status, options)
    }
  }

  /** Whether the file is the one we know; what others appended in the meantime is taken in. */
  #isAsLeft(places: LogPlaces, known: ActiveFile, status: FileStatus | undefined): boolean {
    if (status?.inode !== known.inode || known.isPoisoned) return false
    if (this.#files.isDoubtful(places, known.inode)) return false
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
        yield* this.#files.publish(places, Buffer.alloc(0), status, options)
        yield* syncDirectory(places.layout.logs)
      } else if (tail.end < status.size || this.#files.isDoubtful(places, status.inode)) {
        yield* this.#renew(places, active, options)
      } else {
        this.#active.set(places.name, active)
        isKept = true
      }
    } finally {
      if (!isKept) yield* io.close(file)
    }
  }

  /** What is synced in the new file from now on must be found under its name. */
  *#renew(places: LogPlaces, active: ActiveFile, options: AppendOptions): Steps<void> {
    yield* this.#files.renew(places, active, options)
    if (options.durable) yield* syncDirectory(places.layout.logs)
  }

  *#create(places: LogPlaces, log: string, options: AppendOptions): Steps<void> {
    const { fileSystem, layout } = this.#context
    yield* this.#files.ensureDirectory(layout.logs, layout.root)
    if (places.isHashed && fileSystem.blocking.status(places.manifest) === undefined) {
      yield* this.#files.writeManifest(places, { log, segments: [] }, options)
    }
    yield* this.#files.publish(places, Buffer.alloc(0), undefined, options)
    const status = this.#statusOf(places.active)
    if (status === undefined) throw new FileSystemError('ENOENT', 'append', places.active)
    const file = yield* io.open(places.active, 'update')
    let isKept = false
    try {
      const active = this.#activeFile(places, file, status, 0)
      active.isNew = true
      this.#active.set(places.name, active)
      isKept = true
    } finally {
      if (!isKept) yield* io.close(file)
    }
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
      isBusy: true,
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
      this.#files.doubt(places, active.inode)
      let isSealed = false
      try {
        yield* this.#files.renew(places, active, options)
        yield* syncDirectory(places.layout.logs)
        isSealed = true
      } catch (second) {
        if (!isFileSystemError(second)) throw second
      }
      this.#close(places.name, active)
      throw withCommitState(error, isSealed ? 'not-committed' : 'unknown')
    }
  }

  /** The greatest id of a whole commit in the log. */
  #lastId(places: LogPlaces, active: Buffer | undefined): Revision {
    const found = active && lastCommittedId(active)
    if (found !== undefined) return found
    const { manifest } = readManifest(this.#context.fileSystem.blocking, places)
    return manifest.segments.at(-1)?.lastId ?? '0.0'
  }

  #statusOf(path: string): FileStatus | undefined {
    return this.#context.fileSystem.blocking.status(path)
  }

  #rest(active: ActiveFile): void {
    active.isBusy = false
    if (this.#active.size <= maxOpenFiles) return
    for (const [name, each] of this.#active) {
      if (each.isBusy) continue
      this.#close(name, each)
      return
    }
  }

  /** Unless it was detached meanwhile. */
  #close(name: string, active: ActiveFile | undefined): void {
    if (active === undefined || this.#active.get(name) !== active) return
    this.#active.delete(name)
    this.#closeFile(active.file)
  }

  /** What was to be durable has been synced by now, or refused: only told of when it fails. */
  #closeFile(file: FileDescriptor): void {
    const { fileSystem, listener } = this.#context
    try {
      fileSystem.blocking.close(file)
    } catch (error) {
      if (!isFileSystemError(error)) throw error
      listener('maintenance:failed', { operation: 'closeLog', error })
    }
  }
}

/** The closed segments in which an id can stand. */
const segmentsWith = (id: Revision, { segments }: LogManifest): readonly ClosedSegment[] =>
  segments.filter(({ lastId }, index) => {
    const before = segments[index - 1]?.lastId ?? '0.0'
    return compareRevisions(before, id) < 0 && compareRevisions(id, lastId) <= 0
  })

const bytesOf = (lines: readonly LineToAppend[]): Buffer =>
  Buffer.from(lines.map(({ line }) => line).join(''))

/**
 * A power cut may have left later sectors of what was being appended, and not the earlier ones. Then the
 * log has to go on in another file that ends before all of it: here. Nothing that was acknowledged stands
 * behind, for the lines are the last that were begun.
 */
function startOfHole(bytes: Buffer, lines: readonly LineToAppend[]): number | undefined {
  const [first] = lines
  const start = first && startOfIds(bytes, first.id)
  if (start === undefined) return undefined
  const standing = bytes.subarray(start)
  const wanted = bytesOf(lines)
  const common = Math.min(standing.length, wanted.length)
  if (standing.subarray(0, common).equals(wanted.subarray(0, common))) return undefined
  // Behind something newer they have been there as a whole; and what a person wrote is left alone.
  const ours = new Set(lines.map(({ id }) => id))
  return wholeRecordsIn(standing).every(({ id }) => ours.has(id)) ? start : undefined
}

function* writeAt(file: number, bytes: Uint8Array, position: number, path: string): Steps<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const count = yield* io.write(file, bytes, done, bytes.byteLength - done, position + done)
    if (count <= 0) throw new FileSystemError('ENOSPC', 'write', path)
    done += count
  }
}
