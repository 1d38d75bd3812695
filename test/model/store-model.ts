/** What a store is to its users: plain maps, and nothing that can go wrong. */
export interface ModelDocument {
  readonly value: unknown
  /** Tells versions apart; rises through the model. */
  readonly version: number
}

export interface ModelEvent {
  readonly at: number
  readonly type?: string | undefined
  readonly agent?: string | undefined
  readonly data?: unknown
}

export interface Place {
  readonly collection: string
  readonly key: string
}

export const identify = ({ collection, key }: Place): string => JSON.stringify([collection, key])

export class StoreModel {
  readonly documents = new Map<string, ModelDocument>()
  /** Values that were replaced or deleted, oldest first. */
  readonly earlier = new Map<string, readonly unknown[]>()
  /** Documents that a process died at: an extra backup may have been made. */
  readonly unsure = new Set<string>()
  readonly logs = new Map<string, readonly ModelEvent[]>()
  readonly counters = new Map<string, number>()
  #versions = 0

  copy(): StoreModel {
    const copy = new StoreModel()
    for (const [id, document] of this.documents) copy.documents.set(id, document)
    for (const [id, values] of this.earlier) copy.earlier.set(id, values)
    for (const id of this.unsure) copy.unsure.add(id)
    for (const [log, events] of this.logs) copy.logs.set(log, events)
    for (const [name, value] of this.counters) copy.counters.set(name, value)
    copy.#versions = this.#versions
    return copy
  }

  get(place: Place): ModelDocument | undefined {
    return this.documents.get(identify(place))
  }

  put(place: Place, value: unknown): void {
    const id = identify(place)
    this.#keep(id)
    this.#versions += 1
    this.documents.set(id, { value, version: this.#versions })
  }

  delete(place: Place): boolean {
    const id = identify(place)
    this.#keep(id)
    return this.documents.delete(id)
  }

  append(log: string, events: readonly ModelEvent[]): void {
    if (events.length > 0) this.logs.set(log, [...(this.logs.get(log) ?? []), ...events])
  }

  /** False, with nothing counted, if a sum would not be exact. */
  count(counts: Iterable<readonly [string, number]>): boolean {
    const sums = new Map<string, number>()
    for (const [name, by] of counts) {
      const sum = (sums.get(name) ?? this.counters.get(name) ?? 0) + by
      if (!Number.isSafeInteger(sum)) return false
      sums.set(name, sum)
    }
    for (const [name, sum] of sums) this.counters.set(name, sum)
    return true
  }

  eventsOf(log: string): readonly ModelEvent[] {
    return this.logs.get(log) ?? []
  }

  keysOf(collection: string): string[] {
    return [...this.documents.keys()]
      .map((id) => JSON.parse(id) as [string, string])
      .flatMap(([of, key]) => (of === collection ? key : []))
      .sort()
  }

  #keep(id: string): void {
    const present = this.documents.get(id)
    if (present === undefined) return
    this.earlier.set(id, [...(this.earlier.get(id) ?? []), present.value])
  }
}
