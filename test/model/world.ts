/**
 * The stores that a sequence of commands is run on: two seats, each of which a simulated process may
 * have, all with one storage. A process that crashes makes no further call, its pid counts as dead, and
 * what it held stays as it was.
 */
import assert from 'node:assert/strict'
import type { Clock } from '../../src/clock/index.js'
import type { FileSystem } from '../../src/file-system/index.js'
import { type Lock, StateStore, type StateStoreEvent } from '../../src/index.js'
import type { FileStorageOptions } from '../../src/storage/file/index.js'
import { compareRevisions, type Storage } from '../../src/storage/index.js'
import { interceptedFileSystem } from '../torture/intercepted-file-system.js'
import { type Life, Population } from '../torture/population.js'
import { WorldClock } from './world-clock.js'

export type SeatNumber = 0 | 1

interface Seat {
  readonly store: StateStore
  readonly life: Life | undefined
}

interface HeldLock {
  readonly lock: Lock
  readonly seat: SeatNumber
  /** Its holder has crashed: whoever asks next may have it. */
  orphaned: boolean
}

/** Nothing that a sequence does may give rise to these. */
const alarms: readonly StateStoreEvent[] = [
  'state:corrupt',
  'state:external-change',
  'state:invalid',
  'log:invalid',
  'backup:skipped',
  'maintenance:failed',
  'lease:lost',
]

export type OpenStorage = (clock: Clock, life: Life | undefined) => Storage

export class World {
  readonly clock = new WorldClock()
  readonly alarms: string[] = []
  /** By name. */
  readonly locks = new Map<string, HeldLock>()
  /** Claims that must be refused. */
  readonly lostClaims: Lock[] = []
  readonly tokens = new Map<string, number>()
  /** Revisions that somebody has remembered, and of which version of the model they are. */
  readonly remembered = new Map<string, { revision: string; version: number }>()
  crashes = 0
  reopenings = 0
  readonly #population: Population | undefined
  readonly #openStorage: OpenStorage
  readonly #seats: (Seat | undefined)[] = [undefined, undefined]
  #lastRevision = '0.0'

  private constructor(population: Population | undefined, openStorage: OpenStorage) {
    this.#population = population
    this.#openStorage = openStorage
  }

  static inMemory(openStorage: OpenStorage): World {
    return new World(undefined, openStorage)
  }

  static onFiles(fileSystem: FileSystem, options: FileStorageOptions): World {
    return new World(new Population(fileSystem), (clock, life) => {
      if (life === undefined) throw new Error('A store on files belongs to a process')
      return life.storage({ ...options, clock })
    })
  }

  isOpen(seat: SeatNumber): boolean {
    return this.#seats[seat] !== undefined
  }

  /** The store at the seat, or at the other one if nobody sits there. */
  at(wanted: SeatNumber): { readonly store: StateStore; readonly seat: SeatNumber } {
    const seat = this.isOpen(wanted) ? wanted : ((1 - wanted) as SeatNumber)
    const taken = this.#seats[seat]
    if (taken === undefined) throw new Error('No store is open')
    return { store: taken.store, seat }
  }

  lifeAt(seat: SeatNumber): Life {
    const life = this.#seats[seat]?.life
    if (life === undefined) throw new Error('No process has a store open there')
    return life
  }

  async open(seat: SeatNumber): Promise<StateStore> {
    const life = this.#population?.born()
    const clock = this.#clockOf(life)
    const store = new StateStore({ storage: this.#openStorage(clock, life), clock })
    for (const event of alarms) {
      store.on(event, (detail) => {
        if (life?.isDead !== true) this.alarms.push(`${event}: ${JSON.stringify(detail)}`)
      })
    }
    await store.open()
    this.#seats[seat] = { store, life }
    return store
  }

  async close(seat: SeatNumber): Promise<StateStore> {
    const { store } = this.at(seat)
    this.#seats[seat] = undefined
    for (const [name, { lock, orphaned, seat: holder }] of this.locks) {
      if (holder !== seat || orphaned) continue
      this.locks.delete(name)
      this.lostClaims.push(lock)
    }
    await store.close()
    return store
  }

  crash(seat: SeatNumber): void {
    this.lifeAt(seat).die()
    this.#seats[seat] = undefined
    this.crashes += 1
    for (const held of this.locks.values()) if (held.seat === seat) held.orphaned = true
  }

  /** Revisions rise over the whole store, whoever commits. */
  note(revision: string): void {
    assert(
      compareRevisions(revision, this.#lastRevision) > 0,
      `${revision} came after ${this.#lastRevision}`,
    )
    this.#lastRevision = revision
  }

  /** Of one that was committed beside others, which may have been noted already. */
  noteAmong(revision: string): void {
    if (compareRevisions(revision, this.#lastRevision) > 0) this.#lastRevision = revision
  }

  async dispose(): Promise<void> {
    for (const seat of [0, 1] as const) if (this.isOpen(seat)) await this.close(seat)
    this.clock.stop()
  }

  #clockOf(life: Life | undefined): Clock {
    const { clock } = this
    if (life === undefined) return clock
    return {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      sleep: life.clock.sleep,
      sleepSync: clock.sleepSync,
      randomId: clock.randomId,
      every: (periodMs, action) =>
        clock.every(periodMs, () => {
          if (!life.isDead) action()
        }),
    }
  }
}

/** Closes what the dead have left open, once all is over. */
export function closingAfterwards(inner: FileSystem): {
  readonly fileSystem: FileSystem
  closeAll(): void
} {
  const opened = new Set<number>()
  const blocking = { ...interceptedFileSystem({}, inner).blocking }
  const { close, open } = blocking
  blocking.open = (path, purpose, mode) => {
    const file = open(path, purpose, mode)
    opened.add(file)
    return file
  }
  blocking.close = (file) => {
    opened.delete(file)
    close(file)
  }
  const promised = interceptedFileSystem({}, inner)
  const fileSystem: FileSystem = {
    ...promised,
    open: async (path, purpose, mode) => {
      const file = await promised.open(path, purpose, mode)
      opened.add(file)
      return file
    },
    close: async (file) => {
      opened.delete(file)
      await promised.close(file)
    },
    blocking,
  }
  return {
    fileSystem,
    closeAll: () => {
      for (const file of opened) close(file)
      opened.clear()
    },
  }
}
