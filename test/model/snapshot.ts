/** All that users can see of a store, in a form that can be compared; and the same of a model. */
import type { StateStore } from '../../src/store/index.js'
import { identify, type StoreModel } from './store-model.js'

export interface Snapshot {
  readonly documents: readonly (readonly [id: string, value: unknown])[]
  readonly logs: readonly (readonly [log: string, events: readonly unknown[]])[]
  readonly counters: readonly (readonly [name: string, value: number])[]
}

const byName = <T>(entries: Iterable<readonly [string, T]>): (readonly [string, T])[] =>
  [...entries].sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))

export async function snapshotOf(store: StateStore): Promise<Snapshot> {
  const documents: [string, unknown][] = []
  for (const collection of await store.collections()) {
    if (collection === 'counters') continue
    for await (const { key, value } of store.collection(collection).entries()) {
      documents.push([identify({ collection, key }), value])
    }
  }
  const logs: [string, unknown[]][] = []
  for (const { log } of await store.logs()) {
    const events = await store.log(log).query().toArray()
    if (events.length > 0) logs.push([log, events.map(({ id: _, ...event }) => event)])
  }
  const counters = Object.entries(await store.counters.all())
  return { documents: byName(documents), logs: byName(logs), counters: byName(counters) }
}

export function snapshotOfModel({ counters, documents, logs }: StoreModel): Snapshot {
  return {
    documents: byName([...documents].map(([id, { value }]) => [id, value] as const)),
    logs: byName([...logs].map(([log, events]) => [log, events.map(shown)] as const)),
    counters: byName(counters),
  }
}

/** As an event is shown: without the names that nothing was given for. */
export const shown = ({
  agent,
  at,
  data,
  type,
}: StoreModel['logs'] extends Map<string, readonly (infer Event)[]> ? Event : never): unknown => ({
  at,
  ...(type === undefined ? {} : { type }),
  ...(agent === undefined ? {} : { agent }),
  data,
})
