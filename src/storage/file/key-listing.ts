/** Listing collections and keys. */
import { isFileSystemError, isStateStoreError } from '../../errors/index.js'
import type { DirectoryEntry, FileSystem } from '../../file-system/index.js'
import type { Serializer } from '../../serializer/index.js'
import { namesIn } from './document-file.js'
import type { DocumentFiles } from './document-files.js'
import { decodeKey, encodeKey } from './key-encoding.js'
import { internalsName, type Layout } from './layout.js'

export interface ListedKeys {
  readonly keys: readonly string[]
  /** Files whose key stands in their content, which is damaged. */
  readonly unreadable: readonly string[]
}

function isNamed(stem: string, key: string): boolean {
  try {
    return encodeKey(key) === stem
  } catch (error) {
    if (isStateStoreError(error, 'STATE_INVALID_KEY')) return false
    throw error
  }
}

export class KeyListing {
  readonly #fileSystem: FileSystem
  readonly #layout: Layout
  readonly #files: DocumentFiles

  constructor(fileSystem: FileSystem, layout: Layout, files: DocumentFiles) {
    this.#fileSystem = fileSystem
    this.#layout = layout
    this.#files = files
  }

  /** Collections that have a file. Hidden ones (`.git`) and holdfast's own are none. */
  async collections(): Promise<string[]> {
    const collections: string[] = []
    for (const { name, kind } of await this.#read(this.#layout.root)) {
      if (kind === 'file' || kind === 'other' || name.startsWith('.') || name === internalsName)
        continue
      const directory = `${this.#layout.root}/${name}`
      const entries = await this.#read(directory)
      const isLogs = directory === this.#layout.logs
      const files = entries.filter(
        (entry) =>
          entry.kind !== 'directory' &&
          entry.name[0] !== '.' &&
          !(isLogs && entry.name.endsWith('.jsonl')),
      )
      if (files.length === 0) continue
      const collection = decodeKey(name) ?? (await this.#collectionIn(directory, files))
      if (collection !== undefined) collections.push(collection)
    }
    return collections
  }

  /** The collection of a directory whose name is a hash, as one of its documents tells it. */
  async #collectionIn(
    directory: string,
    files: readonly DirectoryEntry[],
  ): Promise<string | undefined> {
    for (const { name } of files) {
      const serializer = this.#files.serializerFor(name.slice(name.lastIndexOf('.') + 1))
      if (serializer === undefined) continue
      const { collection } = await this.#namesIn(serializer, `${directory}/${name}`)
      const stem = directory.slice(directory.lastIndexOf('/') + 1)
      if (collection !== undefined && isNamed(stem, collection)) return collection
    }
    return undefined
  }

  /** The keys of a collection, those matching a pattern if one is given. */
  async keys(collection: string, pattern?: string): Promise<ListedKeys> {
    const listed = await this.#allKeys(collection)
    if (pattern === undefined) return listed
    // Few callers have a pattern: what matches it is loaded when one does.
    const { matchKeys } = await import('../key-pattern.js')
    return { ...listed, keys: await matchKeys(listed.keys, pattern) }
  }

  async #allKeys(collection: string): Promise<ListedKeys> {
    const directory = this.#files.directoryOf(collection)
    const suffix = `.${this.#files.serializerOf(collection).extension}`
    const keys = new Set<string>()
    const unreadable: string[] = []
    for (const { name, kind } of await this.#read(directory)) {
      if (kind === 'directory' || name.startsWith('.') || !name.endsWith(suffix)) continue
      const stem = name.slice(0, -suffix.length)
      const key = decodeKey(stem) ?? (await this.#keyIn(collection, `${directory}/${name}`, stem))
      if (key === undefined) unreadable.push(`${directory}/${name}`)
      else keys.add(key)
    }
    return { keys: [...keys], unreadable }
  }

  /** The key that stands in a file, if it is one that the file is named after: anybody can write it. */
  async #keyIn(collection: string, path: string, stem: string): Promise<string | undefined> {
    const { key } = await this.#namesIn(this.#files.serializerOf(collection), path)
    return key !== undefined && isNamed(stem, key) ? key : undefined
  }

  /** What a file tells whose name, or whose directory's, is a hash. */
  async #namesIn(serializer: Serializer, path: string): Promise<ReturnType<typeof namesIn>> {
    try {
      return namesIn(serializer, await this.#fileSystem.readFile(path))
    } catch (error) {
      if (isFileSystemError(error, 'NotFound', 'TooManySymlinks')) return {}
      throw error
    }
  }

  async #read(directory: string): ReturnType<FileSystem['readDirectory']> {
    try {
      return await this.#fileSystem.readDirectory(directory)
    } catch (error) {
      if (isFileSystemError(error, 'NotFound', 'NotADirectory', 'TooManySymlinks')) return []
      throw error
    }
  }
}
