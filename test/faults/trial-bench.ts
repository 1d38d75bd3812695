/** A store on a disk in memory whose calls can go wrong, in simulated time. */
import type { ProcessTable } from '../../src/file-lock/index.js'
import type { FileOperations, FileSystem } from '../../src/file-system/index.js'
import { FaultInjectingFileSystem, type SeenCall } from '../../src/testing/index.js'
import { buildImage, emptyImage, type Image, takeImage } from './image.js'
import { Machine } from './machine.js'
import { type OpenedStore, openStore } from './opened-store.js'
import type { Operation } from './operation.js'
import { overBlocking } from './operations.js'
import { SimulatedClock } from './simulated-clock.js'
import { perform } from './states.js'

export const writeTtlMs = 200
export const limits = { writeTtlMs, logSegmentBytes: 4096 }

export interface Bench {
  readonly clock: SimulatedClock
  readonly machine: Machine
  /** The disk as the store under trial has it. */
  readonly disk: FaultInjectingFileSystem
  /** And as everybody else has it. */
  readonly sound: FileSystem
  readonly raw: FileOperations
}

export function benchOn(image: Image, machine = new Machine()): Bench {
  const clock = new SimulatedClock()
  const raw = buildImage(image).blocking
  const sound = overBlocking(raw, clock.touch)
  return { clock, machine, disk: new FaultInjectingFileSystem(sound, { clock }), sound, raw }
}

export const openOn = (
  { clock, machine }: Bench,
  fileSystem: FileSystem,
  processes: ProcessTable = machine.start(),
): Promise<OpenedStore> => openStore({ ...limits, clock, processes, fileSystem })

/** What is there now, as whoever comes after the process has died finds it. */
export async function openedAfterDeath({ raw }: Bench): Promise<OpenedStore> {
  const machine = new Machine()
  machine.kill(machine.start())
  const cut = benchOn(takeImage(raw), machine)
  return openOn(cut, cut.sound)
}

/** A disk with what is there before the operation. */
export async function diskBefore({ before, crashed, prepare }: Operation): Promise<Image> {
  const bench = benchOn(emptyImage())
  if (Object.keys(before).length > 0) {
    const { store } = await openOn(bench, bench.sound)
    for (const [name, value] of Object.entries(before)) {
      // Documents twice, so that there is a backup.
      const changes = name.startsWith('log:')
        ? (value as unknown[]).map((each) => [each])
        : [value, value]
      for (const change of changes) await perform(store, { changes: { [name]: change } })
    }
    if (crashed !== true) await store.close()
  }
  prepare?.(bench.raw)
  return takeImage(bench.raw)
}

/** The calls that the operation makes when nothing goes wrong. */
export async function callsOf(operation: Operation, image: Image): Promise<readonly SeenCall[]> {
  const bench = benchOn(image)
  const { store } = await openOn(bench, bench.disk)
  const positioned = await operation.position?.(store)
  bench.disk.inject()
  await operation.act(store, positioned)
  const { calls } = bench.disk
  bench.disk.inject()
  if (operation.ends !== true) await store.close()
  return calls
}

/** The calls that opening makes when nothing goes wrong. */
export async function callsOfOpening(image: Image): Promise<readonly SeenCall[]> {
  const bench = benchOn(image)
  const { store } = await openOn(bench, bench.disk)
  const { calls } = bench.disk
  bench.disk.inject()
  await store.close()
  return calls
}
