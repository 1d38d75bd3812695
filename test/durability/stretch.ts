/** Looking at the order of what an operation of a store did to the disk. */
import type { StateStore } from '../../src/store/index.js'
import type { CrashSimulatingFileSystem, DiskChange } from '../../src/testing/index.js'
import { Computer, directory, type Subject } from './computer.js'

export type Entry = Extract<DiskChange, { kind: 'entry' }>

export const isEntry = (event: DiskChange): event is Entry => event.kind === 'entry'
const changesData = ({ kind }: DiskChange): boolean =>
  kind === 'data' || kind === 'size' || kind === 'attributes'

/** What was done to the disk by one operation of a store. */
export class Stretch {
  readonly events: readonly DiskChange[]

  constructor(
    readonly disk: CrashSimulatingFileSystem,
    from: number,
  ) {
    this.events = disk.changes.slice(from)
  }

  get syncs(): string[] {
    return this.events.flatMap((event) => (event.kind === 'sync' ? event.path : []))
  }

  /** Where the entry at `path` came to be something, or nothing. */
  indexOfEntry(path: string, there = true): number {
    return this.events.findIndex(
      (event) => isEntry(event) && event.path === path && (event.node !== undefined) === there,
    )
  }

  /** The first sync of a path after an event. */
  indexOfSync(path: string, after = -1): number {
    return this.events.findIndex(
      (event, index) => index > after && event.kind === 'sync' && event.path === path,
    )
  }

  /** Complaints about a file that was shown at `path`: written, synced, renamed, directory synced. */
  complaintsAboutShown(path: string): string[] {
    const complaints: string[] = []
    const shown = this.indexOfEntry(path)
    const entry = this.events[shown]
    if (entry === undefined || !isEntry(entry)) return [`${path} was not shown`]
    const last = this.disk.changes.findLastIndex(
      (event) => 'node' in event && event.node === entry.node && changesData(event),
    )
    const lastWrite = last - (this.disk.moment - this.events.length)
    const synced = this.events.findIndex(
      (event, index) => index > lastWrite && event.kind === 'sync' && event.node === entry.node,
    )
    if (synced < 0) complaints.push(`${path} was not synced after its last write`)
    else if (synced > shown) complaints.push(`${path} was shown before it was synced`)
    if (this.indexOfSync(path.slice(0, path.lastIndexOf('/')), shown) < 0) {
      complaints.push(`the directory of ${path} was not synced after it was shown`)
    }
    return complaints
  }
}

export const root = directory

/** What `act` did, in a store that was opened and prepared before. */
export async function during(
  act: (store: StateStore) => Promise<unknown> | unknown,
  prepare: typeof act = () => undefined,
  subject: Subject = {},
): Promise<Stretch> {
  const computer = new Computer()
  const { store } = await computer.open(subject)
  await prepare(store)
  const from = computer.disk.moment
  await act(store)
  // Acknowledged: what comes later does not count.
  const stretch = new Stretch(computer.disk, from)
  await store.close()
  return stretch
}
