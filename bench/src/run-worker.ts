import { fork } from 'node:child_process'
import { workerPath } from './paths.js'

/** What a worker that answers once sends. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string }

/** Runs a worker in a process of its own and returns its answer. */
export function runWorker<T>(name: string, args: readonly string[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const child = fork(workerPath(name), [...args], {
      serialization: 'advanced',
      // As a user's process: source maps would take memory.
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    let answer: Answer<T> | undefined
    child.on('message', (message) => {
      answer = message as Answer<T>
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (answer?.ok === true) resolve(answer.value)
      else reject(new Error(answer?.error ?? `${name} ended with ${signal ?? code}`))
    })
  })
}

/** The worker's side of {@link runWorker}. */
export async function answer<T>(task: () => Promise<T>): Promise<void> {
  const send = (message: Answer<T>): void => {
    process.send?.(message, undefined, undefined, () => process.disconnect?.())
  }
  try {
    send({ ok: true, value: await task() })
  } catch (error) {
    send({ ok: false, error: error instanceof Error ? error.message : String(error) })
  }
}
