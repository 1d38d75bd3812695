/** Counts in a store together with others, in several ways, as its supervisor says. */
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { FileStorage } from '../../src/storage/file/index.js'
import { StateStore } from '../../src/store/index.js'
import { interceptedFileSystem, isHeartbeat } from './intercepted-file-system.js'

export interface ContenderArguments {
  readonly directory: string
  /** Outside the store: what the lock protects. */
  readonly outside: string
  readonly durability: 'power' | 'process'
  readonly writeTtlMs?: number
  /** The file-system call, counted from the first `run`, at which the process kills itself. */
  readonly dieAtCall?: number
}

export interface RunCommand {
  readonly type: 'run'
  readonly kind: 'update' | 'transaction' | 'lock'
  /** Absent: until `stop`. */
  readonly count?: number
  /** How many run at once in this process. */
  readonly lanes: number
  /** Tells each one that was acknowledged, before the next is begun. */
  readonly tells: boolean
}

interface Account {
  readonly amount: number
  readonly moves: number
}

const args = JSON.parse(process.argv[2] ?? '{}') as ContenderArguments
let callsToLive = Number.POSITIVE_INFINITY

const fileSystem = interceptedFileSystem({
  before: (call) => {
    if (isHeartbeat(call)) return
    callsToLive -= 1
    if (callsToLive < 0) process.kill(process.pid, 'SIGKILL')
  },
})

const { directory, durability, writeTtlMs } = args
const storage = new FileStorage({ directory, durability, writeTtlMs, fileSystem, backups: 2 })
const store = new StateStore({ storage })

const tell = (message: object): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(message, () => resolve())
  })

const counters = store.collection<number>('counters')
const accounts = store.collection<Account>('accounts')

async function increment(): Promise<void> {
  await counters.update('all', (count) => count + 1, { initial: 0 })
}

async function move(): Promise<void> {
  await store.transaction(async (transaction) => {
    const from = (await transaction.get(accounts, 'a')) ?? { amount: 0, moves: 0 }
    const to = (await transaction.get(accounts, 'b')) ?? { amount: 0, moves: 0 }
    transaction.set(accounts, 'a', { amount: from.amount - 1, moves: from.moves + 1 })
    transaction.set(accounts, 'b', { amount: to.amount + 1, moves: to.moves + 1 })
  })
}

/** A read-modify-write of a file that nothing but the lock protects. */
async function countOutside(): Promise<number> {
  const lock = await store.lock('outside')
  const marker = `${args.outside}.inside`
  enter(marker, lock.token)
  const [count = 0, last = 0] = readFileSync(args.outside, 'utf8').split(' ').map(Number)
  if (lock.token <= last) throw new Error(`token ${lock.token} after ${last}`)
  const draft = `${args.outside}.${process.pid}`
  writeFileSync(draft, `${count + 1} ${lock.token}`)
  renameSync(draft, args.outside)
  unlinkSync(marker)
  await lock.release()
  return lock.token
}

/** Throws if somebody who lives is inside too. The marker appears whole, with its owner's pid in it. */
function enter(marker: string, token: number): void {
  const mine = `${marker}.${process.pid}`
  writeFileSync(mine, String(process.pid))
  try {
    linkSync(mine, marker)
  } catch {
    const other = Number(readFileSync(marker, 'utf8'))
    if (isAlive(other)) throw new Error(`process ${other} is inside together with token ${token}`)
    unlinkSync(marker)
    linkSync(mine, marker)
  }
}

function isAlive(pid: number): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !/\) [ZX] /.test(line)
  } catch {
    return false
  }
}

const ways = { update: increment, transaction: move, lock: countOutside }

let begun = 0
let acknowledged = 0

async function run({ kind, count = Number.MAX_VALUE, lanes, tells }: RunCommand): Promise<void> {
  begun = 0
  acknowledged = 0
  const lane = async (): Promise<void> => {
    while (begun < count) {
      begun += 1
      const token = await ways[kind]()
      acknowledged += 1
      if (tells) await tell({ type: 'acknowledged', kind, token })
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  await tell({ type: 'finished', kind, acknowledged })
}

/** An error ends the process, with its stack on stderr. */
function rethrow(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}

process.on('message', (command: RunCommand | { readonly type: 'stop' | 'close' }) => {
  switch (command.type) {
    case 'run':
      callsToLive = args.dieAtCall ?? callsToLive
      run(command).catch(rethrow)
      break
    case 'stop':
      begun = Number.POSITIVE_INFINITY
      break
    case 'close':
      store.close().then(() => process.disconnect(), rethrow)
  }
})

await store.open()
await tell({ type: 'ready' })
