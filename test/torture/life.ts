import type { WorkerMessage, WorkerProcess } from '../support/workers.js'

export interface Life {
  /** The worker is killed after so many acknowledgements. */
  readonly acknowledgementsMax: number
  /** It may come to an orderly end as well. Default: it may not. */
  readonly mayExit?: boolean
  /** Hears each acknowledgement. */
  readonly hear?: (acknowledged: WorkerMessage) => void
}

/** Follows a worker to its end; resolves to how many acknowledgements there were. */
export async function lifeOf(
  worker: WorkerProcess,
  { acknowledgementsMax, hear, mayExit = false }: Life,
): Promise<number> {
  let told = 0
  if (acknowledgementsMax === 0) worker.kill()
  for (;;) {
    try {
      const acknowledged = await worker.next('acknowledged')
      hear?.(acknowledged)
    } catch (error) {
      const { code, signal } = await worker.exited
      if (signal !== 'SIGKILL' && !(mayExit && code === 0)) throw error
      return told
    }
    told += 1
    if (told === acknowledgementsMax) worker.kill()
  }
}
