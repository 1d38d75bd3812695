/**
 * What is kept of a document beside its present version: earlier versions (backups) and damaged
 * bytes (quarantine).
 *
 * Both are made by hard link, which costs no copy and cannot lose the file they are made from. A
 * backup is linked just before its document is replaced; it is as durable as the next sync of its
 * directory, so a power cut can take the newest backup away, never the document.
 */
import { createHash } from 'node:crypto'
import { isFileSystemError, StateStoreError } from '../../errors/index.js'
import { type FileSystem, io, type Steps, unlessMissing } from '../../file-system/index.js'
import type { Revision } from '../revision.js'
import type { BackupStatus, DocumentAddress, StoredDocument } from '../storage.js'
import { judge } from './document-file.js'
import type { DocumentFiles } from './document-files.js'
import { encodeKey } from './key-encoding.js'
import type { Layout } from './layout.js'

/** `<ISO time with dashes>-before-<revision that replaced it>.<extension>` */
const backupShape = /^(\d{4}-\d{2}-\d{2}T\d{2})-(\d{2})-(\d{2}\.\d{3}Z)-before-(\d+)\.(\d+)\.\w+$/

const stampOf = (time: number): string => new Date(time).toISOString().replaceAll(':', '-')

export class Keepsakes {
  readonly #fileSystem: FileSystem
  readonly #layout: Layout
  readonly #files: DocumentFiles
  /** Backups to keep of each document; 0 for none. */
  readonly keep: number
  readonly #madeDirectories = new Set<string>()
  readonly #sincePruning = new Map<string, number>()

  constructor(fileSystem: FileSystem, layout: Layout, files: DocumentFiles, keep: number) {
    this.#fileSystem = fileSystem
    this.#layout = layout
    this.#files = files
    this.keep = keep
  }

  /** Keeps the present version, which is about to be replaced by `revision`. */
  *backUp(address: DocumentAddress, path: string, revision: Revision, time: number): Steps<void> {
    if (this.keep === 0) return
    const name = this.#files.nameAt(address, path)
    const directory = this.#backupDirectory(address, name)
    const extension = name.slice(name.lastIndexOf('.') + 1)
    const backup = `${directory}/${stampOf(time)}-before-${revision}.${extension}`
    yield* this.#linkInto(directory, path, backup)
    // Nobody knows how many the processes before us have left: ours begins by looking.
    this.#sincePruning.set(directory, (this.#sincePruning.get(directory) ?? this.keep) + 1)
  }

  /** Whether so many backups were made that the oldest should go. */
  isPruningDue(address: DocumentAddress): boolean {
    if (this.keep === 0) return false
    return (this.#sincePruning.get(this.#backupDirectory(address)) ?? 0) >= this.keep
  }

  /** Drops the oldest backups beyond the number kept, once the newest of the kept is known to be good. */
  *prune(address: DocumentAddress): Steps<void> {
    const directory = this.#backupDirectory(address)
    this.#sincePruning.set(directory, 0)
    const backups = yield* this.list(address)
    if (backups.length <= this.keep) return
    const newest = backups.at(-1)
    if (newest === undefined || (yield* this.#readGood(address, newest.id)) === undefined) return
    for (const { id } of backups.slice(0, -this.keep)) {
      yield* unlessMissing(io.unlink(`${directory}/${id}`))
    }
  }

  /** Oldest first. */
  *list(address: DocumentAddress): Steps<BackupStatus[]> {
    const entries = (yield* unlessMissing(io.readDirectory(this.#backupDirectory(address)))) ?? []
    const backups: (BackupStatus & { generation: number; counter: number })[] = []
    for (const { name } of entries) {
      const [, hour, minute, rest, generation, counter] = backupShape.exec(name) ?? []
      if (hour === undefined) continue
      const replacedAt = Date.parse(`${hour}:${minute}:${rest}`)
      if (Number.isNaN(replacedAt)) continue
      backups.push({
        id: name,
        replacedAt,
        generation: Number(generation),
        counter: Number(counter),
      })
    }
    // By revision: the clock may have jumped.
    backups.sort((a, b) => a.generation - b.generation || a.counter - b.counter)
    return backups.map(({ id, replacedAt }) => ({ id, replacedAt }))
  }

  /** The newest backup that is undamaged. */
  *newestGood(
    address: DocumentAddress,
  ): Steps<{ id: string; document: StoredDocument } | undefined> {
    const backups = yield* this.list(address)
    for (const { id } of backups.reverse()) {
      const document = yield* this.#readGood(address, id)
      if (document !== undefined) return { id, document }
    }
    return undefined
  }

  *read(address: DocumentAddress, id: string): Steps<StoredDocument> {
    const document = backupShape.test(id) ? yield* this.#readGood(address, id) : undefined
    if (document !== undefined) return document
    throw new StateStoreError({
      code: 'STATE_CORRUPT',
      message: `There is no good backup ${id} of ${address.collection}/${address.key}`,
      operation: 'readBackup',
      path: `${this.#backupDirectory(address)}/${id}`,
      hint: 'List the backups: it may have been dropped meanwhile.',
    })
  }

  *#readGood(address: DocumentAddress, id: string): Steps<StoredDocument | undefined> {
    const path = `${this.#backupDirectory(address)}/${id}`
    const bytes = yield* unlessMissing(io.readFile(path))
    if (bytes === undefined) return undefined
    const modified = this.#fileSystem.blocking.status(path)?.modifiedMicros ?? 0
    const serializer = this.#files.serializerOf(address.collection)
    const verdict = judge(serializer, address, bytes, modified)
    return verdict.kind === 'damaged' ? undefined : verdict.document
  }

  /** Keeps damaged or displaced bytes; the same bytes once. Returns where. */
  *quarantine(address: DocumentAddress, path: string, bytes: Uint8Array): Steps<string> {
    const directory = `${this.#layout.quarantine}/${encodeKey(address.collection, 'collection')}`
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12)
    const kept = `${directory}/${this.#files.nameAt(address, path)}.${hash}`
    yield* this.#linkInto(directory, path, kept)
    return kept
  }

  /** Links `path` as `kept`; nothing happens when it is kept already or there is nothing to keep. */
  *#linkInto(directory: string, path: string, kept: string): Steps<void> {
    for (let tries = 1; ; tries++) {
      if (!this.#madeDirectories.has(directory)) this.#make(directory)
      try {
        return yield* io.link(path, kept)
      } catch (error) {
        if (isFileSystemError(error, 'AlreadyExists')) return
        if (!isFileSystemError(error, 'NotFound')) throw error
        // Either the document is gone, or somebody removed the directory.
        if (tries > 1 || this.#fileSystem.blocking.status(path) === undefined) return
        this.#madeDirectories.delete(directory)
      }
    }
  }

  #backupDirectory(address: DocumentAddress, name = this.#files.nameOf(address)): string {
    const collection = encodeKey(address.collection, 'collection')
    return `${this.#layout.backups}/${collection}/${name}`
  }

  /** Creates a directory two levels below an existing one. */
  #make(directory: string): void {
    const fs = this.#fileSystem.blocking
    const parent = directory.slice(0, directory.lastIndexOf('/'))
    for (const path of [parent, directory]) {
      try {
        fs.makeDirectory(path, 0o700)
      } catch (error) {
        if (!isFileSystemError(error, 'AlreadyExists')) throw error
      }
    }
    this.#madeDirectories.add(directory)
  }
}
