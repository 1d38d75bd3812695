/**
 * All or none for several documents, and for what is appended to logs with them.
 *
 * Before a batch with a commit of several parts shows any of them, it publishes a *redo intent*: one
 * file with the full new content of each document and the lines for each log, synced, then renamed out
 * of staging into `intents/`. That rename, once durable, is the commit. Its writer then has nothing left
 * to do that takes more space than it has taken. If it dies first, whoever writes next completes what it
 * finds there: it applies each document whose present revision is older, appends the lines that the logs
 * do not have yet, then removes the intent, durably, so that it cannot come back after a power cut and
 * undo something newer.
 *
 *     { "holdfast": "intent", "revision": "4.9", "savedAt": …, "checksum": "…", "documents": [
 *       { "collection": "tasks", "key": "a", "path": "tasks/a.json", "kind": "put", "text": "…" } ],
 *       "appends": [ { "log": "sent", "lines": [ { "id": "4.9", "line": "…" } ] } ] }
 */
import { createHash } from 'node:crypto'
import {
  type AtomicWriter,
  removeStaged,
  renameWithRetry,
  type StagingArea,
  syncDirectory,
} from '../../atomic-write/index.js'
import { isFileSystemError } from '../../errors/index.js'
import { type FileSystem, io, type Steps, unlessMissing } from '../../file-system/index.js'
import { compareRevisions, isRevision, type Revision } from '../revision.js'
import type { DocumentAddress, StorageListener } from '../storage.js'
import { markedTime, markOf, savedRevisionIn } from './document-file.js'
import type { DocumentFiles } from './document-files.js'
import type { Keepsakes } from './keepsakes.js'
import { internalsName, type Layout } from './layout.js'
import type { LineToAppend, LogWriter } from './log-writer.js'

export interface IntentDocument extends DocumentAddress {
  readonly revision: Revision
  /** Relative to the root. */
  readonly path: string
  readonly kind: 'put' | 'delete'
  readonly mode: number
  /** The whole file; empty for a delete. */
  readonly text: string
}

export interface IntentAppend {
  readonly log: string
  readonly lines: readonly LineToAppend[]
}

export interface Intent {
  readonly revision: Revision
  /** Milliseconds since the epoch. */
  readonly savedAt: number
  readonly documents: readonly IntentDocument[]
  readonly appends: readonly IntentAppend[]
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function encodeIntent({ revision, savedAt, documents, appends }: Intent): string {
  const body = JSON.stringify(documents)
  const lines = JSON.stringify(appends)
  const checksum = digest(`${revision} ${savedAt} ${body} ${lines}`)
  const head = JSON.stringify({ holdfast: 'intent', revision, savedAt, checksum })
  return `${head.slice(0, -1)},"documents":${body},"appends":${lines}}\n`
}

/** Undefined for damaged content. Paths are checked: an intent cannot reach outside the store. */
function decodeIntent(text: string): Intent | undefined {
  try {
    const whole: unknown = JSON.parse(text)
    if (!isRecord(whole)) return undefined
    const { appends, checksum, documents, revision, savedAt } = whole
    const body = `${JSON.stringify(documents)} ${JSON.stringify(appends)}`
    if (digest(`${revision} ${savedAt} ${body}`) !== checksum) return undefined
    if (!isRevision(revision) || !Number.isFinite(savedAt)) return undefined
    if (!isListOf(documents, isIntentDocument) || !isListOf(appends, isIntentAppend)) {
      return undefined
    }
    return { revision, savedAt: savedAt as number, documents, appends }
  } catch {
    // Not JSON, or nested so deeply that it is none of ours.
    return undefined
  }
}

const isListOf = <T>(list: unknown, is: (each: unknown) => each is T): list is T[] =>
  Array.isArray(list) && list.every(is)

const isKey = (value: unknown): value is string => typeof value === 'string' && value.length > 0

function isIntentDocument(document: unknown): document is IntentDocument {
  if (!isRecord(document)) return false
  const { collection, key, kind, mode, path, revision, text } = document
  return (
    isKey(collection) &&
    isKey(key) &&
    isRevision(revision) &&
    (kind === 'put' || kind === 'delete') &&
    Number.isSafeInteger(mode) &&
    typeof text === 'string' &&
    isContained(path)
  )
}

/** Whether a path, relative to the root, leads to where documents are. */
function isContained(path: unknown): boolean {
  if (typeof path !== 'string' || path.includes('\0')) return false
  const parts = path.split('/')
  return (
    parts.length >= 2 && parts[0] !== internalsName && !parts.some((part) => /^\.{0,2}$/.test(part))
  )
}

const isIntentAppend = (append: unknown): append is IntentAppend =>
  isRecord(append) && isKey(append.log) && isListOf(append.lines, isLine)

const isLine = (line: unknown): line is LineToAppend =>
  isRecord(line) && isRevision(line.id) && typeof line.line === 'string'

export interface IntentContext {
  readonly fileSystem: FileSystem
  readonly layout: Layout
  readonly writer: AtomicWriter
  readonly files: DocumentFiles
  readonly keepsakes: Keepsakes
  readonly logs: LogWriter
  readonly listener: StorageListener
}

export class RedoIntents {
  readonly #context: IntentContext

  constructor(context: IntentContext) {
    this.#context = context
  }

  pathOf(revision: Revision): string {
    return `${this.#context.layout.intents}/${revision}.json`
  }

  /** Commits: once this returns, the intent will be carried out. */
  *publish(
    intent: Intent,
    area: StagingArea,
    durable: boolean,
    { onStaged, onPublished }: { readonly onStaged: () => void; readonly onPublished: () => void },
  ): Steps<void> {
    const { writer, layout } = this.#context
    const staged = yield* writer.stage(
      {
        target: this.pathOf(intent.revision),
        bytes: Buffer.from(encodeIntent(intent)),
        mode: 0o600,
        modifiedMicros: intent.savedAt * 1000,
        durable,
      },
      area,
    )
    try {
      onStaged()
      yield* writer.publish(staged)
    } catch (error) {
      yield* writer.discard(staged)
      throw error
    }
    onPublished()
    if (durable) yield* syncDirectory(layout.intents)
  }

  /** Forgets an intent that was carried out. */
  *forget(revision: Revision, durable: boolean): Steps<void> {
    yield* unlessMissing(io.unlink(this.pathOf(revision)))
    if (durable) yield* syncDirectory(this.#context.layout.intents)
  }

  /**
   * Makes another writer's intent visible and forgets it. Idempotent. Documents that are newer already
   * are left alone, and content that a person put in the way is set aside.
   */
  *#complete(intent: Intent, area: StagingArea): Steps<void> {
    const { layout } = this.#context
    const directories = new Set<string>()
    for (const document of intent.documents) {
      const path = `${layout.root}/${document.path}`
      directories.add(path.slice(0, path.lastIndexOf('/')))
      // Visible already, but perhaps not durable: its writer may have died before that.
      if (yield* this.#isSettled(document, path)) continue
      yield* this.#applyDocument(intent, document, path, area)
    }
    for (const directory of directories) yield* unlessMissing(syncDirectory(directory))
    for (const { log, lines } of intent.appends) {
      yield* this.#context.logs.complete(log, lines, area)
    }
    yield* this.forget(intent.revision, true)
  }

  *#applyDocument(
    intent: Intent,
    document: IntentDocument,
    path: string,
    area: StagingArea,
  ): Steps<void> {
    const { fileSystem, keepsakes, writer } = this.#context
    const { blocking } = fileSystem
    if (blocking.status(path) !== undefined) {
      yield* keepsakes.backUp(document, path, document.revision, intent.savedAt)
    }
    if (document.kind === 'delete') {
      yield* removeDocument(path, area)
      return
    }
    const directory = path.slice(0, path.lastIndexOf('/'))
    if (blocking.status(directory) === undefined) {
      yield* io.makeDirectory(directory, 0o700)
      yield* syncDirectory(this.#context.layout.root)
    }
    const staged = yield* writer.stage(
      {
        target: path,
        bytes: Buffer.from(document.text),
        mode: document.mode,
        modifiedMicros: markedTime(intent.savedAt, markOf(document)),
        durable: true,
      },
      area,
    )
    try {
      yield* writer.publish(staged)
    } catch (error) {
      yield* writer.discard(staged)
      throw error
    }
  }

  /** Whether the document is at the intent's revision or beyond; sets a person's edit aside if not. */
  *#isSettled(document: IntentDocument, path: string): Steps<boolean> {
    const bytes = yield* unlessMissing(io.readFile(path))
    if (bytes === undefined) return document.kind === 'delete'
    if (Buffer.from(document.text).equals(bytes)) return document.kind === 'put'
    const serializer = this.#context.files.serializerFor(path.slice(path.lastIndexOf('.') + 1))
    const present = savedRevisionIn(serializer, bytes)
    if (present !== undefined && compareRevisions(present, document.revision) >= 0) return true
    const modified = this.#context.fileSystem.blocking.status(path)?.modifiedMicros ?? 0
    if (present === undefined || modified % 1000 !== markOf(document)) {
      const { collection, key } = document
      const quarantinedAs = yield* this.#context.keepsakes.quarantine(document, path, bytes)
      this.#context.listener('state:corrupt', {
        address: { collection, key },
        path,
        reason: 'edited while a commit to it was being completed; the commit stands',
        quarantinedAs,
      })
    }
    return false
  }

  /** Completes every commit that its writer left half visible. Returns how many. */
  *recover(area: StagingArea): Steps<number> {
    const { layout, listener } = this.#context
    const entries = (yield* unlessMissing(io.readDirectory(layout.intents))) ?? []
    const revisions = entries
      .map(({ name }) => (name.endsWith('.json') ? name.slice(0, -'.json'.length) : ''))
      .filter(isRevision)
      .sort(compareRevisions)
    // Its writer may have died before an intent was durable. It must be before anything of it shows.
    if (revisions.length > 0) yield* syncDirectory(layout.intents)
    let completed = 0
    for (const revision of revisions) {
      const path = this.pathOf(revision)
      const bytes = yield* unlessMissing(io.readFile(path))
      if (bytes === undefined) continue
      const intent = decodeIntent(Buffer.from(bytes).toString('utf8'))
      if (intent === undefined || intent.revision !== revision) {
        const kept = `${layout.quarantine}/intent-${revision}.json`
        yield* renameWithRetry(path, kept)
        listener('state:corrupt', { path, reason: 'a damaged redo intent', quarantinedAs: kept })
        continue
      }
      yield* this.#complete(intent, area)
      completed += 1
    }
    return completed
  }
}

/**
 * Removes a document by renaming it into the staging directory: a plain unlink by a writer that was
 * superseded in that moment would remove its successor's document.
 */
export function* removeDocument(path: string, area: StagingArea): Steps<void> {
  const trash = area.nextPath()
  try {
    yield* renameWithRetry(path, trash)
  } catch (error) {
    // Gone already, by somebody else's hand; but not when it is our staging directory that is gone.
    if (isFileSystemError(error, 'NotFound') && !area.isRevoked()) return
    throw error
  }
  yield* removeStaged(trash)
}
