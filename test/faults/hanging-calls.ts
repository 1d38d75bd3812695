/** One operation of a store whose process falls silent in a call that hangs, and goes on much later. */
import { FileSystemError } from '../../src/errors/index.js'
import { goOn, judge, lies, patienceMs, traces, type Verdict } from './fault-trials.js'
import type { Image } from './image.js'
import { openStore, refusalOf } from './opened-store.js'
import type { Operation } from './operation.js'
import { SimulatedClock } from './simulated-clock.js'
import { stateOf } from './states.js'
import { benchOn, limits, openOn } from './trial-bench.js'

/** Nobody can tell yet what has become of the operation. */
const undecided = new FileSystemError('EIO', 'hang', undefined, { commitState: 'unknown' })

/** The call hangs until another process has taken over and gone on, and is made then. */
export async function tryHanging(
  operation: Operation,
  image: Image,
  nth: number,
): Promise<Verdict> {
  const bench = benchOn(image)
  const { clock, disk, machine, sound } = bench
  // Time of its own, in which no heartbeat falls due: the process is silent while it hangs.
  const own = { clock: new SimulatedClock(), processes: machine.start(), fileSystem: disk }
  const { store } = await openStore({ ...limits, ...own })
  const positioned = await operation.position?.(store)
  disk.inject({ nth, hangs: true })
  let answer: unknown
  let isSettled = false
  const acting = refusalOf(
    operation.act(store, positioned).then((given) => {
      answer = given
    }),
  ).finally(() => {
    isSettled = true
  })
  while (disk.hanging.length === 0 && !isSettled) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  const struck = disk.hanging.length
  const wrong = struck === 1 ? [] : ['it did not hang']

  const startedMs = clock.monotonicMs()
  const other = await openOn(bench, sound)
  wrong.push(...(await goOn(other.store, operation, undecided)))
  const tookMs = clock.monotonicMs() - startedMs
  if (tookMs > patienceMs) wrong.push(`others were blocked for ${tookMs} ms`)

  const { calls } = disk
  disk.release()
  const error = await acting
  disk.inject()
  // What a repair is to find, the others have repaired by now: such answers are functions.
  const fixed = typeof operation.answer === 'function' ? undefined : operation.answer
  wrong.push(...lies({ ...operation, answer: fixed }, error, answer))
  wrong.push(...judge(operation, error, await stateOf(other.store)))
  wrong.push(...(await goOn(other.store, operation, error)))
  if (operation.ends !== true) {
    wrong.push(...(await goOn(store, operation, error)))
    await store.close()
  }
  await other.store.close()
  wrong.push(...traces(bench))
  return { wrong, struck, calls }
}
