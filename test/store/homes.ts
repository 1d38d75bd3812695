/** Where the stores of these tests live. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type FileSystem,
  isStateStoreError,
  NodeFileSystem,
  type OpenOptions,
  openStateStore,
  StateStore,
  type StateStoreErrorCode,
} from 'holdfast'
import { MemoryStorage } from 'holdfast/memory'
import { MemoryFileSystem } from 'holdfast/testing'
import { expect, onTestFinished } from 'vitest'

type Options = Pick<OpenOptions, 'clock' | 'backups' | 'maxDocumentBytes'>

/** A directory of one test, with a store in it once that is opened. */
export class Home<FS extends FileSystem = FileSystem> {
  constructor(
    readonly fileSystem: FS,
    readonly directory: string,
  ) {}

  /** Closed when the test ends. */
  async open(options: OpenOptions = {}): Promise<StateStore> {
    const { fileSystem } = this
    return closedAtEnd(await openStateStore(this.directory, { fileSystem, ...options }))
  }

  path(...parts: readonly string[]): string {
    return [this.directory, ...parts].join('/')
  }

  has(path: string): boolean {
    return this.fileSystem.blocking.status(this.path(path)) !== undefined
  }

  readText(path: string): string {
    return Buffer.from(this.fileSystem.blocking.readFile(this.path(path))).toString('utf8')
  }

  readJson(path: string): unknown {
    return JSON.parse(this.readText(path))
  }

  /** As an editor does it, which leaves no mark of the store's in the modification time. */
  edit(path: string, text: string): void {
    this.#put(path, text, Date.UTC(2026, 0, 1) * 1000)
  }

  /** As a bad disk does it: the modification time stays. */
  damage(path: string): void {
    const text = this.readText(path)
    const { modifiedMicros = 0 } = this.fileSystem.blocking.status(this.path(path)) ?? {}
    this.#put(path, text.slice(0, text.length / 2), modifiedMicros)
  }

  /** Everything below the directory, with what a file holds. */
  snapshot(path: string = this.directory): Record<string, string> {
    const fs = this.fileSystem.blocking
    const found: Record<string, string> = {}
    for (const { name, kind } of fs.readDirectory(path)) {
      const entry = `${path}/${name}`
      if (kind === 'directory') Object.assign(found, { [entry]: kind }, this.snapshot(entry))
      else found[entry] = Buffer.from(fs.readFile(entry)).toString('utf8')
    }
    return found
  }

  #put(path: string, text: string, modifiedMicros: number): void {
    const fs = this.fileSystem.blocking
    const draft = this.path(`draft-${process.pid}`)
    const bytes = Buffer.from(text)
    const file = fs.open(draft, 'create')
    fs.write(file, bytes, 0, bytes.byteLength, 0)
    fs.setModifiedTime(file, modifiedMicros)
    fs.close(file)
    fs.rename(draft, this.path(path))
  }
}

export function closedAtEnd(store: StateStore): StateStore {
  onTestFinished(() => store.close())
  return store
}

/** Exists, empty; removed when the test ends. */
export async function realHome(): Promise<Home<NodeFileSystem>> {
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-store-'))
  onTestFinished(() => rm(parent, { recursive: true, force: true }))
  return new Home(new NodeFileSystem(), join(parent, 'state'))
}

export const memoryHome = (): Home<MemoryFileSystem> => new Home(new MemoryFileSystem(), '/state')

export const fileHomes: readonly { name: string; home: () => Promise<Home> }[] = [
  { name: 'real files', home: realHome },
  { name: 'files in memory', home: async () => memoryHome() },
]

async function openInMemory({ backups, ...options }: Options = {}): Promise<StateStore> {
  const keep = backups === false ? 0 : backups?.keep
  const storage = new MemoryStorage({ ...options, backups: keep })
  const clock = options.clock === undefined ? {} : { clock: options.clock }
  return closedAtEnd(await new StateStore({ storage, ...clock }).open())
}

/** For what does not depend on files: a store on each storage. */
export const everyStore: readonly {
  name: string
  open: (options?: Options) => Promise<StateStore>
}[] = [
  ...fileHomes.map(({ name, home }) => ({
    name,
    open: async (options?: Options) => (await home()).open(options),
  })),
  { name: 'MemoryStorage', open: openInMemory },
]

/** The error that `action` fails with, of which the code is expected. */
export async function failure(code: StateStoreErrorCode, action: PromiseLike<unknown>) {
  const error = await Promise.resolve(action).then(
    () => expect.unreachable(`succeeded, expected ${code}`),
    (reason: unknown) => reason,
  )
  if (!isStateStoreError(error, code)) throw error
  return error
}

/** The same for what throws at once. */
export function thrown(code: StateStoreErrorCode, action: () => unknown) {
  try {
    action()
  } catch (error) {
    if (!isStateStoreError(error, code)) throw error
    return error
  }
  return expect.unreachable(`succeeded, expected ${code}`)
}

export interface Gate {
  /** Resolves once somebody stands before it. */
  readonly reached: Promise<void>
  open(): void
}

/** Holds up the next sync of a file system in memory, and so the batch that is being written. */
export function holdNextSync(fileSystem: MemoryFileSystem): Gate {
  const sync = fileSystem.sync
  let arrive = (): void => {}
  let open = (): void => {}
  const reached = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  Object.assign(fileSystem, {
    sync: async (file: number) => {
      Object.assign(fileSystem, { sync })
      arrive()
      await opened
      return sync.call(fileSystem, file)
    },
  })
  return { reached, open }
}

/** One full round of the event loop: whatever could go on without I/O has. */
export const nextRound = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A process table to which everybody else is dead. */
export const soleSurvivor = {
  self: { pid: process.pid, host: 'survivor' },
  liveness: () => 'dead' as const,
}
