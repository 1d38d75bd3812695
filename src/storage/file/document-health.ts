/** Reading with judgement: damage is contained and repaired, edits by others are taken and reported. */
import { type AtomicWriter, type StagingArea, syncDirectory } from '../../atomic-write/index.js'
import { isStateStoreError, StateStoreError } from '../../errors/index.js'
import { type FileSystem, runSteps, type Steps, type StepTimer } from '../../file-system/index.js'
import type {
  DocumentAddress,
  StorageListener,
  StoredDocument,
  VerifyFinding,
  VerifyReport,
} from '../storage.js'
import { encodeDocument, markedTime, markOf } from './document-file.js'
import type { DocumentFiles, FoundDocument } from './document-files.js'
import { inlinePolicy } from './file-storage-options.js'
import type { Keepsakes } from './keepsakes.js'
import type { KeyListing } from './key-listing.js'
import type { LogReader } from './log-reader.js'
import type { News } from './news.js'
import type { TurnContext } from './write-loop.js'

export interface DocumentHealthContext {
  readonly fileSystem: FileSystem
  readonly timer: StepTimer
  readonly files: DocumentFiles
  readonly keepsakes: Keepsakes
  readonly listing: KeyListing
  readonly logReader: LogReader
  readonly news: News
  readonly writer: AtomicWriter
  readonly writerId: string
  readonly listener: StorageListener
  /** Undefined when the store is read-only: then nothing is repaired. */
  readonly inTurn: ((run: (turn: TurnContext) => Steps<void>) => Promise<void>) | undefined
}

export function corrupt(address: DocumentAddress, path: string, reason: string): StateStoreError {
  return new StateStoreError({
    code: 'STATE_CORRUPT',
    message: `${address.collection}/${address.key} is damaged and has no good backup: ${reason}`,
    operation: 'read',
    path,
    hint: 'The bytes are kept in .holdfast/quarantine. set() or delete() replaces the document.',
    details: { ...address, reason },
  })
}

export class DocumentHealth {
  readonly #context: DocumentHealthContext

  constructor(context: DocumentHealthContext) {
    this.#context = context
  }

  /** The document; restored from its newest good backup if it is damaged. */
  async read(address: DocumentAddress): Promise<StoredDocument | undefined> {
    const found = await this.#run(this.#context.files.find(address))
    if (found === undefined) return undefined
    if (found.verdict.kind !== 'damaged') return this.#accept(address, found)
    const restored = await this.repair(address)
    if (restored !== undefined) return restored
    // Deleted or replaced meanwhile, unless it is damaged still.
    const again = await this.#run(this.#context.files.find(address))
    if (again === undefined) return undefined
    if (again.verdict.kind === 'damaged') throw corrupt(address, again.path, again.verdict.reason)
    return this.#accept(address, again)
  }

  /** Restores a damaged document; undefined if there was nothing to restore or nothing to restore from. */
  async repair(address: DocumentAddress): Promise<StoredDocument | undefined> {
    const { inTurn } = this.#context
    if (inTurn === undefined) return undefined
    let restored: StoredDocument | undefined
    const context = this
    await inTurn(function* (turn) {
      restored = yield* context.#restore(address, turn)
    })
    return restored
  }

  #accept(address: DocumentAddress, { path, verdict }: FoundDocument): StoredDocument {
    if (verdict.kind === 'damaged') throw corrupt(address, path, verdict.reason)
    const { document } = verdict
    this.#context.news.read(address, path, document)
    return document
  }

  *#restore(address: DocumentAddress, turn: TurnContext): Steps<StoredDocument | undefined> {
    const { files, keepsakes, listener } = this.#context
    const seen = files.stampOf(address)
    const found = yield* files.find(address)
    if (found === undefined || found.verdict.kind !== 'damaged') return undefined
    const { path, bytes, verdict } = found
    const quarantinedAs = yield* keepsakes.quarantine(address, path, bytes)
    const good = yield* keepsakes.newestGood(address)
    if (good === undefined) {
      // It stays where it is: a corrupt document must not be mistaken for an absent one.
      if (this.#context.news.isNew(quarantinedAs)) {
        listener('state:corrupt', { address, path, reason: verdict.reason, quarantinedAs })
      }
      return undefined
    }
    const restored: StoredDocument = {
      ...good.document,
      revision: turn.nextRevision(),
      savedAt: turn.savedAt,
      writer: this.#context.writerId,
      origin: 'store',
    }
    if (!(yield* this.#replace(address, restored, turn.area, seen))) return undefined
    listener('state:corrupt', {
      address,
      path,
      reason: verdict.reason,
      quarantinedAs,
      restoredFrom: good.id,
    })
    return restored
  }

  /** False, with nothing done, when somebody has mended the file in the meantime. */
  *#replace(
    address: DocumentAddress,
    document: StoredDocument,
    area: StagingArea,
    seen: string,
  ): Steps<boolean> {
    const { files, writer } = this.#context
    const target = files.targetOf(address, new Set())
    const { revision, savedAt, schemaVersion } = document
    const text = encodeDocument(files.serializerOf(address.collection), document.value, {
      revision,
      savedAt,
      writer: document.writer,
      schemaVersion,
      ...files.namesToStore(address),
    })
    const staged = yield* writer.stage(
      {
        target: target.path,
        bytes: Buffer.from(text),
        mode: target.mode,
        modifiedMicros: markedTime(savedAt, markOf(address)),
        durable: true,
      },
      area,
    )
    let replaced = false
    try {
      if (files.stampOf(address) !== seen) return false
      yield* writer.publish(staged)
      replaced = true
    } finally {
      if (!replaced) yield* writer.discard(staged)
    }
    yield* syncDirectory(target.directory)
    return true
  }

  /** Looks at every document. With `repair`, damaged ones are restored where there is a good backup. */
  async verify(repair: boolean): Promise<VerifyReport> {
    const { listing } = this.#context
    const findings: VerifyFinding[] = []
    let documents = 0
    let intact = 0
    for (const collection of await listing.collections()) {
      const { keys, unreadable } = await listing.keys(collection)
      documents += keys.length + unreadable.length
      for (const path of unreadable) {
        findings.push({ kind: 'corrupt', path, reason: 'its key cannot be read' })
      }
      for (const key of keys) {
        const finding = await this.#examine({ collection, key }, repair)
        if (finding === undefined) intact += 1
        else findings.push(finding)
      }
    }
    const records = await this.#verifyLogs(findings)
    return { documents, intact, records, findings }
  }

  /** Counts whole records; damaged places are found, and left as they are. */
  async #verifyLogs(findings: VerifyFinding[]): Promise<number> {
    const { logReader } = this.#context
    let count = 0
    for (const { log } of logReader.list()) {
      for await (const { records, damage } of logReader.read({ log })) {
        count += records.length
        for (const { path, offset, bytes, reason } of damage) {
          const place = `${bytes} bytes at ${offset} of log ${log}: ${reason}`
          findings.push({ kind: 'corrupt', path, reason: place })
        }
      }
    }
    return count
  }

  async #examine(address: DocumentAddress, repair: boolean): Promise<VerifyFinding | undefined> {
    const path = this.#context.files.pathOf(address)
    try {
      const found = await this.#run(this.#context.files.find(address))
      if (found === undefined || found.verdict.kind === 'intact') return undefined
      const { verdict } = found
      if (verdict.kind !== 'damaged') {
        this.#accept(address, found)
        return { kind: 'edited', address, path: found.path, reason: 'changed from outside' }
      }
      const { reason } = verdict
      const restored = repair ? await this.repair(address) : undefined
      return {
        kind: 'corrupt',
        address,
        path: found.path,
        reason,
        ...(restored === undefined ? {} : { repaired: `restored as ${restored.revision}` }),
      }
    } catch (error) {
      if (!isStateStoreError(error)) throw error
      const kind = error.code === 'STATE_PATH_ESCAPE' ? 'escape' : 'unreadable'
      return { kind, address, path, reason: error.message }
    }
  }

  #run<T>(steps: Steps<T>): Promise<T> {
    return runSteps(this.#context.fileSystem, this.#context.timer, steps, inlinePolicy)
  }
}
