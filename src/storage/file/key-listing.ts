/** Listing collections and keys. */
import { isFileSystemError } from '../../errors/index.js'
import type { FileSystem } from '../../file-system/index.js'
import { matchKeys } from '../key-pattern.js'
import { keyIn } from './document-file.js'
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

  /** Collections that have a directory. Hidden ones (`.git`) and holdfast's own are none. */
  async collections(): Promise<string[]> {
    const entries = await this.#read(this.#layout.root)
    return entries.flatMap(({ name, kind }) => {
      if (kind === 'file' || kind === 'other' || name.startsWith('.') || name === internalsName)
        return []
      return decodeKey(name) ?? []
    })
  }

  /** The keys of a collection, those matching a pattern if one is given. */
  async keys(collection: string, pattern?: string): Promise<ListedKeys> {
    const listed = await this.#allKeys(collection)
    if (pattern === undefined) return listed
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
        (await this.#keyInFile(collection, `${directory}/${name}`))
      if (key === undefined) unreadable.push(`${directory}/${name}`)
      else keys.add(key)
    }
    return { keys: [...keys], unreadable }
  }

  /** The key of a file whose name is a hash. */
  async #keyInFile(collection: string, path: string): Promise<string | undefined> {
    try {
      const bytes = await this.#fileSystem.readFile(path)
      return keyIn(this.#files.serializerOf(collection), bytes)
    } catch (error) {
      if (isFileSystemError(error, 'NotFound', 'TooManySymlinks')) return undefined
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
