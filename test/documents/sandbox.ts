/** A directory of its own for each test, and the stores that were opened in it. */
import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { isStateStoreError, NodeFileSystem } from '../../src/index.js'
import {
  type OpenOptions,
  openStateStore,
  type StateStore,
  type StateStoreEvent,
  type StateStoreEvents,
} from '../../src/store/index.js'

export class Sandbox {
  /** Around the store, so that what lands beside it is seen. */
  readonly parent = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-documents-')))
  readonly root = join(this.parent, 'store')
  readonly #stores: StateStore[] = []

  async open(options: OpenOptions = {}, directory = this.root): Promise<StateStore> {
    const store = await openStateStore(directory, options)
    this.#stores.push(store)
    return store
  }

  path(name: string): string {
    return join(this.root, name)
  }

  /** Writes a file of the store the way an editor does that truncates, or a person with `cat >`. */
  write(name: string, content: string | Uint8Array): string {
    const path = this.path(name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    return path
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8')
  }

  /** Names in a directory of the store, sorted; none when it is not there. */
  names(directory: string): string[] {
    const path = this.path(directory)
    return lstatSync(path, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(path).sort()
  }

  async dispose(): Promise<void> {
    for (const store of this.#stores) await store.close()
    rmSync(this.parent, { recursive: true, force: true })
  }
}

/** The sandbox of the test that is running. */
export function useSandbox(): () => Sandbox {
  let sandbox: Sandbox | undefined
  beforeEach(() => {
    sandbox = new Sandbox()
  })
  afterEach(async () => {
    await sandbox?.dispose()
    sandbox = undefined
  })
  return () => {
    if (sandbox === undefined) throw new Error('No test is running')
    return sandbox
  }
}

/** What a promise was rejected with: the code of an error of ours; `resolved` when it was not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    if (isStateStoreError(error)) return error.code
    throw error
  }
}

/** Collects an event's details from now on. */
export function collect<K extends StateStoreEvent>(
  store: StateStore,
  event: K,
): StateStoreEvents[K][] {
  const details: StateStoreEvents[K][] = []
  store.on(event, (detail) => {
    details.push(detail)
  })
  return details
}

export async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = []
  for await (const item of items) gathered.push(item)
  return gathered
}

/** Every path below a directory, symlinks not followed, with what it holds. */
export function treeOf(directory: string): Map<string, string> {
  const tree = new Map<string, string>()
  const walk = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = join(path, entry.name)
      tree.set(child, entry.isFile() ? readFileSync(child, 'utf8') : 'not a file')
      if (entry.isDirectory()) walk(child)
    }
  }
  walk(directory)
  return tree
}

/** Changes bytes of a file and leaves its modification time, as failing hardware does. */
export function damage(path: string, change: (text: string) => string): void {
  const { blocking } = new NodeFileSystem()
  const modified = blocking.status(path)?.modifiedMicros ?? 0
  writeFileSync(path, change(readFileSync(path, 'utf8')))
  const file = openSync(path, 'r+')
  blocking.setModifiedTime(file, modified)
  closeSync(file)
}
