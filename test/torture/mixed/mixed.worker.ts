/**
 * Does all kinds of work to a store together with others, telling by a pipe what it does, until it is told to
 * finish, or is killed. Its wall clock jumps.
 */
import { StateStore } from '../../../src/index.js'
import { FileStorage } from '../../../src/storage/file/index.js'
import { seededRandom } from '../../support/random.js'
import { interceptedFileSystem, isHeartbeat } from '../intercepted-file-system.js'
import type { Mark } from '../log-ledger.js'
import { JumpingClock } from './jumping-clock.js'
import { MixedWork, type Mutant, recordName } from './mixed-work.js'
import { openDoor } from './open-door.js'
import {
  counters,
  documentKeys,
  groups,
  leaseNames,
  logs,
  type Output,
  sides,
} from './operations.js'
import { Recorder, writeToPipe } from './record-pipe.js'

export interface MixedArguments {
  readonly directory: string
  readonly durability: 'power' | 'process'
  readonly writeTtlMs: number
  readonly leaseTtlMs: number
  readonly logSegmentBytes: number
  /** Of `process.hrtime`, in nanoseconds. */
  readonly origin: string
  /** Of this life of the process. */
  readonly writer: string
  readonly seed: number
  readonly lanes: number
  /** Operations after which it ends by itself. */
  readonly count: number
  /** The file-system call after `ready` at which the process kills itself. */
  readonly dieAtCall?: number
  /** Likewise, stops itself. */
  readonly stopAtCall?: number
  /** Of each log, the last event that the former life followed to. */
  readonly cursors: Readonly<Record<string, string>>
  /** The only kind of work to be done; absent: all kinds. */
  readonly only?: Work
  readonly mutant?: Mutant
}

export type Work = 'documents' | 'groups' | 'counters' | 'leases' | 'logs'

const args = JSON.parse(process.argv[2] ?? '{}') as MixedArguments
const { directory, durability, leaseTtlMs, logSegmentBytes, mutant, writer, writeTtlMs } = args
const recorder = new Recorder(args.origin, writeToPipe)
const random = seededRandom(args.seed)
const jumping = new JumpingClock()
const { clock } = jumping
let calls = Number.NEGATIVE_INFINITY

const fileSystem = interceptedFileSystem({
  before: (call) => {
    if (isHeartbeat(call)) return
    calls += 1
    if (calls === args.dieAtCall) process.kill(process.pid, 'SIGKILL')
    if (calls !== args.stopAtCall) return
    writeToPipe({ type: 'stopping' })
    process.kill(process.pid, 'SIGSTOP')
  },
})

const storage = new FileStorage({
  ...{ directory, durability, writeTtlMs, logSegmentBytes, fileSystem, clock },
  backups: 1,
  ...(mutant === 'writes without waiting for its turn' && { lock: openDoor }),
})
const store = new StateStore({ storage, clock })
const work = new MixedWork({ store, recorder, writer, mutant })
for (const event of ['log:damaged', 'state:corrupt', 'state:external-change'] as const) {
  store.on(event, (detail) => {
    writeToPipe({ type: 'told', event: `${event} ${JSON.stringify(detail)}` })
  })
}
for (const event of [
  'writer:taken-over',
  'writer:revoked',
  'lease:taken-over',
  'lease:lost',
] as const) {
  store.on(event, () => writeToPipe({ type: 'told', event }))
}

const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T
const chance = (part: number): boolean => random() < part

/** Shows a token to the witness outside; resolves once he has answered. */
const answers: (() => void)[] = []
function use(name: string, token: number): Promise<void> {
  return new Promise((resolve) => {
    answers.push(resolve)
    process.send?.({ type: 'use', name, token })
  })
}

const revisions = new Map<string, string | null>()
const remember = (key: string, output: Output | undefined): void => {
  const { revision } = (typeof output === 'object' ? output : {}) as { revision?: string | null }
  if (revision !== undefined) revisions.set(key, revision)
}

async function workOnDocument(): Promise<void> {
  const key = pick(documentKeys)
  const on = 'document'
  const mark = work.mark()
  const what = random()
  if (what < 0.3) remember(key, await work.document({ on, key, do: 'read' }, false))
  else if (what < 0.5) await work.document({ on, key, do: 'set', mark }, chance(0.15))
  else if (what < 0.75) await work.document({ on, key, do: 'update', mark }, false)
  else if (what < 0.85) await work.document({ on, key, do: 'delete' }, false)
  else {
    const ifRevision = revisions.get(key) ?? null
    await work.document({ on, key, do: 'set if', mark, ifRevision }, false)
  }
}

async function workOnGroup(): Promise<void> {
  const group = pick(groups)
  const what = random()
  const mark = work.mark()
  if (what < 0.45) await work.group({ on: 'group', group, do: 'move', mark })
  else if (what < 0.7) await work.group({ on: 'group', group, do: 'look' })
  else if (what < 0.8) await work.group({ on: 'group', group, do: 'set', side: pick(sides), mark })
  else if (what < 0.9) await work.side(group, pick(sides))
  else await work.counter(`moves-${group}`, 'read', false)
}

async function workOnCounter(): Promise<void> {
  const name = pick(counters)
  const what = random()
  if (what < 0.65) await work.counter(name, 'increment', chance(0.1))
  else if (what < 0.9 || name === 'hits') await work.counter(name, 'read', false)
  else await work.counter(name, 'reset', false)
}

async function workOnLease(): Promise<void> {
  const name = pick(leaseNames)
  if (chance(0.3)) {
    await work.leased(name)
    return
  }
  const writes = 1 + Math.floor(random() * 8)
  const plan = { ttlMs: leaseTtlMs, waitMs: Math.floor(random() * 2 * leaseTtlMs), writes }
  await work.lease(name, plan, async (token) => {
    await use(name, token)
    // Held for a while, so that it can be lost.
    if (chance(0.4)) await workOnDocument()
  })
}

const positions = new Map<string, string>(Object.entries(args.cursors))

async function workOnLog(lane: number): Promise<void> {
  const log = store.log<Mark>(pick(logs))
  const what = random()
  if (what < 0.4) await work.append(log, lane, 1, chance(0.1), padding())
  else if (what < 0.6) await work.append(log, lane, 2 + Math.floor(random() * 3), false, padding())
  else {
    const output = await work.query(log, positions.get(log.name) ?? '0.0')
    if (typeof output !== 'object' || !('records' in output)) return
    const last = output.records.at(-1)
    if (last !== undefined) positions.set(log.name, last.id)
  }
}

const padding = (): string => 'padding '.repeat(Math.floor(random() * 20))

const over = new AbortController()

async function follow(log: string, after: string): Promise<void> {
  const { signal } = over
  for await (const { id, data } of store.log<Mark>(log).follow({ after, pollMs: 5, signal })) {
    writeToPipe({ type: 'followed', log, id, name: recordName(data) })
  }
}

const works: { readonly [work in Work]: (lane: number) => Promise<void> } = {
  documents: workOnDocument,
  groups: workOnGroup,
  counters: workOnCounter,
  leases: workOnLease,
  logs: workOnLog,
}
const mixture = Object.entries({
  documents: 7,
  groups: 5,
  counters: 3,
  leases: 3,
  logs: 3,
}).flatMap(([work, parts]) => Array.from({ length: parts }, () => work as Work))

let begun = 0

async function lane(number: number): Promise<void> {
  while (begun < args.count) {
    begun += 1
    if (chance(0.1)) {
      jumping.jump(random)
      writeToPipe({ type: 'jumped' })
    }
    await works[args.only ?? pick(mixture)](number)
  }
}

process.on('message', (message: { readonly type: 'used' | 'finish' }) => {
  if (message.type === 'used') answers.shift()?.()
  else begun = Number.POSITIVE_INFINITY
})

jumping.jump(random)
await store.open()
process.send?.({ type: 'ready' })
calls = 0
const following = logs.map((log) => follow(log, args.cursors[log] ?? '0.0'))
await Promise.all(Array.from({ length: args.lanes }, (_, number) => lane(number)))
over.abort()
await Promise.all(following)
await store.close()
process.disconnect()
