/** Documents and logs of a small store as one value, and steps that change it. */
import type { StateStore } from '../../src/store/index.js'

/** All documents, `collection/key` to value; and all logs, `log:name` to the data of their records. */
export type State = Readonly<Record<string, unknown>>

export interface Step {
  /** What the step changes; undefined removes. Of a log: what it appends, all or none. */
  readonly changes: Readonly<Record<string, unknown>>
  /** Without it the changes are independent of each other. */
  readonly atomic?: boolean
}

/** The state after a step. */
export function after(state: State, changes: Step['changes']): State {
  const next: Record<string, unknown> = { ...state }
  for (const [name, value] of Object.entries(changes)) {
    next[name] = isLog(name)
      ? [...((state[name] as unknown[]) ?? []), ...(value as unknown[])]
      : value
  }
  return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined))
}

/** The states that may be found while a step is under way. */
export function statesDuring(before: State, { atomic = false, changes }: Step): State[] {
  if (atomic) return [before, after(before, changes)]
  let states: State[] = [before]
  for (const [name, value] of Object.entries(changes)) {
    states = [...states, ...states.map((state) => after(state, { [name]: value }))]
  }
  return states
}

const isLog = (name: string): boolean => name.startsWith('log:')
const logOf = (name: string): string => name.slice('log:'.length)

const placeOf = (name: string): [string, string] => {
  const [collection = '', key = ''] = name.split('/')
  return [collection, key]
}

export async function perform(store: StateStore, { atomic, changes }: Step): Promise<void> {
  const entries = Object.entries(changes)
  if (atomic === true) {
    await store.transaction((transaction) => {
      for (const [name, value] of entries) {
        const [collection, key] = placeOf(name)
        if (isLog(name)) {
          const log = store.log(logOf(name))
          for (const data of value as object[]) transaction.append(log, data)
        } else if (value === undefined) transaction.delete(store.collection(collection), key)
        else transaction.set(store.collection(collection), key, value)
      }
    })
    return
  }
  await Promise.all(
    entries.map(([name, value]) => {
      const [collection, key] = placeOf(name)
      if (isLog(name)) {
        const events = (value as object[]).map((data) => ({ data }))
        return store.log(logOf(name)).appendAll(events)
      }
      if (value === undefined) return store.collection(collection).delete(key)
      return store.collection(collection).set(key, value)
    }),
  )
}

export async function stateOf(store: StateStore): Promise<State> {
  const state: Record<string, unknown> = {}
  for (const collection of await store.collections()) {
    for (const key of await store.collection(collection).list()) {
      const value = await store.collection(collection).get(key)
      if (value !== undefined) state[`${collection}/${key}`] = value
    }
  }
  for (const { log } of await store.logs()) {
    const data = (await store.log(log).query().toArray()).map((event) => event.data)
    if (data.length > 0) state[`log:${log}`] = data
  }
  return state
}
