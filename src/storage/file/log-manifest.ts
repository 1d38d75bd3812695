/**
 * What a log is made of beside its active file: its closed segments, each ending at its *seal*. Bytes
 * after a seal do not exist: a writer that was superseded may have written them.
 *
 *     logs/<name>.jsonl                  the active file, where records are appended
 *     logs/<name>/000001.jsonl           closed segments, oldest first
 *     .holdfast/logs/<name>.json         the manifest; a log of one file has none
 *     .holdfast/logs/<name>/000001.json  time index of a closed segment; can be lost
 *
 * Ids rise through a log, so what the active file holds up to the last closed id stands in a closed
 * segment already: a rotation that was interrupted shows nothing twice.
 */
import { createHash } from 'node:crypto'
import { isFileSystemError, StateStoreError } from '../../errors/index.js'
import type { FileOperations } from '../../file-system/index.js'
import type { IndexBlock } from '../../log-segment/index.js'
import { maxKeyUnits } from '../refusals.js'
import { isRevision } from '../revision.js'
import { decodeKey, encodeKey, isHashedName } from './key-encoding.js'
import type { Layout } from './layout.js'
import { lastIdBefore } from './log-tail.js'

export interface ClosedSegment {
  /** Rises by one or more. */
  readonly number: number
  /** Where it was sealed. */
  readonly bytes: number
  readonly records: number
  /** Of its records, least and greatest; absent when none has a time. Milliseconds since the epoch. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** The greatest id in it, or before it. */
  readonly lastId: string
}

export interface LogManifest {
  readonly log: string
  readonly segments: readonly ClosedSegment[]
}

const suffix = '.jsonl'

/** Where the parts of one log are. `name` is the encoded one. */
export class LogPlaces {
  constructor(
    readonly layout: Layout,
    readonly name: string,
  ) {}

  static of(layout: Layout, log: string): LogPlaces {
    return new LogPlaces(layout, encodeKey(log, 'log'))
  }

  get active(): string {
    return `${this.layout.logs}/${this.name}${suffix}`
  }

  get directory(): string {
    return `${this.layout.logs}/${this.name}`
  }

  get manifest(): string {
    return `${this.layout.logManifests}/${this.name}.json`
  }

  get indexes(): string {
    return `${this.layout.logManifests}/${this.name}`
  }

  segment(number: number): string {
    return `${this.directory}/${padded(number)}${suffix}`
  }

  index(number: number): string {
    return `${this.indexes}/${padded(number)}.json`
  }

  /** Whether the file does not spell the log's name, so that a manifest must. */
  get isHashed(): boolean {
    return isHashedName(this.name)
  }
}

const padded = (number: number): string => String(number).padStart(6, '0')

/** A log is never followed through a symlink, which may lead out of the store: `STATE_PATH_ESCAPE`. */
export function refuseLinks(fs: FileOperations, { active, directory, layout }: LogPlaces): void {
  for (const path of [layout.logs, active, directory]) {
    if (fs.status(path)?.kind !== 'symlink') continue
    throw new StateStoreError({
      code: 'STATE_PATH_ESCAPE',
      message: `${path} is a symlink, where the files of a log should be`,
      operation: 'resolve',
      path,
      hint: 'Put the files themselves there; the store directory as a whole may be a symlink.',
    })
  }
}

/** The encoded names of the logs that have a file. */
export function listLogs(fs: FileOperations, layout: Layout): string[] {
  const names = new Set<string>()
  if (fs.status(layout.logs)?.kind !== 'directory') return []
  for (const { name, kind } of listed(fs, layout.logs)) {
    if (kind === 'directory') {
      // Only its active file can be missing: somebody has deleted it.
      if (fs.status(`${layout.logManifests}/${name}.json`) !== undefined) names.add(name)
    } else if (kind === 'file' && name.endsWith(suffix) && !name.startsWith('.')) {
      names.add(name.slice(0, -suffix.length))
    }
  }
  return [...names]
}

function listed(fs: FileOperations, path: string): ReturnType<FileOperations['readDirectory']> {
  try {
    return fs.readDirectory(path)
  } catch (error) {
    if (isFileSystemError(error, 'NotFound', 'NotADirectory', 'TooManySymlinks')) return []
    throw error
  }
}

const digest = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16)

/** One line of JSON with a checksum over its body. */
function seal(kind: string, body: object): string {
  const text = JSON.stringify(body)
  return `{"holdfast":${JSON.stringify(kind)},"checksum":"${digest(text)}","body":${text}}\n`
}

/** The body, if the text is of this kind and whole. */
function unseal(kind: string, text: string): unknown {
  try {
    const whole = JSON.parse(text) as { holdfast?: unknown; checksum?: unknown; body?: unknown }
    const isWhole = whole.holdfast === kind && whole.checksum === digest(JSON.stringify(whole.body))
    return isWhole ? whole.body : undefined
  } catch {
    // Not JSON: damaged, which is an answer here.
    return undefined
  }
}

export const encodeManifest = (manifest: LogManifest): string => seal('log', manifest)

export function decodeManifest(text: string): LogManifest | undefined {
  const body = unseal('log', text)
  return isRecord(body) && isName(body.log) && isRising(body.segments, isSegment, 'number')
    ? { log: body.log, segments: body.segments as ClosedSegment[] }
    : undefined
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= maxKeyUnits

const isSize = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

const isTime = (value: unknown): boolean => value === undefined || Number.isFinite(value)

const isSegment = ({
  bytes,
  from,
  lastId,
  number,
  records,
  to,
}: Record<string, unknown>): boolean =>
  isSize(number) &&
  isSize(bytes) &&
  isSize(records) &&
  isTime(from) &&
  isTime(to) &&
  isRevision(lastId)

const isBlock = ({ from, lastId, lines, offset, to }: Record<string, unknown>): boolean =>
  isSize(offset) &&
  isSize(lines) &&
  isTime(from) &&
  isTime(to) &&
  (lastId === undefined || isRevision(lastId))

/** Whether it is a list of such, each with a greater number under the name than the one before. */
function isRising(
  list: unknown,
  isFit: (each: Record<string, unknown>) => boolean,
  name: string,
): boolean {
  if (!Array.isArray(list)) return false
  const numberAt = (index: number): number => Number((list[index] as Record<string, unknown>)[name])
  return list.every(
    (each, index) =>
      isRecord(each) && isFit(each) && (index === 0 || numberAt(index) > numberAt(index - 1)),
  )
}

/** What an index was made of; another file under the name has none. */
export interface IndexedFile {
  readonly bytes: number
  readonly inode: string
}

export const encodeIndex = (file: IndexedFile, blocks: readonly IndexBlock[]): string =>
  seal('log-index', { ...file, blocks })

export function decodeIndex(text: string, file: IndexedFile): IndexBlock[] | undefined {
  const body = unseal('log-index', text)
  if (!isRecord(body) || body.bytes !== file.bytes || body.inode !== file.inode) return undefined
  if (!isRising(body.blocks, isBlock, 'offset')) return undefined
  const blocks = body.blocks as IndexBlock[]
  return (blocks.at(-1)?.offset ?? 0) <= file.bytes ? blocks : undefined
}

function readText(fs: FileOperations, path: string): string | undefined {
  try {
    return Buffer.from(fs.readFile(path)).toString('utf8')
  } catch (error) {
    if (isFileSystemError(error, 'NotFound', 'TooManySymlinks')) return undefined
    throw error
  }
}

function lastIdOf(fs: FileOperations, path: string, bytes: number): string | undefined {
  const file = fs.open(path, 'read')
  try {
    return lastIdBefore(fs, file, bytes)
  } finally {
    fs.close(file)
  }
}

export interface ReadManifest {
  readonly manifest: LogManifest
  /** It was lost or damaged, and is what the files tell: where they were sealed is not known. */
  readonly rebuilt: boolean
}

/** The manifest of a log; of one that is lost what can be told from the files. */
export function readManifest(fs: FileOperations, places: LogPlaces): ReadManifest {
  const text = readText(fs, places.manifest)
  const manifest = text === undefined ? undefined : decodeManifest(text)
  if (manifest !== undefined) return { manifest, rebuilt: false }
  const segments = segmentsFound(fs, places)
  if (text === undefined && segments.length > 0) {
    // The first segment of all may have been closed while we looked.
    const now = decodeManifest(readText(fs, places.manifest) ?? '')
    if (now !== undefined) return { manifest: now, rebuilt: false }
  }
  const log = decodeKey(places.name) ?? places.name
  return { manifest: { log, segments }, rebuilt: segments.length > 0 || text !== undefined }
}

function segmentsFound(fs: FileOperations, places: LogPlaces): ClosedSegment[] {
  const active = fs.status(places.active)?.inode
  const segments: ClosedSegment[] = []
  for (const { name } of listed(fs, places.directory)) {
    const number = Number(/^(\d{6,})\.jsonl$/.exec(name)?.[1])
    const status = Number.isNaN(number) ? undefined : fs.status(`${places.directory}/${name}`)
    // The active file stands here as well while it is being closed.
    if (status?.kind !== 'file' || status.inode === active) continue
    segments.push({ number, bytes: status.size, records: 0, lastId: '0.0' })
  }
  segments.sort((left, right) => left.number - right.number)
  let lastId = '0.0'
  for (const [index, segment] of segments.entries()) {
    lastId = lastIdOf(fs, places.segment(segment.number), segment.bytes) ?? lastId
    segments[index] = { ...segment, lastId }
  }
  return segments
}
