/**
 * Something that changes a store: how it is done, and what the model says must come of it. One work can
 * be done in several ways: awaited, blocking, beside others, or by a process that dies at it.
 */
import type { StateStore, Transaction } from '../../src/index.js'
import { asStored } from './hostile-values.js'
import { identify, type ModelEvent, type Place, type StoreModel } from './store-model.js'
import type { World } from './world.js'

export interface NewEvent {
  readonly type?: string | undefined
  readonly agent?: string | undefined
  readonly data?: unknown
}

export type Condition = 'none' | 'absent' | 'present' | 'remembered'

export type TransactionStep =
  | { readonly kind: 'set'; readonly place: Place; readonly value: unknown }
  | { readonly kind: 'delete'; readonly place: Place }
  | { readonly kind: 'get'; readonly place: Place }
  | { readonly kind: 'append'; readonly log: string; readonly event: NewEvent }
  | { readonly kind: 'increment'; readonly name: string; readonly by: number }

export type Work =
  | {
      readonly kind: 'set'
      readonly place: Place
      readonly value: unknown
      readonly condition: Condition
    }
  | { readonly kind: 'delete'; readonly place: Place; readonly condition: Condition }
  | {
      readonly kind: 'update'
      readonly place: Place
      readonly value: unknown
      readonly hasInitial: boolean
      readonly awaits: boolean
      readonly fails: boolean
    }
  | { readonly kind: 'restore'; readonly place: Place; readonly back: number }
  | { readonly kind: 'append'; readonly log: string; readonly events: readonly NewEvent[] }
  | { readonly kind: 'increment'; readonly counts: readonly (readonly [string, number])[] }
  | { readonly kind: 'reset'; readonly names: readonly string[] }
  | {
      readonly kind: 'transaction'
      readonly steps: readonly TransactionStep[]
      readonly fails: boolean
    }

/** What must come of a work. */
export interface Foreseen {
  /** The state once it is done; that of before when it is refused. */
  readonly after: StoreModel
  /** The code of the error, or `Deliberate` for one that the work throws itself. */
  readonly refusal?: string | undefined
  /** What it resolves to, as far as that can be foreseen. */
  readonly result?: unknown
}

/** Thrown by work that is to fail. */
export class Deliberate extends Error {
  readonly code = 'Deliberate'
}

const eventAt = (at: number, { agent, data, type }: NewEvent): ModelEvent => ({
  at,
  type,
  agent,
  data: data === undefined ? undefined : asStored(data),
})

export function foresee(work: Work, before: StoreModel, world: World): Foreseen {
  const after = before.copy()
  const at = world.clock.now()
  switch (work.kind) {
    case 'set':
    case 'delete': {
      const { condition, place } = work
      const present = before.get(place)
      const remembered = world.remembered.get(identify(place))
      const meets =
        condition === 'none' ||
        (condition === 'absent' && present === undefined) ||
        (condition === 'present' && present !== undefined) ||
        (condition === 'remembered' &&
          remembered !== undefined &&
          remembered.version === present?.version)
      if (!meets) return { after, refusal: 'STATE_REVISION_CONFLICT' }
      if (work.kind === 'delete') return { after, result: after.delete(place) }
      after.put(place, asStored(work.value))
      return { after }
    }
    case 'update': {
      const present = before.get(work.place)
      if (present === undefined && !work.hasInitial) return { after, refusal: 'STATE_NOT_FOUND' }
      if (work.fails) return { after, refusal: 'Deliberate' }
      const value = {
        was: present === undefined ? 'initial' : present.value,
        now: asStored(work.value),
      }
      after.put(work.place, value)
      return { after, result: value }
    }
    case 'restore': {
      const earlier = before.earlier.get(identify(work.place)) ?? []
      if (work.back >= earlier.length) return { after, refusal: 'STATE_CORRUPT' }
      after.put(work.place, earlier.at(-1 - work.back))
      return { after }
    }
    case 'append':
      after.append(
        work.log,
        work.events.map((event) => eventAt(at, event)),
      )
      return { after }
    case 'increment': {
      if (!after.count(work.counts)) return { after, refusal: 'STATE_INVALID_VALUE' }
      const result = Object.fromEntries(
        work.counts.map(([name]) => [name, after.counters.get(name)]),
      )
      return { after, result }
    }
    case 'reset': {
      const had = work.names.map((name) => [name, before.counters.get(name) ?? 0] as const)
      for (const name of work.names) if (before.counters.has(name)) after.counters.set(name, 0)
      return { after, result: Object.fromEntries(had) }
    }
    case 'transaction':
      return foreseeTransaction(work.steps, work.fails, before, at)
  }
}

function foreseeTransaction(
  steps: readonly TransactionStep[],
  fails: boolean,
  before: StoreModel,
  at: number,
): Foreseen {
  // What is written several times becomes one version.
  const writes = new Map<string, { place: Place; value: unknown }>()
  const counts: [string, number][] = []
  const read: unknown[] = []
  const after = before.copy()
  for (const step of steps) {
    if (step.kind === 'append') after.append(step.log, [eventAt(at, step.event)])
    else if (step.kind === 'increment') counts.push([step.name, step.by])
    else {
      const id = identify(step.place)
      const written = writes.get(id)
      if (step.kind === 'get')
        read.push(written === undefined ? before.get(step.place)?.value : written.value)
      else {
        const value = step.kind === 'set' ? asStored(step.value) : undefined
        writes.set(id, { place: step.place, value })
      }
    }
  }
  if (fails) return { after: before, refusal: 'Deliberate' }
  if (!after.count(counts)) return { after: before, refusal: 'STATE_INVALID_VALUE' }
  for (const { place, value } of writes.values()) {
    if (value === undefined) after.delete(place)
    else after.put(place, value)
  }
  return { after, result: read }
}

/** Does it, and resolves to what the model can foresee of its result. */
export async function perform(work: Work, store: StateStore, world: World): Promise<unknown> {
  switch (work.kind) {
    case 'set': {
      const documents = store.collection(work.place.collection)
      const ifRevision = await expectationOf(work, store, world)
      const { revision } = await documents.set(work.place.key, work.value, ifRevision)
      world.note(revision)
      return undefined
    }
    case 'delete': {
      const documents = store.collection(work.place.collection)
      return await documents.delete(work.place.key, await expectationOf(work, store, world))
    }
    case 'update':
      return await update(work, store)
    case 'restore':
      return await restore(work.place, work.back, store, world)
    case 'append': {
      const receipts = await store.log(work.log).appendAll(work.events)
      for (const { id } of receipts) world.note(id)
      return undefined
    }
    case 'increment':
      return await store.counters.increment(Object.fromEntries(work.counts))
    case 'reset':
      return await store.counters.reset(work.names)
    case 'transaction':
      return await store.transaction((transaction) => transact(transaction, work, store))
  }
}

async function expectationOf(
  { condition, place }: { readonly condition: Condition; readonly place: Place },
  store: StateStore,
  world: World,
): Promise<{ readonly ifRevision?: string | null }> {
  if (condition === 'none') return {}
  if (condition === 'absent') return { ifRevision: null }
  if (condition === 'remembered') {
    return { ifRevision: world.remembered.get(identify(place))?.revision ?? '0.1' }
  }
  const present = await store.collection(place.collection).read(place.key)
  return { ifRevision: present?.revision ?? '0.1' }
}

function update(
  { awaits, fails, hasInitial, place, value }: Extract<Work, { kind: 'update' }>,
  store: StateStore,
): Promise<unknown> {
  const change = (was: unknown): unknown => {
    if (fails) throw new Deliberate()
    return { was, now: value }
  }
  const changeLater = async (was: unknown): Promise<unknown> => change(was)
  const options = hasInitial ? { initial: 'initial' as unknown } : {}
  const documents = store.collection(place.collection)
  return documents.update(place.key, awaits ? changeLater : change, options)
}

async function restore(
  { collection, key }: Place,
  back: number,
  store: StateStore,
  world: World,
): Promise<undefined> {
  const documents = store.collection(collection)
  const backups = await documents.backups(key)
  const { revision } = await documents.restore(key, backups.at(-1 - back)?.id ?? 'none')
  world.note(revision)
}

async function transact(
  transaction: Transaction,
  { fails, steps }: Extract<Work, { kind: 'transaction' }>,
  store: StateStore,
): Promise<unknown[]> {
  const read: unknown[] = []
  for (const step of steps) {
    if (step.kind === 'append') {
      const { agent, data, type } = step.event
      const log = store.log<unknown>(step.log)
      if (type === undefined) transaction.append(log, data as object, { agent })
      else transaction.append(log, type, data, { agent })
    } else if (step.kind === 'increment') {
      transaction.increment(step.name, step.by)
    } else {
      const documents = store.collection(step.place.collection)
      const { key } = step.place
      if (step.kind === 'get') read.push(await transaction.get(documents, key))
      else if (step.kind === 'set') transaction.set(documents, key, step.value)
      else transaction.delete(documents, key)
    }
  }
  if (fails) throw new Deliberate()
  return read
}

/** Works that have a blocking form. */
export type BlockingWork = Extract<Work, { kind: 'set' | 'append' | 'increment' }>

export function performBlocking(work: BlockingWork, store: StateStore, world: World): unknown {
  switch (work.kind) {
    case 'set': {
      const documents = store.collection(work.place.collection)
      const ifRevision = work.condition === 'absent' ? { ifRevision: null } : {}
      world.note(documents.setSync(work.place.key, work.value, ifRevision).revision)
      return undefined
    }
    case 'append':
      for (const { agent, data, type } of work.events) {
        const log = store.log<unknown>(work.log)
        const { id } =
          type === undefined
            ? log.appendSync(data as object, { agent })
            : log.appendSync(type, data, { agent })
        world.note(id)
      }
      return undefined
    case 'increment':
      return store.counters.incrementSync(Object.fromEntries(work.counts))
  }
}
