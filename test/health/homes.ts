/** Stores for the tests of health, on a wall clock that stands still until it is told to go on. */
import { type Clock, type FileSystem, openStateStore, StateStore } from 'holdfast'
import { MemoryStorage } from 'holdfast/memory'
import { ManualClock, MemoryFileSystem } from 'holdfast/testing'
import { systemClock } from '../../src/clock/index.js'
import { closedAtEnd, realHome } from '../store/homes.js'

/** Where the stores of one test are. */
export interface HealthHome {
  readonly time: ManualClock
  /** Every time another store on the same data, as another process would have it. */
  open(): Promise<StateStore>
}

/** Only what time it is, is told by hand: writers that wait for one another do so in real time. */
const clockOf = (time: ManualClock): Clock => ({ ...systemClock, now: () => time.now() })

async function inMemory(): Promise<HealthHome> {
  const time = new ManualClock()
  const clock = clockOf(time)
  const storage = new MemoryStorage({ clock })
  return {
    time,
    open: async () => closedAtEnd(await new StateStore({ storage, clock }).open()),
  }
}

function onFiles(fileSystem: FileSystem, directory: string): HealthHome {
  const time = new ManualClock()
  const clock = clockOf(time)
  return {
    time,
    open: async () => closedAtEnd(await openStateStore(directory, { clock, fileSystem })),
  }
}

export const filesInMemory = async (): Promise<HealthHome> =>
  onFiles(new MemoryFileSystem(), '/state')

export async function realFiles(): Promise<HealthHome> {
  const { directory, fileSystem } = await realHome()
  return onFiles(fileSystem, directory)
}

export const everyHome: readonly { name: string; home: () => Promise<HealthHome> }[] = [
  { name: 'MemoryStorage', home: inMemory },
  { name: 'files in memory', home: filesInMemory },
  { name: 'real files', home: realFiles },
]
