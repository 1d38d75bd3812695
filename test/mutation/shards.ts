/** Some shards at work on a row of orders, and those that do not come back ended. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { ShardAnswer, ShardOrder } from './shard.js'
import { orderVariable } from './trial.js'

export interface Job {
  /** Made when its turn has come. */
  order(): ShardOrder
  readonly timeLimitMs: number
  done(answer: ShardAnswer): void
}

export interface ShardsOptions {
  readonly count: number
  readonly testTimeoutMs: number
  /** An empty directory for their files. */
  readonly scratch: string
}

/** Returns when all are done. A shard that dies or does not answer in time has found a timeout. */
export async function runJobs(
  jobs: Iterable<Job>,
  { count, testTimeoutMs, scratch }: ShardsOptions,
): Promise<void> {
  const left = jobs[Symbol.iterator]()
  const work = async (index: number): Promise<void> => {
    const start = (): Promise<Shard> => Shard.start(join(scratch, `order-${index}`), testTimeoutMs)
    let shard = await start()
    try {
      for (let next = left.next(); !next.done; next = left.next()) {
        const job = next.value
        const answer = await shard.ask(job.order(), job.timeLimitMs)
        if (answer === undefined) {
          shard.end()
          shard = await start()
        }
        job.done(answer ?? { outcome: 'timeout', told: 'no answer in time' })
      }
    } finally {
      shard.end()
    }
  }
  await Promise.all(Array.from({ length: count }, (_, index) => work(index)))
}

class Shard {
  private constructor(readonly process: ChildProcess) {}

  static async start(orderPath: string, testTimeoutMs: number): Promise<Shard> {
    const process_ = fork(process.argv[1] ?? '', ['--shard', String(testTimeoutMs)], {
      // Ended as a group, with the worker that it has.
      detached: true,
      env: { ...process.env, [orderVariable]: orderPath },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const shard = new Shard(process_)
    running.add(shard)
    if ((await shard.#answer()) !== 'ready') throw new Error('A shard did not start')
    return shard
  }

  /** Undefined when none came in time. */
  ask(order: ShardOrder, timeLimitMs: number): Promise<ShardAnswer | undefined> {
    this.process.send(order)
    return this.#answer(timeLimitMs) as Promise<ShardAnswer | undefined>
  }

  end(): void {
    running.delete(this)
    const { pid } = this.process
    if (pid === undefined || this.process.exitCode !== null) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  #answer(timeLimitMs = 60_000): Promise<unknown> {
    return new Promise((resolve) => {
      const settle = (answer?: unknown): void => {
        clearTimeout(timer)
        this.process.off('message', settle)
        this.process.off('exit', dead)
        resolve(answer)
      }
      const dead = (): void => settle()
      const timer = setTimeout(settle, timeLimitMs)
      this.process.on('message', settle)
      this.process.on('exit', dead)
    })
  }
}

const running = new Set<Shard>()

/** Ends all that are at work, when this process is interrupted. */
export function endShards(): void {
  for (const shard of running) shard.end()
}
