/** A thread that renames files out of a staging directory, from the very moment it is told to. */
import { renameSync } from 'node:fs'
import { workerData } from 'node:worker_threads'

export interface RenamerData {
  /** Slot 0: the round to do, 0 to end. Slot 1: how many have begun, slot 2: how many have ended, in all. */
  readonly shared: SharedArrayBuffer
  readonly directory: string
  readonly thread: number
  readonly files: number
}

const { shared, directory, files, thread } = workerData as RenamerData
const slots = new Int32Array(shared)

for (let done = 0; ; ) {
  Atomics.wait(slots, 0, done)
  const round = Atomics.load(slots, 0)
  if (round === 0) break
  Atomics.add(slots, 1, 1)
  for (let index = 0; index < files; index++) {
    const name = `${thread}-${index}`
    try {
      renameSync(`${directory}/writers/${round}/${name}`, `${directory}/target/${name}`)
    } catch {
      break
    }
  }
  done = round
  Atomics.add(slots, 2, 1)
  Atomics.notify(slots, 2)
}
