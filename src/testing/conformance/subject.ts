import type { Storage, StorageSupports } from '../../storage/index.js'

/** The two functions of a test runner that are needed: vitest, node:test and mocha have them. */
export interface ConformanceRunner {
  describe(name: string, define: () => void): unknown
  it(name: string, run: () => Promise<void>): unknown
}

/** One set of data, empty at first, and the storages on it. */
export interface StorageSubject {
  /**
   * An opened storage on the data. Called again after a close when the data outlive it
   * (`supports.durability` is not `none`), and while another is open when `supports.processes`.
   */
  open(): Promise<Storage>
  /** Removes the data. Every storage is closed by then. */
  dispose(): Promise<void>
}

/** A storage to be tested. */
export interface ConformanceSubject {
  /** Heads the tests. */
  readonly name: string
  /**
   * What the storage says of itself, decides which groups of tests apply; a test compares the two.
   * Default: everything is supported.
   */
  readonly supports?: StorageSupports | undefined
  /** Fresh, empty data for one test. */
  create(): Promise<StorageSubject>
  /** The same, refusing documents of more than so many bytes. Absent where there is no such limit. */
  createLimited?(maxDocumentBytes: number): Promise<StorageSubject>
}

export const fullSupport: StorageSupports = {
  fencing: true,
  durability: 'power',
  processes: true,
  blockingCommit: true,
  externalEdits: true,
  serializers: true,
  backups: true,
}

/** What a test works with. */
export interface Desk {
  /** Open, on empty data. */
  readonly storage: Storage
  /** Opens another storage on the same data; closed at the end of the test. */
  open(): Promise<Storage>
}

export type Exercise = (desk: Desk) => Promise<void>

/** Gives the exercise a desk of its own and clears it away, whatever happens. */
export async function atDesk(
  create: () => Promise<StorageSubject>,
  exercise: Exercise,
): Promise<void> {
  const subject = await create()
  const opened: Storage[] = []
  const open = async (): Promise<Storage> => {
    const storage = await subject.open()
    opened.push(storage)
    return storage
  }
  const clear = async (): Promise<void> => {
    try {
      for (const storage of opened) await storage.close()
    } finally {
      await subject.dispose()
    }
  }
  try {
    await exercise({ storage: await open(), open })
  } catch (error) {
    // What went wrong first is what is to be told.
    await clear().catch(() => undefined)
    throw error
  }
  await clear()
}
