/** Matching patterns against keys. */
import { StateStoreError } from '../errors/index.js'

type Callback<T> = (error: NodeJS.ErrnoException | null, result?: T) => void

/** What `node:fs` tells of a file, as far as fast-glob asks. */
interface Entry {
  readonly name: string
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
  isBlockDevice(): boolean
  isCharacterDevice(): boolean
  isFIFO(): boolean
  isSocket(): boolean
}

interface Node {
  readonly files: Set<string>
  readonly directories: Set<string>
}

/** Parts of a key that a path cannot have. */
const unspeakable = /^\.{0,2}$/

const speakable = (part: string): string => (unspeakable.test(part) ? `\u0001${part.length}` : part)

/** Line breaks, which the dot of a glob's regular expression does not match, as one that it does. */
const onOneLine = (text: string): string => text.replace(/[\n\r\u2028\u2029]/g, '\ufffe')

const entryOf = (name: string, isFile: boolean): Entry => {
  const no = (): boolean => false
  return {
    name,
    isFile: () => isFile,
    isDirectory: () => !isFile,
    isSymbolicLink: no,
    isBlockDevice: no,
    isCharacterDevice: no,
    isFIFO: no,
    isSocket: no,
  }
}

/**
 * A tree made of keys, for fast-glob to walk: it sees decoded keys, `/` separating directories, and
 * never the file names that hold them.
 */
class KeyTree {
  readonly #nodes = new Map<string, Node>()
  /** Several keys where they differ in what a path cannot say. */
  readonly #keys = new Map<string, string[]>()

  constructor(keys: Iterable<string>) {
    this.#nodes.set('', { files: new Set(), directories: new Set() })
    for (const key of keys) this.#add(key)
  }

  keysAt(path: string): readonly string[] {
    return this.#keys.get(path) ?? []
  }

  /** The part of `node:fs` that fast-glob calls. */
  readonly fs = {
    readdir: (path: string, _options: unknown, done: Callback<Entry[]>): void => {
      // Not at once: fast-glob would go down a key of a thousand parts on one stack.
      queueMicrotask(() => this.#readDirectory(path, done))
    },
    lstat: (path: string, done: Callback<Entry>): void => this.#stat(path, done),
    stat: (path: string, done: Callback<Entry>): void => this.#stat(path, done),
  }

  #readDirectory(path: string, done: Callback<Entry[]>): void {
    const node = this.#nodes.get(this.#relative(path))
    if (node === undefined) {
      done(this.#missing(path))
    } else {
      const files = [...node.files].map((name) => entryOf(name, true))
      const directories = [...node.directories].map((name) => entryOf(name, false))
      done(null, [...files, ...directories])
    }
  }

  #stat(path: string, done: Callback<Entry>): void {
    const relative = this.#relative(path)
    const name = relative.slice(relative.lastIndexOf('/') + 1)
    const isFile = this.#keys.has(relative)
    if (isFile || this.#nodes.has(relative)) done(null, entryOf(name, isFile))
    else done(this.#missing(path))
  }

  #missing(path: string): NodeJS.ErrnoException {
    return Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
  }

  #relative(path: string): string {
    return path.replace(/^[/\\]+/, '').replace(/\/+$/, '')
  }

  #add(key: string): void {
    const parts = onOneLine(key).split('/').map(speakable)
    let path = ''
    for (const part of parts.slice(0, -1)) {
      this.#nodes.get(path)?.directories.add(part)
      path = path === '' ? part : `${path}/${part}`
      if (!this.#nodes.has(path))
        this.#nodes.set(path, { files: new Set(), directories: new Set() })
    }
    const last = parts.at(-1) ?? ''
    this.#nodes.get(path)?.files.add(last)
    const file = path === '' ? last : `${path}/${last}`
    this.#keys.set(file, [...(this.#keys.get(file) ?? []), key])
  }
}

/** The keys that match a glob over their decoded form. Loads fast-glob on first use. */
export async function matchKeys(keys: Iterable<string>, pattern: string): Promise<string[]> {
  const tree = new KeyTree(keys)
  const { default: glob } = await import('fast-glob')
  try {
    const paths = await glob(onOneLine(pattern), {
      cwd: '/',
      fs: tree.fs as never,
      dot: true,
      onlyFiles: true,
      followSymbolicLinks: false,
      caseSensitiveMatch: true,
    })
    return paths.flatMap((path) => tree.keysAt(path))
  } catch (cause) {
    throw new StateStoreError({
      code: 'STATE_INVALID_OPTION',
      message: `Not a usable pattern: ${pattern}`,
      operation: 'list',
      hint: 'A pattern is a glob over keys, such as 2026/* or task_*.',
      cause,
    })
  }
}
