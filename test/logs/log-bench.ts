/** A store with one log on a disk in memory whose files can be damaged between two openings. */
import {
  type FileOperations,
  type FileSystem,
  MemoryFileSystem,
} from '../../src/file-system/index.js'
import { FileStorage, type FileStorageOptions } from '../../src/storage/file/index.js'
import type { LogDamage, LogQuery, LogRecord, NewRecord } from '../../src/storage/index.js'
import { Machine } from '../faults/machine.js'
import { overBlocking, watched } from '../faults/operations.js'
import { SimulatedClock } from '../faults/simulated-clock.js'

export const directory = '/store'
export const active = `${directory}/logs/x.jsonl`

export interface Reading {
  readonly records: readonly LogRecord[]
  readonly damage: readonly LogDamage[]
}

export class LogBench {
  readonly clock = new SimulatedClock()
  readonly machine = new Machine()
  readonly memory = new MemoryFileSystem({ clock: this.clock })

  /** How many bytes were read of each file. */
  readonly bytesRead = new Map<string, number>()
  readonly #operations: FileOperations

  constructor() {
    this.#operations = watched(this.memory.blocking, ({ operation, path, perform }) => {
      const result = perform()
      const bytes =
        operation === 'read'
          ? (result as number)
          : operation === 'readFile'
            ? (result as Uint8Array).byteLength
            : 0
      if (bytes > 0) this.bytesRead.set(path, (this.bytesRead.get(path) ?? 0) + bytes)
      return result
    })
  }

  /** The disk itself. */
  get fs(): MemoryFileSystem['blocking'] {
    return this.memory.blocking
  }

  /** How many bytes of the log's files a reading costs. */
  async bytesReadBy(reading: () => Promise<unknown>): Promise<number> {
    this.bytesRead.clear()
    await reading()
    const ofLog = [...this.bytesRead].filter(([path]) => path.startsWith(`${directory}/logs`))
    return ofLog.reduce((sum, [, bytes]) => sum + bytes, 0)
  }

  /** Opens a storage; `damage` collects what it tells of. */
  async open(
    options: Partial<FileStorageOptions> = {},
    damage: LogDamage[] = [],
  ): Promise<FileStorage> {
    const { clock } = this
    const fileSystem: FileSystem = overBlocking(this.#operations, clock.touch)
    const processes = this.machine.start()
    const storage = new FileStorage({ directory, clock, fileSystem, processes, ...options })
    await storage.open((event, detail) => {
      if (event === 'log:damaged') damage.push(detail as LogDamage)
    })
    return storage
  }

  /** What somebody sees who opens the store now and only reads. */
  async read(query: Partial<LogQuery> = {}): Promise<Reading> {
    const damage: LogDamage[] = []
    const storage = await this.open({ readOnly: true }, damage)
    const records = await recordsOf(storage, query)
    await storage.close()
    return { records, damage }
  }

  /** Puts another file in the place of one, as an editor does. */
  replace(path: string, bytes: Uint8Array): void {
    const { fs } = this
    if (fs.status(path) !== undefined) fs.unlink(path)
    const file = fs.open(path, 'create')
    if (bytes.byteLength > 0) fs.write(file, bytes, 0, bytes.byteLength, 0)
    fs.close(file)
  }

  bytesOf(path: string): Buffer {
    return Buffer.from(this.fs.readFile(path))
  }
}

export async function recordsOf(
  storage: FileStorage,
  query: Partial<LogQuery> = {},
): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for await (const group of storage.readLog({ log: 'x', ...query })) records.push(...group)
  return records
}

export async function append(storage: FileStorage, ...records: NewRecord[]): Promise<void> {
  await storage.commit({ writes: [], appends: [{ log: 'x', records }] })
}
