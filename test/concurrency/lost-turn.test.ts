import { describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../src/clock/index.js'
import { type FileSystem, MemoryFileSystem } from '../../src/file-system/index.js'
import { FileStorage } from '../../src/storage/file/index.js'
import { StateStore } from '../../src/store/index.js'
import { interceptedFileSystem } from '../torture/intercepted-file-system.js'
import { Population } from '../torture/population.js'

/** A clock whose waits end when the test says so, and whose time moves only then. */
class HeldClock {
  readonly clock: Clock
  #offsetMs = 0
  #wake: (() => void)[] = []
  #isHeld = false

  constructor() {
    this.clock = {
      ...systemClock,
      monotonicMs: () => systemClock.monotonicMs() + this.#offsetMs,
      sleep: (durationMs, options) => {
        if (!this.#isHeld || durationMs === 0) return systemClock.sleep(durationMs, options)
        return new Promise((resolve) => this.#wake.push(resolve))
      },
    }
  }

  get waiting(): number {
    return this.#wake.length
  }

  hold(): void {
    this.#isHeld = true
  }

  pass(durationMs: number): void {
    this.#offsetMs += durationMs
  }

  /** What waits goes on in the next microtask, and later waits are real ones. */
  wake(): void {
    this.#isHeld = false
    for (const wake of this.#wake.splice(0)) wake()
  }
}

const writeTtlMs = 60_000

async function openOn(fileSystem: FileSystem, population: Population, pid: number, clock: Clock) {
  const processes = population.seenBy(pid)
  const options = {
    directory: '/store',
    fileSystem,
    processes,
    clock,
    writeTtlMs,
    writeWaitMs: 1e9,
  }
  return await new StateStore({ storage: new FileStorage(options), clock }).open()
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn()
}

describe('a turn that is lost before its first step', () => {
  it('is not used with the power to write of a later registration', async () => {
    const memory = new MemoryFileSystem()
    const population = new Population(memory)
    const ours = new HeldClock()
    const theirs = new HeldClock()
    let strike: (() => void) | undefined
    const gate: { open?: () => void } = {}
    const isGateShut = () => gate.open !== undefined
    const openGate = () => {
      gate.open?.()
      delete gate.open
    }
    let isGated = false
    const fileSystem = interceptedFileSystem(
      {
        // The last call of entering a turn that nobody else wants.
        before: ({ operation, form }) => {
          if (operation !== 'statusOf' || form !== 'blocking') return
          strike?.()
          strike = undefined
        },
        after: ({ operation, form }) => {
          if (!isGated || operation !== 'sync' || form !== 'promised') return
          isGated = false
          return new Promise<void>((resolve) => {
            gate.open = resolve
          })
        },
      },
      memory,
    )
    const first = await openOn(fileSystem, population, 1, ours.clock)
    const second = await openOn(memory, population, 2, theirs.clock)
    const counters = [first, second].map((store) => store.collection<number>('counters'))
    const increment = (index: 0 | 1): Promise<number> | undefined =>
      counters[index]?.update('all', (count) => count + 1, { initial: 0 })
    await increment(1)
    const lock = await second.lock('name')
    await lock.release()
    await increment(0)

    // The first holds a turn for long, the second waits in line behind it.
    isGated = true
    const early = increment(0)
    await until(isGateShut)
    theirs.hold()
    const late = increment(1)
    await until(() => theirs.waiting > 0)
    openGate()
    await early

    // The first asks for the lock; somebody who waited longer is let go first.
    const [domain] = memory.blocking.readDirectory('/store/.holdfast/domains')
    const names = `/store/.holdfast/domains/${domain?.name}/names`
    memory.blocking.close(memory.blocking.open(`${names}/name/waiting`, 'create'))
    ours.hold()
    const lockAgain = first.lock('name')
    await until(() => ours.waiting > 0)

    // Just after it has entered its next turn it sleeps beyond its TTL. The second takes over; the one
    // who asked for the lock goes on first and registers the store anew; only then the turn begins.
    isGated = true
    strike = () => {
      queueMicrotask(() => theirs.pass(writeTtlMs))
      theirs.wake()
      ours.wake()
    }
    const struck = increment(0)
    await late
    await until(() => isGateShut() || !isGated)
    openGate()
    await struck
    expect(await counters[0]?.get('all')).toBe(5)
    await (await lockAgain).release()
    await first.close()
    await second.close()
  })
})
