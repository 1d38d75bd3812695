import type { FileSystem } from '../../src/file-system/index.js'
import { FileStorage, type FileStorageOptions } from '../../src/storage/file/index.js'
import { StateStore, type StateStoreEvents } from '../../src/store/index.js'
import { Machine } from './machine.js'
import { SimulatedClock } from './simulated-clock.js'

export interface SeenEvent {
  readonly event: keyof StateStoreEvents
  readonly detail: Readonly<Record<string, unknown>>
}

const watchedEvents: readonly (keyof StateStoreEvents)[] = [
  'state:corrupt',
  'state:external-change',
  'state:recovered',
  'state:invalid',
  'backup:skipped',
  'maintenance:failed',
  'writer:revoked',
  'writer:taken-over',
  'lease:lost',
  'lease:taken-over',
]

export interface OpenedStore {
  readonly store: StateStore
  readonly storage: FileStorage
  /** All that were told, those of opening included. */
  readonly events: SeenEvent[]
  eventsOf(event: keyof StateStoreEvents): SeenEvent['detail'][]
}

export type StoreOptions = Partial<FileStorageOptions> & { readonly fileSystem: FileSystem }

/** Opens a store with listeners that were there before. By default on a machine of its own. */
export async function openStore(options: StoreOptions): Promise<OpenedStore> {
  const clock = options.clock ?? new SimulatedClock()
  const storage = new FileStorage({
    directory: '/store',
    clock,
    processes: new Machine().start(),
    ...options,
  })
  const store = new StateStore({ storage, clock, readOnly: options.readOnly ?? false })
  const events: SeenEvent[] = []
  for (const event of watchedEvents) {
    store.on(event, (detail) => {
      events.push({ event, detail: detail as unknown as SeenEvent['detail'] })
    })
  }
  await store.open()
  const eventsOf: OpenedStore['eventsOf'] = (event) =>
    events.filter((each) => each.event === event).map(({ detail }) => detail)
  return { store, storage, events, eventsOf }
}

/** What a call was refused with; undefined when it succeeded. */
export async function refusalOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call
    return undefined
  } catch (error) {
    return error
  }
}
