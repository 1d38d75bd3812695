import type { DocumentAddress, StorageListener, StoredDocument } from '../storage.js'

const maxRemembered = 10_000

/** What was found on disk and is to be told once, whoever comes across it first. */
export class News {
  readonly #listener: StorageListener
  readonly #told = new Set<string>()

  constructor(listener: StorageListener) {
    this.#listener = listener
  }

  /** Tells of a document that was made or changed from outside. */
  read(address: DocumentAddress, path: string, { origin, revision }: StoredDocument): void {
    if (origin !== 'external' || !this.isNew(`${path} ${revision}`)) return
    this.#listener('state:external-change', { address, path, revision })
  }

  isNew(report: string): boolean {
    if (this.#told.has(report)) return false
    if (this.#told.size >= maxRemembered) this.#told.clear()
    this.#told.add(report)
    return true
  }
}
