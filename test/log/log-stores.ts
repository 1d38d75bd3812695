/** The stores that the tests of logs work on, and what they watch. */
import { type LogEvent, StateStore, type StateStoreEvent, type StateStoreEvents } from 'holdfast'
import { MemoryStorage } from 'holdfast/memory'
import { ManualClock } from 'holdfast/testing'
import { expect, onTestFinished } from 'vitest'
import type { LogQuery, LogRecord, Storage } from '../../src/storage/index.js'

export { failure, nextRound, thrown } from '../store/homes.js'

export interface Desk {
  readonly store: StateStore
  readonly storage: MemoryStorage
  readonly clock: ManualClock
  /** What was read of logs, and how. */
  readonly readings: Reading[]
}

/** One call of readLog. */
export interface Reading {
  readonly query: LogQuery
  /** How many groups were asked for. */
  groups: number
  /** Whether it was read to its end, or ended by its reader. */
  isOver: boolean
}

export interface DeskOptions {
  readonly maxDocumentBytes?: number
  readonly readOnly?: boolean
  /** Records that a storage hands out at once. Default: as it likes. */
  readonly groupLength?: number
}

/** A store in memory, closed at the end of the test. */
export async function openDesk(options: DeskOptions = {}): Promise<Desk> {
  const { groupLength, maxDocumentBytes, readOnly = false } = options
  const clock = new ManualClock()
  const storage = new MemoryStorage({ clock, maxDocumentBytes })
  const readings: Reading[] = []
  const store = new StateStore({
    storage: watched(storage, readings, groupLength),
    clock,
    readOnly,
  })
  onTestFinished(() => store.close())
  await store.open()
  return { store, storage, clock, readings }
}

function watched(storage: Storage, readings: Reading[], groupLength?: number): Storage {
  return new Proxy(storage, {
    get(target, name: keyof Storage) {
      if (name === 'readLog') {
        return (query: LogQuery) => watchedReading(target, query, readings, groupLength)
      }
      const value: unknown = target[name]
      // Private members are those of the storage itself.
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function* watchedReading(
  storage: Storage,
  query: LogQuery,
  readings: Reading[],
  groupLength = 1000,
): AsyncGenerator<readonly LogRecord[]> {
  const reading: Reading = { query, groups: 0, isOver: false }
  readings.push(reading)
  try {
    for await (const group of storage.readLog(query)) {
      for (let start = 0; start < group.length; start += groupLength) {
        reading.groups += 1
        yield group.slice(start, start + groupLength)
      }
    }
  } finally {
    reading.isOver = true
  }
}

/** Lets what is under way get on, but not to its end. */
export async function microtasks(count: number): Promise<void> {
  for (let each = 0; each < count; each++) await Promise.resolve()
}

export async function collected<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const event of events) all.push(event)
  return all
}

export const dataOf = async <T>(events: AsyncIterable<LogEvent<T>>): Promise<T[]> =>
  (await collected(events)).map(({ data }) => data)

/** Everything that is told of an event from now on. */
export function heard<K extends StateStoreEvent>(
  store: StateStore,
  event: K,
): StateStoreEvents[K][] {
  const told: StateStoreEvents[K][] = []
  store.on(event, (detail) => void told.push(detail))
  return told
}

export const anId = expect.stringMatching(/^\d+\.\d+$/)
