/** Counts in a store together with others, telling what was acknowledged by a pipe, until it is killed. */
import { FileStorage } from '../../src/storage/file/index.js'
import { StateStore } from '../../src/store/index.js'
import { seededRandom } from '../support/random.js'
import { interceptedFileSystem, isHeartbeat } from './intercepted-file-system.js'

export interface CountingArguments {
  readonly directory: string
  readonly durability: 'power' | 'process'
  readonly timeZone: string
  readonly seed: number
  /** How many increments run at once. */
  readonly lanes: number
  /** How many increments to make before it ends by itself. */
  readonly count: number
  /** The file-system call after `ready` at which the process kills itself. */
  readonly dieAtCall?: number
}

/** `one` counts `one`. The others count `left` and `right` together: by a commit, by a transaction. */
export type CountingKind = 'one' | 'both' | 'transaction'

const args = JSON.parse(process.argv[2] ?? '{}') as CountingArguments
let callsToLive = Number.POSITIVE_INFINITY

const fileSystem = interceptedFileSystem({
  before: (call) => {
    if (isHeartbeat(call)) return
    callsToLive -= 1
    if (callsToLive < 0) process.kill(process.pid, 'SIGKILL')
  },
})

const { directory, durability, timeZone, seed, lanes, count } = args
const random = seededRandom(seed)
const storage = new FileStorage({ directory, durability, fileSystem, backups: 2 })
const store = new StateStore({ storage })
const windows = { per: ['hour', 'day'], timeZone } as const

const tell = (message: object): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(message, () => resolve())
  })

const ways: Readonly<Record<CountingKind, () => Promise<number | undefined>>> = {
  one: () => store.counters.increment('one', 1, windows),
  both: async () => {
    const { left, right } = await store.counters.increment({ left: 1, right: 1 }, windows)
    if (left !== right) throw new Error(`left is ${left}, right ${right}`)
    return left
  },
  transaction: async () => {
    await store.transaction((transaction) => {
      transaction.increment('left', 3, windows)
      transaction.increment('right', 1, windows)
      transaction.increment('left', -2, windows)
    })
    return undefined
  },
}

let begun = 0

async function lane(): Promise<void> {
  while (begun < count) {
    begun += 1
    const chance = random()
    const kind: CountingKind = chance < 0.5 ? 'one' : chance < 0.8 ? 'both' : 'transaction'
    const value = await ways[kind]()
    // Told before the next is begun, so that no more than one of a lane can be unknown.
    await tell({ type: 'acknowledged', kind, value })
  }
}

await store.open()
await tell({ type: 'ready' })
callsToLive = args.dieAtCall ?? callsToLive
await Promise.all(Array.from({ length: lanes }, lane))
await store.close()
process.disconnect()
