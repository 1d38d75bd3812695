/** The stores that the tests of this folder work on, and how they wait for what happens in them. */
import { afterEach, describe } from 'vitest'
import { MemoryFileSystem } from '../../../src/file-system/index.js'
import { FileStorage, type FileStorageOptions } from '../../../src/storage/file/index.js'
import { MemoryStorage } from '../../../src/storage/memory/index.js'
import { type OpenOptions, openStateStore, StateStore } from '../../../src/store/index.js'

const opened: StateStore[] = []

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
})

/** Closed at the end of the test. */
export function closedLater(store: StateStore): StateStore {
  opened.push(store)
  return store
}

/** A store on a directory of a file system in memory. */
export async function openIn(
  fileSystem: MemoryFileSystem,
  options: OpenOptions = {},
): Promise<StateStore> {
  return closedLater(await openStateStore('/store', { fileSystem, ...options }))
}

type Limits = Pick<FileStorageOptions, 'backups' | 'clock' | 'maxDocumentBytes'>

const kinds = {
  MemoryStorage: (limits: Limits) => new MemoryStorage(limits),
  FileStorage: (limits: Limits) =>
    new FileStorage({ ...limits, directory: '/store', fileSystem: new MemoryFileSystem() }),
}

/** Opens an empty store of the kind under test. */
export type OpenEmpty = (limits?: Limits) => Promise<StateStore>

/** Runs the tests with every storage. */
export function describeStores(name: string, define: (open: OpenEmpty) => void): void {
  describe.each(Object.entries(kinds))(`${name}, over %s`, (_kind, create) => {
    define(async (limits = {}) => {
      const { clock } = limits
      const storage = create(limits)
      return closedLater(
        await new StateStore({ storage, ...(clock === undefined ? {} : { clock }) }).open(),
      )
    })
  })
}

/** One turn of the event loop. */
export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

/** Waits for something that only shows from outside. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await turn()
}

/** A promise to be resolved from outside. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

/** The path of a document's file; the key must need no escaping. */
export const fileOf = (collection: string, key: string): string =>
  `/store/${collection}/${key}.json`

/** Replaces a file by other bytes, as another program would; `inPlace` keeps its modification time. */
export function overwrite(
  fileSystem: MemoryFileSystem,
  path: string,
  change: (text: string) => string,
  inPlace = false,
): void {
  const { blocking } = fileSystem
  const status = blocking.status(path)
  const text = status === undefined ? '' : Buffer.from(blocking.readFile(path)).toString()
  const bytes = Buffer.from(change(text))
  const file = blocking.open(path, status === undefined ? 'create' : 'update')
  blocking.truncate(file, 0)
  blocking.write(file, bytes, 0, bytes.byteLength, 0)
  if (inPlace && status !== undefined) blocking.setModifiedTime(file, status.modifiedMicros)
  blocking.close(file)
}

/** Damages a file as a failing disk would. */
export const damage = (fileSystem: MemoryFileSystem, path: string): void =>
  overwrite(fileSystem, path, (text) => `?${text.slice(1)}`, true)
