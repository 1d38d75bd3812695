/** Finding and reading the files of documents. */
import type { Clock } from '../../clock/index.js'
import { isFileSystemError, StateStoreError } from '../../errors/index.js'
import {
  type FileStatus,
  type FileSystem,
  io,
  pause,
  type Steps,
  unlessMissing,
} from '../../file-system/index.js'
import type { Serializer } from '../../serializer/index.js'
import type { DocumentAddress } from '../storage.js'
import { judge, readIntact, type Verdict } from './document-file.js'
import { encodeKey, handMadeName, isHashedName } from './key-encoding.js'
import { internalsName, type Layout } from './layout.js'

const defaultFileMode = 0o600
const directoryMode = 0o700

/** How often and how long apart to look again at a file that somebody seems to be saving. */
const unsettledTries = 4
const unsettledPauseMs = 25
const unsettledAgeMs = 2000

/** Where a document is written. */
export interface DocumentTarget {
  readonly path: string
  readonly directory: string
  readonly exists: boolean
  /** Permission bits to give the file. */
  readonly mode: number
}

/** A document's file as it was found; undefined bytes when there is none. */
export interface FoundDocument {
  readonly path: string
  readonly verdict: Verdict
  readonly bytes: Uint8Array
}

export class DocumentFiles {
  readonly #fileSystem: FileSystem
  readonly #layout: Layout
  readonly #clock: Clock
  readonly #serializers = new Map<string, Serializer>()
  readonly #directories = new Map<string, string>()
  /** Collections of which a document was asked for. */
  readonly #inUse = new Set<string>()
  readonly #durable = new Set<string>()
  #realRoot: string | undefined
  #foldsCase: boolean | undefined

  constructor(
    fileSystem: FileSystem,
    layout: Layout,
    clock: Clock,
    readonly defaultSerializer: Serializer,
  ) {
    this.#fileSystem = fileSystem
    this.#layout = layout
    this.#clock = clock
  }

  useSerializer(collection: string, serializer: Serializer): void {
    const inUse = this.#inUse.has(collection) ? this.defaultSerializer : undefined
    const present = this.#serializers.get(collection) ?? inUse
    if (present !== undefined && present.extension !== serializer.extension) {
      throw new StateStoreError({
        code: 'STATE_INVALID_OPTION',
        message: `Collection ${collection} is already open as ${present.name}, not ${serializer.name}`,
        operation: 'collection',
        hint: 'A collection has one format: its key would otherwise name two files.',
      })
    }
    this.#serializers.set(collection, serializer)
  }

  /** The serializer in use for files of an extension, if there is one. */
  serializerFor(extension: string): Serializer | undefined {
    const known = [this.defaultSerializer, ...this.#serializers.values()]
    return known.find((serializer) => serializer.extension === extension)
  }

  serializerOf(collection: string): Serializer {
    return this.#serializers.get(collection) ?? this.defaultSerializer
  }

  directoryOf(collection: string): string {
    let directory = this.#directories.get(collection)
    if (directory === undefined) {
      directory = `${this.#layout.root}/${encodeKey(collection, 'collection')}`
      this.#directories.set(collection, directory)
    }
    return directory
  }

  /** The file name, with extension, of a key. */
  nameOf({ collection, key }: DocumentAddress): string {
    this.#inUse.add(collection)
    return `${encodeKey(key)}.${this.serializerOf(collection).extension}`
  }

  /**
   * The name of a document in what is kept of it. Decides nothing about its collection: after a crash
   * commits are completed before anybody has said what format that has.
   */
  nameAt({ collection, key }: DocumentAddress, path: string): string {
    const decided = this.#serializers.has(collection) || this.#inUse.has(collection)
    const extension = decided
      ? this.serializerOf(collection).extension
      : path.slice(path.lastIndexOf('.') + 1)
    return `${encodeKey(key)}.${extension}`
  }

  pathOf(address: DocumentAddress): string {
    return `${this.directoryOf(address.collection)}/${this.nameOf(address)}`
  }

  /** Key and collection, where the path does not spell them and the file must. */
  namesToStore({ collection, key }: DocumentAddress): {
    key: string | undefined
    collection: string | undefined
  } {
    return {
      key: isHashedName(encodeKey(key)) ? key : undefined,
      collection: isHashedName(encodeKey(collection, 'collection')) ? collection : undefined,
    }
  }

  /**
   * Changes whenever a document's file does, as far as that shows without reading it. Taken before the file
   * is read, it tells later whether somebody has saved the file since.
   */
  stampOf(address: DocumentAddress): string {
    const fs = this.#fileSystem.blocking
    for (const path of [this.pathOf(address), this.#handMadePath(address)]) {
      if (path === undefined) continue
      const own = this.#statusAt(path, address)
      const status = own?.kind === 'symlink' ? fs.status(this.#realTarget(path)) : own
      if (status !== undefined) return `${status.inode} ${status.size} ${status.modifiedMicros}`
    }
    return 'absent'
  }

  #statusAt(path: string, { collection }: DocumentAddress): FileStatus | undefined {
    try {
      return this.#fileSystem.blocking.status(path)
    } catch (error) {
      // Its directory may be a symlink that leads nowhere, which has an error of its own.
      if (isFileSystemError(error, 'TooManySymlinks')) {
        this.#refuseForeignDirectory(this.directoryOf(collection))
      }
      throw error
    }
  }

  /** Reads and judges a document's file; undefined when there is none. */
  *find(address: DocumentAddress): Steps<FoundDocument | undefined> {
    const path = this.pathOf(address)
    const found = yield* this.#findAt(path, address)
    if (found !== undefined) return found
    const handMade = this.#handMadePath(address)
    return handMade === undefined ? undefined : yield* this.#findAt(handMade, address)
  }

  *#findAt(path: string, address: DocumentAddress): Steps<FoundDocument | undefined> {
    const serializer = this.serializerOf(address.collection)
    this.#refuseForeignDirectory(this.directoryOf(address.collection))
    let real = path
    let bytes: Uint8Array | undefined
    try {
      bytes = yield* unlessMissing(io.readFile(path))
    } catch (error) {
      if (!isFileSystemError(error, 'TooManySymlinks')) throw error
      real = this.#realTarget(path)
      bytes = yield* unlessMissing(io.readFile(real))
    }
    if (bytes === undefined || this.#isOfAnotherKey(path)) return undefined
    const document = readIntact(serializer, bytes)
    if (document !== undefined) return { path: real, bytes, verdict: { kind: 'intact', document } }
    return yield* this.#examine(real, address)
  }

  /**
   * Judges a file that is not simply intact, from one descriptor, so that content and time belong
   * together. One that cannot be read and was changed a moment ago may be in the middle of being
   * saved by a person's editor: it is given a moment.
   */
  *#examine(path: string, address: DocumentAddress): Steps<FoundDocument | undefined> {
    const serializer = this.serializerOf(address.collection)
    for (let tries = 1; ; tries++) {
      const found = yield* unlessMissing(this.#readWithTime(path))
      if (found === undefined) return undefined
      const { bytes, modifiedMicros } = found
      const verdict = judge(serializer, address, bytes, modifiedMicros)
      const ageMs = this.#clock.now() - modifiedMicros / 1000
      const settled = verdict.kind !== 'damaged' || verdict.marked || ageMs > unsettledAgeMs
      if (settled || tries >= unsettledTries) return { path, bytes, verdict }
      yield* pause(unsettledPauseMs)
    }
  }

  *#readWithTime(path: string): Steps<{ bytes: Uint8Array; modifiedMicros: number }> {
    const status = this.#fileSystem.blocking.status(path)
    const real = status?.kind === 'symlink' ? this.#realTarget(path) : path
    const file = yield* io.open(real, 'read')
    try {
      const { size, modifiedMicros } = yield* io.statusOf(file)
      const bytes = Buffer.alloc(size)
      let filled = 0
      while (filled < size) {
        const count = yield* io.read(file, bytes, filled, size - filled, filled)
        if (count === 0) break
        filled += count
      }
      return { bytes: bytes.subarray(0, filled), modifiedMicros }
    } finally {
      yield* io.close(file)
    }
  }

  /**
   * Where a document is to be written: its own file, the file a person made for it, or what its
   * symlink points to, always inside the root. Creates the collection's directory, and adds it to
   * `unsure` until the caller has synced the root and says so with {@link trust}: also when it was there
   * already, for its maker may have died before that.
   */
  targetOf(address: DocumentAddress, unsure: Set<string>): DocumentTarget {
    const fs = this.#fileSystem.blocking
    const directory = this.directoryOf(address.collection)
    const status = fs.status(directory)
    if (status === undefined) {
      this.#createDirectory(directory)
      this.#durable.delete(directory)
    } else if (status.kind !== 'directory') {
      this.#refuseForeignDirectory(directory)
    }
    if (!this.#durable.has(directory)) unsure.add(directory)
    const path = this.pathOf(address)
    if (this.#isOfAnotherKey(path)) {
      throw new StateStoreError({
        code: 'STATE_INVALID_KEY',
        message: `${path} is the file of another key, which a person named in other letters`,
        operation: 'resolve',
        path,
        hint: 'The file system does not tell the two names apart: rename the file.',
        details: { ...address },
      })
    }
    const own = this.#targetAt(path, directory)
    if (own.exists) return own
    const handMade = this.#handMadePath(address)
    return handMade === undefined ? own : this.#targetAt(handMade, directory)
  }

  /** The directories' own entries are durable. */
  trust(directories: Iterable<string>): void {
    for (const directory of directories) this.#durable.add(directory)
  }

  #targetAt(path: string, directory: string): DocumentTarget {
    const status = this.#fileSystem.blocking.status(path)
    if (status === undefined) return { path, directory, exists: false, mode: defaultFileMode }
    if (status.kind !== 'symlink') return { path, directory, exists: true, mode: status.mode }
    const real = this.#realTarget(path)
    const mode = this.#fileSystem.blocking.status(real)?.mode ?? defaultFileMode
    return { path: real, directory: real.slice(0, real.lastIndexOf('/')), exists: true, mode }
  }

  #createDirectory(directory: string): void {
    try {
      this.#fileSystem.blocking.makeDirectory(directory, directoryMode)
    } catch (error) {
      if (!isFileSystemError(error, 'AlreadyExists')) throw error
    }
  }

  /** A file that a person named after the key itself; its spelling on disk must be exactly that. */
  #handMadePath({ collection, key }: DocumentAddress): string | undefined {
    const name = handMadeName(key)
    if (name === undefined) return undefined
    const fs = this.#fileSystem.blocking
    const file = `${name}.${this.serializerOf(collection).extension}`
    const path = `${this.directoryOf(collection)}/${file}`
    const kind = fs.status(path)?.kind
    if (kind === 'symlink') return path
    if (kind !== 'file') return undefined
    // On a file system that folds case, `A.json` finds `a.json`, which belongs to another key.
    const real = fs.realPath(path)
    return real.slice(real.lastIndexOf('/') + 1) === file ? path : undefined
  }

  /**
   * On a file system that folds case, `a.json` finds `A.json`, which a person made for another key. Such
   * a file system is known by that it finds the internals under another spelling too.
   */
  #isOfAnotherKey(path: string): boolean {
    const fs = this.#fileSystem.blocking
    this.#foldsCase ??=
      fs.status(`${this.#layout.root}/${internalsName.toUpperCase()}`) !== undefined
    if (!this.#foldsCase || fs.status(path)?.kind !== 'file') return false
    return !fs.realPath(path).endsWith(path.slice(path.lastIndexOf('/')))
  }

  /** A collection's directory may be a symlink, but not out of the root. */
  #refuseForeignDirectory(directory: string): void {
    const kind = this.#fileSystem.blocking.status(directory)?.kind
    if (kind === undefined || kind === 'directory') return
    this.#realTarget(directory)
  }

  /** What a symlink leads to. Throws `STATE_PATH_ESCAPE` unless that is inside the root. */
  #realTarget(path: string): string {
    const fs = this.#fileSystem.blocking
    this.#realRoot ??= fs.realPath(this.#layout.root)
    let real: string | undefined
    try {
      real = fs.realPath(path)
    } catch (error) {
      if (!isFileSystemError(error, 'NotFound', 'TooManySymlinks')) throw error
    }
    const internals = `${this.#realRoot}/.holdfast`
    const inside = real?.startsWith(`${this.#realRoot}/`) === true
    if (real !== undefined && inside && real !== internals && !real.startsWith(`${internals}/`)) {
      return real
    }
    throw new StateStoreError({
      code: 'STATE_PATH_ESCAPE',
      message: `${path} is a symlink that leads ${real === undefined ? 'nowhere' : 'out of the store'}`,
      operation: 'resolve',
      path,
      hint: 'A symlink may lead to another place inside the store directory only.',
      details: { target: real },
    })
  }
}
