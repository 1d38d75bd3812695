/** Appends to logs together with others, telling what was acknowledged by a pipe, until it is killed. */
import { NodeFileSystem } from '../../src/file-system/index.js'
import type { Log } from '../../src/log/index.js'
import { FileStorage } from '../../src/storage/file/index.js'
import { StateStore } from '../../src/store/index.js'
import { seededRandom } from '../support/random.js'
import { interceptedFileSystem, isHeartbeat } from './intercepted-file-system.js'
import type { Acknowledged, AppendKind, Mark } from './log-ledger.js'

export interface AppendingArguments {
  readonly directory: string
  readonly durability: 'power' | 'process'
  readonly logSegmentBytes: number
  readonly logs: readonly string[]
  /** Of this life of the process. */
  readonly writer: string
  readonly seed: number
  /** How many appends run at once. */
  readonly lanes: number
  /** How many to make before it ends by itself. */
  readonly count: number
  /** The file-system call after `ready` at which the process kills itself. */
  readonly dieAtCall?: number
  /** After so many, it exits instead in the middle of things, and flushes what is under way. */
  readonly exitAtCall?: number
  /** Writes take so many bytes at most, so that a process can die in the middle of one. */
  readonly mostWritten?: number
}

const args = JSON.parse(process.argv[2] ?? '{}') as AppendingArguments
const { directory, durability, lanes, logSegmentBytes, writer } = args
let callsToLive = Number.POSITIVE_INFINITY
let callsToExit = Number.POSITIVE_INFINITY

class ShortWriting extends NodeFileSystem {
  override async write(...[file, bytes, offset, length, position]: WriteArguments) {
    return await super.write(file, bytes, offset, shortened(length), position)
  }
}

type WriteArguments = Parameters<NodeFileSystem['write']>

const shortened = (length: number): number => Math.min(length, args.mostWritten ?? length)

function disk(): NodeFileSystem {
  const real = new ShortWriting()
  const { blocking } = real
  const write: typeof blocking.write = (file, bytes, offset, length, position) =>
    blocking.write(file, bytes, offset, shortened(length), position)
  return Object.assign(real, { blocking: { ...blocking, write } })
}

const fileSystem = interceptedFileSystem(
  {
    before: (call) => {
      if (isHeartbeat(call)) return
      callsToLive -= 1
      if (callsToLive < 0) process.kill(process.pid, 'SIGKILL')
      callsToExit -= 1
      // Only while the store waits for a promise can somebody else of the process do something.
      if (callsToExit < 0 && call.form === 'promised') exit()
    },
  },
  disk(),
)

const random = seededRandom(args.seed)
const storage = new FileStorage({ directory, durability, fileSystem, logSegmentBytes, backups: 0 })
const store = new StateStore({ storage })
const logs = args.logs.map((name) => store.log<Mark>(name))
const lasts = store.collection<number>('lasts')

const tell = (message: object): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(message, () => resolve())
  })

const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T

const kinds: readonly AppendKind[] = ['one', 'one', 'one', 'group', 'group', 'both', 'both', 'sync']

let begun = 0
/** Appends that a flush completes. */
const pending = new Set<Acknowledged>()
let isExiting = false

function exit(): never {
  callsToExit = Number.POSITIVE_INFINITY
  isExiting = true
  process.exit()
}

process.on('exit', () => {
  if (!isExiting) return
  store.flushSync()
  const [log] = logs as [Log<Mark>]
  const mark = { writer, lane: lanes, seq: begun + 1, kind: 'sync', padding: 'at exit' } as const
  const { id } = log.appendSync({ ...mark, part: 0, parts: 1 })
  const last: Acknowledged = { ...mark, records: [{ log: log.name, id }] }
  // Written to the pipe before the call returns.
  for (const each of [...pending, last])
    process.send?.({ type: 'acknowledged', ...each, ...news() })
})

/** Since they were last told. */
let takeovers = 0
let damaged: string[] = []
store.on('writer:taken-over', () => {
  takeovers += 1
})
store.on('log:damaged', ({ reason }) => damaged.push(reason))

function news() {
  const told = { takeovers, damaged }
  takeovers = 0
  damaged = []
  return told
}

/** Makes one append; resolves to where its records stand. */
async function append(
  log: Log<Mark>,
  mark: Omit<Mark, 'part' | 'parts'>,
): Promise<Acknowledged['records']> {
  const single: Mark = { ...mark, part: 0, parts: 1 }
  const at = (in_: Log<Mark>, ...ids: readonly string[]) => ids.map((id) => ({ log: in_.name, id }))
  switch (mark.kind) {
    case 'one':
      return at(log, (await log.append(single)).id)
    case 'sync':
      return at(log, log.appendSync(single).id)
    case 'group': {
      const parts = 2 + Math.floor(random() * 4)
      const marks = Array.from({ length: parts }, (_, part) => ({ data: { ...mark, part, parts } }))
      return at(log, ...(await log.appendAll(marks)).map(({ id }) => id))
    }
    case 'both': {
      const other = pick(logs.filter((each) => each !== log))
      await store.transaction((transaction) => {
        for (const each of [log, other]) {
          transaction.append(each, { ...mark, part: 0, parts: 2, logs: [log.name, other.name] })
          transaction.append(each, { ...mark, part: 1, parts: 2, logs: [log.name, other.name] })
        }
        transaction.set(lasts, `${writer}-${mark.lane}`, mark.seq)
      })
      return [log.name, other.name].map((name) => ({ log: name }))
    }
  }
}

async function lane(number: number): Promise<void> {
  while (begun < args.count) {
    begun += 1
    const kind = pick(kinds)
    const seq = begun
    const padding = 'padding '.repeat(Math.floor(random() * 20))
    const log = pick(logs)
    const begins = { writer, lane: number, seq, kind }
    const appending = append(log, { ...begins, padding })
    const underWay: Acknowledged = { ...begins, records: [{ log: log.name }] }
    if (kind !== 'both') pending.add(underWay)
    const records = await appending
    pending.delete(underWay)
    // Told before the next is begun, so that no more than one of a lane can be unknown.
    await tell({ type: 'acknowledged', ...begins, records, ...news() })
  }
}

await store.open()
await tell({ type: 'ready' })
callsToLive = args.dieAtCall ?? callsToLive
callsToExit = args.exitAtCall ?? callsToExit
await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)))
await store.close()
process.disconnect()
