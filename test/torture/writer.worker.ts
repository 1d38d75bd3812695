/**
 * Writes when told, and stops or kills itself at a chosen file-system call of that.
 *
 * Every write appends a mark of its own to a list or a log, so that each tells in which order the
 * writes came, and whether one is missing or was made twice.
 */
import { isStateStoreError } from '../../src/errors/index.js'
import type { Lock } from '../../src/lock/index.js'
import { FileStorage } from '../../src/storage/file/index.js'
import { StateStore } from '../../src/store/index.js'
import {
  type InterceptedCall,
  interceptedFileSystem,
  isHeartbeat,
} from './intercepted-file-system.js'
import { logNames } from './log-ledger.js'

export interface WriterArguments {
  readonly directory: string
  readonly writeTtlMs: number
  readonly durability: 'power' | 'process'
  readonly logSegmentBytes?: number
}

/** What to do to the lists of a collection. */
export type Deed =
  | 'append'
  | 'create'
  | 'pair'
  | 'remove'
  // Under a lock, which is given back then; and once more with the lock it has just given back.
  | 'locked'
  | 'locked again'
  // As above, and once it goes on again the process settles everything at once, as when it exits.
  | 'append, flushed'
  | 'pair, flushed'
  | LogDeed

/** To logs, whatever the key; a pair is made of two logs and a list, `two` of the logs alone. */
export type LogDeed =
  | 'log'
  | 'log group'
  | 'log pair'
  | 'log two'
  | 'log group, flushed'
  | 'log pair, flushed'

export interface WriteCommand {
  readonly type: 'write'
  readonly deed: Deed
  readonly key: string
  readonly mark: string
  /** The call, counted from 0, before which the process sends itself the signal. */
  readonly at?: number
  readonly signal?: 'SIGSTOP' | 'SIGKILL'
  /** Counts from where it takes over from another. */
  readonly fromTakeover?: boolean
}

const isFlushed = (deed: Deed): boolean => deed.endsWith('flushed')

export interface LockCommand {
  readonly type: 'lock'
  readonly name: string
  readonly ttlMs: number
  readonly waitMs?: number
  /**
   * Stops before this call, counted from 0 from the first that has to do with the write lease. When it
   * has gone on and does not get the lock, it says that it waits.
   */
  readonly at?: number
}

/** More than it takes to finish a takeover. */
const callsOfAWait = 80

export type WriterCommand =
  | WriteCommand
  | LockCommand
  | {
      readonly type: 'write-under-lock'
      readonly key: string
      readonly mark: string
      /** Holds the sync of the staged document back until `open-gate`, and says so. */
      readonly gated?: boolean
    }
  | { readonly type: 'open-gate' }
  | { readonly type: 'release' }
  | { readonly type: 'close' }

/** Every command is answered, one that stops the process twice. */
const answer = (facts: object): void => {
  process.send?.({ type: 'answer', ...facts })
}

export const lockTtlMs = 100

const args = JSON.parse(process.argv[2] ?? '{}') as WriterArguments
let calls: string[] = []
let due: Pick<WriteCommand, 'at' | 'signal' | 'deed'> | undefined
let awaitsWriteLease = false
let awaitsTakeover = false
let gate: (() => void) | undefined
let gating: 'armed' | 'next' | undefined
let isCountingWait = false
let callsSinceStop: number | undefined

/** With generated parts left out, so that the same step has the same name in every run. */
function nameOf({ operation, args: values }: InterceptedCall): string {
  const paths = values.filter((value): value is string => typeof value === 'string')
  const told = paths.map((path) =>
    path
      .replace(args.directory, '')
      .replace(/\/writers\/[^/]+/, '/writers/…')
      .replace(/\d+/g, '#'),
  )
  return [operation, ...told].join(' ')
}

const fileSystem = interceptedFileSystem({
  before: (call) => {
    if (isHeartbeat(call)) return
    if (callsSinceStop !== undefined) {
      callsSinceStop += 1
      if (callsSinceStop === callsOfAWait) answer({ how: 'waiting' })
    }
    if (awaitsWriteLease && !/domains.*\/write$/.test(nameOf(call))) return
    awaitsWriteLease = false
    if (awaitsTakeover && !String(call.args[1]).endsWith('.revoked')) return
    awaitsTakeover = false
    // Only while the store waits for a promise can somebody else call it.
    if (due !== undefined && isFlushed(due.deed) && call.form === 'blocking') return
    if (due?.at === calls.length) strike(call, due)
    else calls.push(nameOf(call))
  },
  after: ({ operation, form }) => {
    // The call before that sync.
    if (gating === 'armed' && operation === 'setModifiedTime') gating = 'next'
    if (gating !== 'next' || operation !== 'sync' || form !== 'promised') return
    gating = undefined
    answer({ how: 'gated' })
    return new Promise<void>((resolve) => {
      gate = resolve
    })
  },
})

function strike(
  call: InterceptedCall,
  { deed, signal = 'SIGSTOP' }: Pick<WriteCommand, 'deed' | 'signal'>,
): void {
  due = undefined
  // Written to the pipe before the call returns.
  if (signal === 'SIGSTOP') answer({ how: 'stopping', before: nameOf(call) })
  process.kill(process.pid, signal)
  if (isCountingWait) callsSinceStop = 0
  if (isFlushed(deed)) store.flushSync()
}

const storage = new FileStorage({ ...args, fileSystem, backups: 1 })
const store = new StateStore({ storage })
const lists = store.collection<string[]>('lists')
const logs = [store.log(logNames[0]), store.log(logNames[1])] as const
/** So that logs are rotated all the while. */
const filling = 'filling '.repeat(80)
let revocations = 0
store.on('log:damaged', ({ path, reason }) => process.send?.({ type: 'damaged', path, reason }))
store.on('writer:revoked', () => {
  revocations += 1
})

async function write({ deed, key, mark }: WriteCommand): Promise<unknown> {
  const append = (list: string[]): string[] => [...list, mark]
  switch (deed) {
    case 'append':
    case 'append, flushed':
      return await lists.update(key, append, { initial: [] })
    case 'create':
      return await store.collection<string[]>(`new-${key}`).update(key, append, { initial: [] })
    case 'pair':
    case 'pair, flushed':
      return await store.transaction(async (transaction) => {
        for (const half of [`${key}-left`, `${key}-right`]) {
          const list = (await transaction.get(lists, half)) ?? []
          transaction.set(lists, half, append(list))
        }
      })
    case 'locked':
    case 'locked again': {
      const lease = await store.lock(key, { ttlMs: lockTtlMs })
      try {
        const marked = (list: string[]): string[] => [...list, `${lease.token} ${mark}`]
        return await lists.update(key, marked, { initial: [], lease })
      } finally {
        await lease.release()
      }
    }
    case 'log':
      return [(await logs[0].append(mark, filling)).id]
    case 'log group':
    case 'log group, flushed': {
      const events = [0, 1, 2].map((part) => ({ type: `${mark}.${part}`, data: filling }))
      return (await logs[0].appendAll(events)).map(({ id }) => id)
    }
    case 'log pair':
    case 'log pair, flushed':
      return await store.transaction(async (transaction) => {
        const list = (await transaction.get(lists, key)) ?? []
        for (const log of logs) transaction.append(log, mark, filling)
        transaction.set(lists, key, append(list))
      })
    case 'log two':
      return await store.transaction((transaction) => {
        for (const log of logs) transaction.append(log, mark, filling)
      })
    case 'remove': {
      const ifRevision = (await lists.read(key))?.revision ?? null
      return await lists.delete(key, { ifRevision })
    }
  }
}

let lock: Lock | undefined

async function obey(command: WriterCommand): Promise<unknown> {
  switch (command.type) {
    case 'write': {
      // From then on it has the lock's file at hand.
      if (command.deed === 'locked again') await (await store.lock(command.key)).release()
      calls = []
      due = command.at === undefined ? undefined : command
      awaitsTakeover = command.fromTakeover ?? false
      const value = await write(command)
      due = undefined
      awaitsTakeover = false
      return value
    }
    case 'lock': {
      const { at, name, ...times } = command
      calls = []
      awaitsWriteLease = at !== undefined
      due = at === undefined ? undefined : { at, deed: 'locked' }
      isCountingWait = at !== undefined
      lock = await store.lock(name, times)
      due = undefined
      callsSinceStop = undefined
      lock.signal.addEventListener('abort', () => {
        process.send?.({ type: 'aborted', name, reason: String(lock?.signal.reason) })
      })
      return lock.token
    }
    case 'write-under-lock': {
      if (lock === undefined) throw new Error('no lock')
      const { key, mark } = command
      gating = command.gated === true ? 'armed' : undefined
      return await lists.update(key, (list) => [...list, mark], { initial: [], lease: lock })
    }
    case 'open-gate':
      return gate?.()
    case 'release':
      return await lock?.release()
    case 'close':
      await store.close()
      process.disconnect()
  }
}

process.on('message', (command: WriterCommand) => {
  obey(command).then(
    (value) => {
      answer({ how: 'done', value, revocations })
    },
    (error: unknown) => {
      const known = isStateStoreError(error) ? error : undefined
      const { code, commitState } = known ?? {}
      answer({ how: 'failed', code, commitState, stack: (error as Error).stack })
    },
  )
})

await store.open()
process.send?.({ type: 'ready' })
