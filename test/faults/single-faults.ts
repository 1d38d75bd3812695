/** One operation of a store with one call gone wrong, and whether what is said of it is true. */
import { isDeepStrictEqual } from 'node:util'
import { isStateStoreError } from '../../src/errors/index.js'
import type { FileOperations } from '../../src/file-system/index.js'
import type { StateStore } from '../../src/store/index.js'
import { type Fault, FaultyDisk } from './faulty-disk.js'
import { buildImage, type Image, takeImage } from './image.js'
import { Machine } from './machine.js'
import { openStore, refusalOf } from './opened-store.js'
import { overBlocking } from './operations.js'
import { SimulatedClock } from './simulated-clock.js'
import { perform, type State, stateOf } from './states.js'

export interface Operation {
  /** Documents and logs that are there before; each record of a log is a commit. */
  readonly before: State
  /** Who wrote them died at it, holding the write lease. */
  readonly crashed?: boolean
  /** And after it has succeeded. */
  readonly after: State
  /** Prepares the disk while no store is open. */
  readonly prepare?: (fs: FileOperations) => void
  /** Brings an open store into position; what it returns is given to `act`. */
  readonly position?: (store: StateStore) => Promise<unknown>
  readonly act: (store: StateStore, positioned: unknown) => Promise<unknown>
  /** The store is closed, or could not be opened, after the operation. */
  readonly ends?: boolean
}

const writeTtlMs = 200
/** No single fault may cost the next operation more than falling silent does. */
export const lockTtlMs = 150
const limits = { writeTtlMs, logSegmentBytes: 4096 }
const patienceMs = writeTtlMs + lockTtlMs + 100

export interface Trial {
  readonly at: number
  readonly fault: Fault
  readonly persists?: 'operation' | 'everything'
  /** What is staged cannot be removed. */
  readonly leavesFiles?: boolean
}

interface Bench {
  readonly clock: SimulatedClock
  readonly machine: Machine
  readonly disk: FaultyDisk
  readonly raw: FileOperations
}

const openOn = ({ clock, machine }: Bench, fs: FileOperations, processes = machine.start()) =>
  openStore({ ...limits, clock, processes, fileSystem: overBlocking(fs, clock.touch) })

/** A disk with the documents that are there before; made once an operation. */
export async function diskBefore(operation: Operation): Promise<Image> {
  const clock = new SimulatedClock()
  const { blocking } = buildImage({ directories: [], files: [], symlinks: [], internals: [] })
  if (Object.keys(operation.before).length > 0) {
    const fileSystem = overBlocking(blocking, clock.touch)
    const { store } = await openStore({ ...limits, clock, fileSystem })
    for (const [name, value] of Object.entries(operation.before)) {
      // Documents twice, so that there is a backup.
      const changes = name.startsWith('log:')
        ? (value as unknown[]).map((each) => [each])
        : [value, value]
      for (const change of changes) await perform(store, { changes: { [name]: change } })
    }
    if (operation.crashed !== true) await store.close()
  }
  operation.prepare?.(blocking)
  return takeImage(blocking)
}

/** The calls that the operation makes when nothing goes wrong. */
export async function callsOf(operation: Operation, image: Image): Promise<FaultyDisk['calls']> {
  const bench = benchOn(image)
  const { store } = await openOn(bench, bench.disk.operations)
  const positioned = await operation.position?.(store)
  bench.disk.watch()
  await operation.act(store, positioned)
  const calls = [...bench.disk.calls]
  if (operation.ends !== true) await store.close()
  return calls
}

function benchOn(image: Image): Bench {
  const raw = buildImage(image).blocking
  return {
    clock: new SimulatedClock(),
    machine: new Machine(),
    disk: new FaultyDisk(raw),
    raw,
  }
}

/** Performs the operation with the fault. Returns what is wrong with what came of it. */
export async function tryFault(
  operation: Operation,
  image: Image,
  trial: Trial,
): Promise<string[]> {
  const bench = benchOn(image)
  const { clock, disk, machine, raw } = bench
  const own = machine.start()
  const { store } = await openOn(bench, disk.operations, own)
  const positioned = await operation.position?.(store)
  disk.watch(trial)
  const error = await refusalOf(operation.act(store, positioned))
  disk.watch()
  const wrong: string[] = []
  if (error !== undefined && !isStateStoreError(error)) wrong.push(`threw ${String(error)}`)

  // Judged by who opens what is there now, as if the process were gone.
  const cut = benchOn(takeImage(raw))
  const { store: judge } = await openOn(cut, cut.raw)
  wrong.push(...judgement(operation, error, await stateOf(judge)))
  await judge.close()

  const startedMs = clock.monotonicMs()
  if (operation.ends !== true) wrong.push(...(await goOn(store, operation, error)))
  const other = await openOn(bench, raw)
  wrong.push(...(await goOn(other.store, operation, error)))
  const tookMs = clock.monotonicMs() - startedMs
  if (tookMs > patienceMs) wrong.push(`the next operations took ${tookMs} ms`)
  await other.store.close()
  if (trial.leavesFiles !== true) wrong.push(...stagedIn(raw))
  if (operation.ends !== true) await store.close()

  for (const uncaught of clock.uncaught) wrong.push(`a timer threw ${String(uncaught)}`)
  for (const path of disk.syncedAgain) wrong.push(`${path} was synced again`)
  if (disk.endless !== undefined) wrong.push(disk.endless)
  return wrong
}

/** The calls that opening makes. */
export async function callsOfOpening(image: Image): Promise<FaultyDisk['calls']> {
  const bench = benchOn(image)
  bench.disk.watch()
  const { store } = await openOn(bench, bench.disk.operations)
  const calls = [...bench.disk.calls]
  await store.close()
  return calls
}

/** Opens a store with the fault, then again without, and does what was to be done. */
export async function tryFaultInOpening(
  operation: Operation,
  image: Image,
  trial: Trial,
): Promise<string[]> {
  const bench = benchOn(image)
  const { disk, raw } = bench
  disk.watch(trial)
  const wrong: string[] = []
  const opened = openOn(bench, disk.operations)
  const error = await refusalOf(opened)
  disk.watch()
  if (error !== undefined && !isStateStoreError(error)) wrong.push(`threw ${String(error)}`)
  if (disk.endless !== undefined) wrong.push(disk.endless)
  const later = { ...operation, after: operation.before }
  const again = error === undefined ? await opened : await openOn(bench, raw)
  wrong.push(...(await goOn(again.store, later, undefined)))
  await again.store.close()
  const { store } = await openOn(bench, raw)
  wrong.push(...(await goOn(store, later, undefined)))
  await store.close()
  return wrong
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

function judgement(operation: Operation, error: unknown, found: State): string[] {
  const { before, after } = operation
  const told = error === undefined ? 'committed' : commitStateOf(error)
  const allowed =
    told === 'committed' ? [after] : told === 'not-committed' ? [before] : [before, after]
  if (allowed.some((state) => isDeepStrictEqual(found, state))) return []
  return [`was told ${told} (${String(error)}), found ${JSON.stringify(found)}`]
}

const commitStateOf = (error: unknown): string =>
  isStateStoreError(error) ? error.commitState : 'nothing'

/** The next operations of a store, which nothing may be in the way of. */
async function goOn(store: StateStore, operation: Operation, error: unknown): Promise<string[]> {
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
    for (const log of Object.keys({ ...operation.before, ...operation.after })) {
      if (!log.startsWith('log:')) continue
      const name = log.slice('log:'.length)
      const { id } = await store.log<object>(name).append({ next: true })
      const [last] = await store.log(name).last()
      appended.push(...(last?.id === id ? [] : [`the next event of ${name} is not its last`]))
    }
    const { 'next/a': _a, 'next/b': _b, 'next/c': _c, ...rest } = await stateOf(store)
    return [...appended, ...judgement(operation, error, withoutNext(rest))]
  } catch (failure) {
    return [`the next operation failed: ${String(failure)}`]
  }
}

/** A state without the events of {@link goOn}. */
function withoutNext(state: State): State {
  const entries = Object.entries(state).map(([name, value]): [string, unknown] =>
    name.startsWith('log:')
      ? [name, (value as object[]).filter((data) => !('next' in data))]
      : [name, value],
  )
  return Object.fromEntries(
    entries.filter(([name, value]) => !name.startsWith('log:') || (value as unknown[]).length > 0),
  )
}
