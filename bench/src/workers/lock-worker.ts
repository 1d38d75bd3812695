/**
 * One of the processes that contend for a name: gets ready, waits for the others, locks and unlocks
 * for a fixed time, reports. Inside the lock it adds one to a counter file by reading and writing,
 * unprotected by anything but the lock.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { watchEventLoop } from '../event-loop.js'
import { type Locker, lockContenders, oracleFile } from '../lockers.js'

export interface LockStart {
  /** Wall clock, in milliseconds. */
  readonly at: number
}

export interface LockReport {
  readonly elapsedMs: number
  readonly latenciesMs: Float64Array
  /** What the counter was when the lock was granted: the order of all grants. */
  readonly turns: Float64Array
  /** NaN where there are none. */
  readonly tokens: Float64Array
  readonly loopMaxMs: number
}

export type LockMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'report'; readonly report: LockReport }
  | { readonly kind: 'failed'; readonly error: string }

const warmUpLocks = 30

// A lock that is granted without waiting never lets the event loop turn. Programs do other things
// too: once a millisecond they get to.
const turnEveryMs = 1

function takeTurn(counter: number, buffer: BigUint64Array<ArrayBuffer>): number {
  const bytes = new Uint8Array(buffer.buffer)
  readSync(counter, bytes, 0, 8, 0)
  const turn = buffer[0] ?? 0n
  buffer[0] = turn + 1n
  writeSync(counter, bytes, 0, 8, 0)
  return Number(turn)
}

async function contend(locker: Locker, counter: number, forMs: number): Promise<LockReport> {
  const latencies: number[] = []
  const turns: number[] = []
  const tokens: number[] = []
  const buffer = new BigUint64Array(1)
  const endWatch = await watchEventLoop()
  const start = performance.now()
  let now = start
  let turned = start
  while (now - start < forMs) {
    const asked = performance.now()
    const grant = await locker.acquire('contended')
    const granted = performance.now()
    turns.push(takeTurn(counter, buffer))
    tokens.push(grant.token ?? Number.NaN)
    const leaving = performance.now()
    await grant.release()
    now = performance.now()
    latencies.push(granted - asked + (now - leaving))
    if (now - turned > turnEveryMs) {
      await setImmediate()
      turned = performance.now()
    }
  }
  const loop = await endWatch()
  return {
    elapsedMs: now - start,
    latenciesMs: Float64Array.from(latencies),
    turns: Float64Array.from(turns),
    tokens: Float64Array.from(tokens),
    loopMaxMs: loop.maxMs,
  }
}

function send(message: LockMessage): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve())
  })
}

const started = new Promise<LockStart>((resolve) => {
  process.once('message', (message) => resolve(message as LockStart))
})

async function run(name: string, directory: string, forMs: number): Promise<void> {
  const contender = lockContenders.find((candidate) => candidate.name === name)
  if (contender === undefined) throw new Error(`no lock is called ${name}`)
  const locker = await contender.open(directory)
  for (let round = 0; round < warmUpLocks; round += 1) {
    const grant = await locker.acquire(`warm-up-${process.pid}`)
    await grant.release()
  }
  const counter = openSync(oracleFile(directory), 'r+')
  await send({ kind: 'ready' })
  const { at } = await started
  await sleep(Math.max(0, at - Date.now()))
  const report = await contend(locker, counter, forMs)
  closeSync(counter)
  await locker.close()
  await send({ kind: 'report', report })
}

const [name = '', directory = '', forMs = '0'] = process.argv.slice(2)
try {
  await run(name, directory, Number(forMs))
} catch (error) {
  await send({ kind: 'failed', error: error instanceof Error ? error.message : String(error) })
} finally {
  process.disconnect?.()
}
