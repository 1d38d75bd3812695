/** Listing collections and keys. */
import { isFileSystemError } from '../../errors/index.js'
import type { DirectoryEntry, FileSystem } from '../../file-system/index.js'
import type { Serializer } from '../../serializer/index.js'
import { namesIn } from './document-file.js'
import type { DocumentFiles } from './document-files.js'
import { decodeKey } from './key-encoding.js'
import { internalsName, type Layout } from './layout.js'

export interface ListedKeys {
  readonly keys: readonly string[]
  /** Files whose key stands in their content, which is damaged. */
  readonly unreadable: readonly string[]
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
      const files = entries.filter((entry) => entry.kind !== 'directory' && entry.name[0] !== '.')
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
      if (collection !== undefined) return collection
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
      const key =
        decodeKey(name.slice(0, -suffix.length)) ??
        (await this.#namesIn(this.#files.serializerOf(collection), `${directory}/${name}`)).key
      if (key === undefined) unreadable.push(`${directory}/${name}`)
      else keys.add(key)
    }
    return { keys: [...keys], unreadable }
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
      if (isFileSystemError(error, 'NotFound', 'NotADirectory')) return []
      throw error
    }
  }
}
