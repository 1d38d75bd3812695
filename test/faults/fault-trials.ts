/** One operation of a store with calls gone wrong, and whether what is said of it is true. */
import { isDeepStrictEqual } from 'node:util'
import { isStateStoreError } from '../../src/errors/index.js'
import type { FileOperations } from '../../src/file-system/index.js'
import type { StateStore } from '../../src/store/index.js'
import type { Fault, FaultInjectingFileSystem, SeenCall } from '../../src/testing/index.js'
import type { Image } from './image.js'
import { refusalOf } from './opened-store.js'
import { lockTtlMs, type Operation } from './operation.js'
import { type State, stateOf } from './states.js'
import { type Bench, benchOn, openedAfterDeath, openOn, writeTtlMs } from './trial-bench.js'

/** No fault may cost the next operation more than falling silent does. */
export const patienceMs = writeTtlMs + lockTtlMs + 100

export interface Trial {
  readonly faults: readonly Fault[]
  /** What is staged cannot be removed. */
  readonly leavesFiles?: boolean
}

export interface Verdict {
  readonly wrong: readonly string[]
  /** How many of the faults have struck; one that persists counts once. */
  readonly struck: number
  /** All that the operation has made, with those. */
  readonly calls: readonly SeenCall[]
}

/** Performs the operation with the faults. Returns what is wrong with what came of it. */
export async function tryFaults(
  operation: Operation,
  image: Image,
  { faults, leavesFiles = false }: Trial,
): Promise<Verdict> {
  const bench = benchOn(image)
  const { clock, disk, machine, raw, sound } = bench
  const { store } = await openOn(bench, disk, machine.start())
  const positioned = await operation.position?.(store)
  disk.inject(...faults)
  let answer: unknown
  const error = await refusalOf(
    operation.act(store, positioned).then((given) => {
      answer = given
    }),
  )
  const { calls } = disk
  const struck = Math.min(disk.struck.length, faults.length)
  const wrong = endlessIn(disk)
  disk.inject()
  wrong.push(...lies(operation, error, answer))

  wrong.push(...(await judgeAfterDeath(bench, operation, error)))

  const startedMs = clock.monotonicMs()
  if (operation.ends !== true) wrong.push(...(await goOn(store, operation, error)))
  const other = await openOn(bench, sound)
  wrong.push(...(await goOn(other.store, operation, error)))
  const tookMs = clock.monotonicMs() - startedMs
  if (tookMs > patienceMs) wrong.push(`the next operations took ${tookMs} ms`)
  await other.store.close()
  if (!leavesFiles) wrong.push(...stagedIn(raw))
  if (operation.ends !== true) await store.close()
  wrong.push(...traces(bench))
  return { wrong, struck, calls }
}

/** Opens a store with the faults, then again without, and does what was to be done. */
export async function tryFaultsInOpening(
  operation: Operation,
  image: Image,
  { faults }: Trial,
): Promise<Verdict> {
  const bench = benchOn(image)
  const { disk, sound } = bench
  disk.inject(...faults)
  const opened = openOn(bench, disk)
  const error = await refusalOf(opened)
  const { calls } = disk
  const struck = Math.min(disk.struck.length, faults.length)
  const wrong = endlessIn(disk)
  disk.inject()
  wrong.push(...lies({ ...operation, answer: undefined }, error, undefined))
  const later = { ...operation, from: operation.before, after: operation.before }
  const again = error === undefined ? await opened : await openOn(bench, sound)
  wrong.push(...(await goOn(again.store, later, undefined)))
  await again.store.close()
  const { store } = await openOn(bench, sound)
  wrong.push(...(await goOn(store, later, undefined)))
  await store.close()
  wrong.push(...traces(bench))
  return { wrong, struck, calls }
}

async function judgeAfterDeath(
  bench: Bench,
  operation: Operation,
  error: unknown,
): Promise<string[]> {
  try {
    const { store } = await openedAfterDeath(bench)
    const wrong = judge(operation, error, await stateOf(store))
    await store.close()
    return wrong
  } catch (failure) {
    return [`a successor cannot read it: ${String(failure)}`]
  }
}

const endlessIn = ({ endless }: FaultInjectingFileSystem): string[] =>
  endless === undefined ? [] : [`${endless.operation} ${endless.path} does not come to an end`]

/** What no fault is an excuse for, once the store is closed. */
export function traces({ clock, disk }: Bench): string[] {
  return [
    ...clock.uncaught.map((uncaught) => `a timer threw ${String(uncaught)}`),
    ...disk.syncedAgain.map((path) => `${path} was synced again`),
    ...disk.openFiles.map((path) => `${path} was left open`),
  ]
}

/** Temporary files that nobody needs any more. */
function stagedIn(fs: FileOperations): string[] {
  const domains = '/store/.holdfast/domains'
  return fs.readDirectory(domains).flatMap(({ name }) => {
    const writers = `${domains}/${name}/writers`
    const staging = fs.readDirectory(writers).filter(({ kind }) => kind === 'directory')
    const staged = staging.flatMap((each) => fs.readDirectory(`${writers}/${each.name}`))
    return staged.map((each) => `${each.name} was left in staging`)
  })
}

/** An operation fails with an error of ours, or its answer is the right one. */
export function lies({ answer: right }: Operation, error: unknown, given: unknown): string[] {
  if (error !== undefined) return isStateStoreError(error) ? [] : [`threw ${String(error)}`]
  if (right === undefined) return []
  const isRight = typeof right === 'function' ? right(given) : isDeepStrictEqual(given, right)
  return isRight === true ? [] : [`gave ${JSON.stringify(given)}`]
}

/** Whether what stands, but for what {@link goOn} has done, is what the operation was told. */
export function judge(operation: Operation, error: unknown, found: State): string[] {
  const { before, from = before, after = from } = operation
  const told = error === undefined ? 'committed' : commitStateOf(error)
  const allowed = told === 'committed' ? [after] : told === 'not-committed' ? [from] : [from, after]
  const judged = withoutTimes(withoutNext(found))
  if (allowed.some((state) => isDeepStrictEqual(judged, state))) return []
  return [`was told ${told} (${String(error)}), found ${JSON.stringify(found)}`]
}

/** When a component was recorded depends on how long the disk took. */
function withoutTimes(state: State): State {
  const entries = Object.entries(state).map(([name, value]): [string, unknown] =>
    name.startsWith('health/')
      ? [name, { ...(value as object), since: 'a time', at: 'a time' }]
      : [name, value],
  )
  return Object.fromEntries(entries)
}

const commitStateOf = (error: unknown): string =>
  isStateStoreError(error) ? error.commitState : 'nothing'

/** The next operations of a store, which nothing may be in the way of. */
export async function goOn(
  store: StateStore,
  operation: Operation,
  error: unknown,
): Promise<string[]> {
  const next = store.collection('next')
  try {
    await next.set('a', 1)
    await store.transaction((transaction) => {
      transaction.set(next, 'b', 2)
      transaction.set(next, 'c', 3)
    })
    const lock = await store.lock('next', { ttlMs: lockTtlMs })
    await lock.release()
    const appended = []
    for (const log of Object.keys({ ...operation.before, ...operation.from, ...operation.after })) {
      if (!log.startsWith('log:')) continue
      const name = log.slice('log:'.length)
      const { id } = await store.log<object>(name).append({ next: true })
      const [last] = await store.log(name).last()
      appended.push(...(last?.id === id ? [] : [`the next event of ${name} is not its last`]))
    }
    return [...appended, ...judge(operation, error, await stateOf(store))]
  } catch (failure) {
    return [`the next operation failed: ${String(failure)}`]
  }
}

/** A state without what {@link goOn} has done. */
function withoutNext(state: State): State {
  const entries = Object.entries(state).map(([name, value]): [string, unknown] =>
    name.startsWith('log:')
      ? [name, (value as object[]).filter((data) => !('next' in data))]
      : [name, value],
  )
  return Object.fromEntries(
    entries.filter(([name, value]) =>
      name.startsWith('log:') ? (value as unknown[]).length > 0 : !name.startsWith('next/'),
    ),
  )
}
