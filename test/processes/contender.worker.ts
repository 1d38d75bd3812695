/** Contends for a lock as often as it is told, and leaves a trace of every time it held it. */
import { appendFileSync, closeSync, openSync, unlinkSync } from 'node:fs'
import { openStateStore } from '../../src/store/index.js'

interface ContenderArguments {
  readonly directory: string
  /** Gets a line for every time the lock was held. */
  readonly trace: string
}

const { directory, trace } = JSON.parse(process.argv[2] ?? '{}') as ContenderArguments
const store = await openStateStore(directory)

/** Burns a little time, so that the contenders meet in ever other ways. */
function dally(turns: number): number {
  let sum = 0
  for (let turn = 0; turn < turns; turn++) sum += Math.sqrt(turn)
  return sum
}

async function contend(delay: number): Promise<void> {
  dally(delay)
  const lock = await store.lock('contended', { ttlMs: 3_600_000, waitMs: 110_000 })
  const marker = `${trace}.inside`
  // Fails when somebody else is inside.
  closeSync(openSync(marker, 'wx'))
  appendFileSync(trace, `${lock.token}\n`)
  dally(delay)
  unlinkSync(marker)
  await lock.release()
  process.send?.({ type: 'done' })
}

process.on('message', ({ delay }: { readonly delay: number }) => {
  contend(delay).catch((error: unknown) => {
    setImmediate(() => {
      throw error
    })
  })
})
process.send?.({ type: 'ready' })
