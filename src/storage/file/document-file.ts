/**
 * One document as one file.
 *
 * An object carries its metadata as one last key:
 *
 *     { "status": "pending", "$holdfast": { "revision": "3.7", "savedAt": "2026-…Z",
 *       "writer": "…", "schemaVersion": 2, "checksum": "sha256:0f1e2d3c4b5a6978" } }
 *
 * Arrays and scalars stand in an envelope, `{ "value": […], "$holdfast": { "envelope": true, … } }`.
 * `key` stands in the metadata when the file name does not spell it.
 *
 * The checksum covers the whole text with its own digits replaced by zeros. The file's modification
 * time is `savedAt`, plus 1 to 999 microseconds that depend on the document's address: the mark. A
 * program or person who changes the file changes the mark too, so the two tell damage from an edit:
 *
 * | checksum | mark         | verdict                                                    |
 * |----------|--------------|------------------------------------------------------------|
 * | right    | any          | intact; also after a reformat, which does not change values |
 * | wrong    | ours         | damaged                                                    |
 * | wrong    | not ours     | edited, if it can be read; else damaged                    |
 * | none     | ours, and traces of metadata remain in the text | damaged: a flipped bit hid it |
 * | none     | otherwise    | made by hand                                               |
 */
import { createHash } from 'node:crypto'
import {
  adoptableCopy,
  metadataKey,
  type Serializer,
  storableCopy,
} from '../../serializer/index.js'
import { editedRevision, isRevision, type Revision } from '../revision.js'
import type { DocumentAddress, StoredDocument } from '../storage.js'

export interface DocumentMetadata {
  readonly revision: Revision
  /** Milliseconds since the epoch. */
  readonly savedAt: number
  readonly writer?: string | undefined
  readonly schemaVersion?: number | undefined
  /** Set when the file name does not spell the key. */
  readonly key?: string | undefined
  /** Set when the directory's name does not spell the collection. */
  readonly collection?: string | undefined
}

export type Verdict =
  | { readonly kind: 'intact' | 'edited'; readonly document: StoredDocument }
  | { readonly kind: 'damaged'; readonly reason: string; readonly marked: boolean }

const checksumPrefix = 'sha256:'
const checksumDigits = 16
const blank = checksumPrefix + '0'.repeat(checksumDigits)
const checksumShape = /^sha256:[0-9a-f]{16}$/

const digest = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex').slice(0, checksumDigits)

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The text of a document's file: `value`, which is storable, and its metadata, with the checksum of
 * everything else in its place at the end.
 */
export function encodeDocument(
  serializer: Serializer,
  value: unknown,
  metadata: DocumentMetadata,
): string {
  const enveloped = !isPlainObject(value)
  const facts = {
    revision: metadata.revision,
    savedAt: new Date(metadata.savedAt).toISOString(),
    ...(metadata.writer === undefined ? {} : { writer: metadata.writer }),
    ...(metadata.schemaVersion === undefined ? {} : { schemaVersion: metadata.schemaVersion }),
    ...(metadata.key === undefined ? {} : { key: metadata.key }),
    ...(metadata.collection === undefined ? {} : { collection: metadata.collection }),
    ...(enveloped ? { envelope: true } : {}),
    checksum: blank,
  }
  const whole = enveloped ? { value, [metadataKey]: facts } : { ...value, [metadataKey]: facts }
  const text = (serializer.heading ?? '') + serializer.encode(whole)
  const at = text.lastIndexOf(blank)
  return `${text.slice(0, at)}${checksumPrefix}${digest(text)}${text.slice(at + blank.length)}`
}

/** Microseconds, 1 to 999, that mark files of this address as untouched by others. */
export function markOf(address: DocumentAddress): number {
  const hash = createHash('sha256').update(address.collection).update('\0').update(address.key)
  return 1 + (hash.digest().readUInt32BE(0) % 999)
}

/** The modification time to give a file saved at `savedAt` (milliseconds). */
export const markedTime = (savedAt: number, mark: number): number => savedAt * 1000 + mark

interface Parsed {
  readonly value: unknown
  readonly metadata: DocumentMetadata
  readonly checksum: string
}

function parseMetadata(
  facts: unknown,
): (DocumentMetadata & { envelope: boolean; checksum: string }) | undefined {
  if (!isPlainObject(facts)) return undefined
  const { revision, savedAt, writer, schemaVersion, key, collection, envelope, checksum } = facts
  if (!isRevision(revision) || typeof savedAt !== 'string' || typeof checksum !== 'string') {
    return undefined
  }
  const time = Date.parse(savedAt)
  if (Number.isNaN(time) || !checksumShape.test(checksum)) return undefined
  return {
    revision,
    savedAt: time,
    writer: typeof writer === 'string' ? writer : undefined,
    schemaVersion: typeof schemaVersion === 'number' ? schemaVersion : undefined,
    key: typeof key === 'string' ? key : undefined,
    collection: typeof collection === 'string' ? collection : undefined,
    envelope: envelope === true,
    checksum,
  }
}

/** Takes the metadata out of a decoded file; undefined if it has none that can be understood. */
function split(whole: unknown): Parsed | undefined {
  if (!isPlainObject(whole) || !Object.hasOwn(whole, metadataKey)) return undefined
  const parsed = parseMetadata(whole[metadataKey])
  if (parsed === undefined) return undefined
  const { envelope, checksum, ...metadata } = parsed
  if (envelope) return { value: whole.value, metadata, checksum }
  delete whole[metadataKey]
  return { value: whole, metadata, checksum }
}

function matchesAsWritten(text: string, checksum: string): boolean {
  const at = text.lastIndexOf(checksum)
  if (at < 0) return false
  return (
    digest(text.slice(0, at) + blank + text.slice(at + checksum.length)) ===
    checksum.slice(checksumPrefix.length)
  )
}

/** Whether the same value and metadata, written by us, would carry this checksum. */
function matchesWhenRewritten(
  serializer: Serializer,
  { value, metadata, checksum }: Parsed,
  savedAt: number,
): boolean {
  try {
    // A number beyond all bounds would be written as null.
    const text = encodeDocument(serializer, storableCopy(value), { ...metadata, savedAt })
    // The last one: a value may quote a checksum.
    return text.startsWith(checksum, text.lastIndexOf(checksumPrefix))
  } catch {
    // Nested too deeply to be written: nothing of ours.
    return false
  }
}

const traces = [metadataKey, 'revision', 'savedAt', 'checksum', checksumPrefix]

/** Whether the text was written by holdfast, although its metadata can no longer be read. */
const hasTraces = ({ heading }: Serializer, text: string): boolean =>
  traces.filter((trace) => text.includes(trace)).length >= 3 ||
  (heading !== undefined && (text.startsWith(heading) || heading.startsWith(text)))

const withoutByteOrderMark = (text: string): string =>
  text.charCodeAt(0) === 0xfeff ? text.slice(1) : text

function decode(serializer: Serializer, text: string): { whole: unknown } | { problem: string } {
  try {
    return { whole: serializer.decode(withoutByteOrderMark(text)) }
  } catch (error) {
    return { problem: `not valid ${serializer.name}: ${(error as Error).message}` }
  }
}

const toText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')

/** The document, if the file is just as holdfast wrote it: one parse and one hash. */
export function readIntact(serializer: Serializer, bytes: Uint8Array): StoredDocument | undefined {
  const text = toText(bytes)
  const decoded = decode(serializer, text)
  const parsed = 'whole' in decoded ? split(decoded.whole) : undefined
  if (parsed === undefined || !matchesAsWritten(text, parsed.checksum)) return undefined
  return toDocument(parsed, 'store')
}

/** What stands in a document's metadata, for files whose path does not spell key or collection. */
export function namesIn(
  serializer: Serializer,
  bytes: Uint8Array,
): Pick<DocumentMetadata, 'key' | 'collection'> {
  const decoded = decode(serializer, toText(bytes))
  return ('whole' in decoded ? split(decoded.whole)?.metadata : undefined) ?? {}
}

/**
 * The revision a file was saved with, if it tells one: in its metadata, for users may store anything that
 * looks like one. Of a format that nobody has named yet it is told as YAML would have it.
 */
export function savedRevisionIn(
  serializer: Serializer | undefined,
  bytes: Uint8Array,
): Revision | undefined {
  const text = toText(bytes)
  if (serializer === undefined) {
    return /^["']?\$holdfast["']?:\s+revision:\s*["']?(\d+\.\d+)/m.exec(text)?.[1]
  }
  const decoded = decode(serializer, text)
  return 'whole' in decoded ? split(decoded.whole)?.metadata.revision : undefined
}

/** Judges the content of a document's file, given its modification time. Pure. */
export function judge(
  serializer: Serializer,
  address: DocumentAddress,
  bytes: Uint8Array,
  modified: number,
): Verdict {
  const text = toText(bytes)
  const decoded = decode(serializer, text)
  const parsed = 'whole' in decoded ? split(decoded.whole) : undefined
  if (parsed !== undefined && matchesAsWritten(text, parsed.checksum)) {
    return { kind: 'intact', document: toDocument(parsed, 'store') }
  }

  const savedAtByMark = Math.floor(modified / 1000)
  const marked = modified % 1000 === markOf(address)
  if ('problem' in decoded) return { kind: 'damaged', reason: decoded.problem, marked }
  if (parsed === undefined && marked && hasTraces(serializer, text)) {
    return { kind: 'damaged', reason: 'its metadata is unreadable', marked }
  }
  const said = parsed === undefined ? withoutRemains(decoded.whole) : parsed.value
  const usable = adoptable(said)
  if ('problem' in usable) return { kind: 'damaged', reason: usable.problem, marked }
  const { value } = usable
  if (parsed === undefined) return adopt(value, text, savedAtByMark, undefined)
  return judgeOurs(serializer, text, { ...parsed, value }, savedAtByMark, marked)
}

/** Of a file whose checksum is not that of its text, but whose metadata can be read. */
function judgeOurs(
  serializer: Serializer,
  text: string,
  parsed: Parsed,
  savedAtByMark: number,
  marked: boolean,
): Verdict {
  if (matchesWhenRewritten(serializer, parsed, parsed.metadata.savedAt)) {
    const value = storableCopy(parsed.value)
    return { kind: 'intact', document: toDocument({ ...parsed, value }, 'store') }
  }
  if (marked && matchesWhenRewritten(serializer, parsed, savedAtByMark)) {
    // Only the date was hit, and the modification time still tells it.
    const metadata = { ...parsed.metadata, savedAt: savedAtByMark }
    const value = storableCopy(parsed.value)
    return {
      kind: 'intact',
      document: toDocument({ value, checksum: parsed.checksum, metadata }, 'store'),
    }
  }
  if (marked) return { kind: 'damaged', reason: 'its checksum does not match', marked }
  return adopt(parsed.value, text, savedAtByMark, parsed.metadata)
}

/**
 * The value, if it can be adopted. Formats can say more: cycles by way of aliases, dates, sets, any depth; and
 * a value that is missing from its envelope must not pass for a document that is absent.
 */
function adoptable(value: unknown): { value: unknown } | { problem: string } {
  try {
    return { value: adoptableCopy(value) }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

/** The value alone, where a person has changed the metadata so that it is none any more. */
function withoutRemains(whole: unknown): unknown {
  if (!isPlainObject(whole)) return whole
  const { [metadataKey]: facts, ...value } = whole
  const ours = isPlainObject(facts) && ['revision', 'savedAt', 'checksum'].some((k) => k in facts)
  if (!ours) return whole
  return facts.envelope === true && Object.hasOwn(value, 'value') ? value.value : value
}

function toDocument({ value, metadata }: Parsed, origin: StoredDocument['origin']): StoredDocument {
  const { revision, savedAt, writer, schemaVersion } = metadata
  return { value, revision, savedAt, writer, schemaVersion, origin }
}

/** Content that somebody else wrote: taken as it is, under a revision of its own. */
function adopt(
  value: unknown,
  text: string,
  savedAt: number,
  metadata: DocumentMetadata | undefined,
): Verdict {
  const revision = editedRevision(metadata?.revision, digest(text))
  const { writer, schemaVersion } = metadata ?? {}
  const document: StoredDocument = {
    value,
    revision,
    savedAt,
    writer,
    schemaVersion,
    origin: 'external',
  }
  return { kind: 'edited', document }
}
