import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const bundleFolder = fileURLToPath(
  new URL('../../node_modules/.cache/holdfast-workers', import.meta.url),
)

/** The bundle of `test/<name>`, for example of `storage/update.worker.ts`. */
export const workerPath = (name: string): string =>
  join(bundleFolder, name.replace(/\.ts$/, '.mjs'))

export interface WorkerMessage extends Readonly<Record<string, unknown>> {
  readonly type: string
}

export interface WorkerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

export interface WorkerOptions {
  readonly cwd?: string
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  readonly execArgv?: readonly string[]
  /** Hears what the worker writes to descriptor 4, in pieces as they come; all of it before `exited`. */
  readonly onRecords?: (text: string) => void
}

interface Waiter {
  readonly type: string
  resolve(message: WorkerMessage): void
  reject(error: Error): void
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * A forked worker script. The worker reads its arguments with `JSON.parse(process.argv[2])`, tells
 * with `process.send({ type: 'ready', … })` and hears with `process.on('message', …)`.
 *
 * `await using worker = WorkerProcess.start(…)` kills it, also a stopped one, when the test ends.
 */
export class WorkerProcess {
  /** Resolves once the process is gone and all it said has been received. Never rejects. */
  readonly exited: Promise<WorkerExit>

  readonly #child: ChildProcess
  readonly #name: string
  readonly #unread: WorkerMessage[] = []
  readonly #waiting: Waiter[] = []
  #exit: WorkerExit | undefined
  #stderr = ''

  /** Starts `test/<name>`, for example `storage/update.worker.ts`. */
  static start(
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    options: WorkerOptions = {},
  ): WorkerProcess {
    const child = fork(workerPath(name), [JSON.stringify(args)], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      execArgv: ['--enable-source-maps', ...(options.execArgv ?? [])],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc', ...(options.onRecords ? ['pipe' as const] : [])],
    })
    const records = child.stdio[4] as Readable | null | undefined
    records?.setEncoding('utf8').on('data', options.onRecords ?? (() => {}))
    return new WorkerProcess(name, child)
  }

  private constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    running.add(child)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    child.on('message', (message: WorkerMessage) => this.#receive(message))
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        running.delete(child)
        this.#exit ??= { code, signal, stderr: this.#stderr }
        for (const waiter of this.#waiting.splice(0)) waiter.reject(this.#exitError(waiter.type))
        resolve(this.#exit)
      }
      // 'close' and not 'exit': messages and stderr may still be on their way at 'exit'.
      child.once('close', end)
      child.on('error', (error) => {
        this.#stderr += `${error.message}\n`
        if (child.pid === undefined) end(null, null)
      })
    })
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw this.#exitError('its pid')
    return this.#child.pid
  }

  /**
   * The oldest message of this type that was not taken yet, or else the next one. Rejects with the
   * exit code and what the worker wrote to stderr if it ends without sending one.
   */
  next(type: string): Promise<WorkerMessage> {
    const at = this.#unread.findIndex((message) => message.type === type)
    const [message] = at === -1 ? [] : this.#unread.splice(at, 1)
    if (message !== undefined) return Promise.resolve(message)
    if (this.#exit !== undefined) return Promise.reject(this.#exitError(type))
    return new Promise((resolve, reject) => this.#waiting.push({ type, resolve, reject }))
  }

  send(message: WorkerMessage): void {
    // The outcome shows in `exited`: a worker may be killed while it is being told something.
    this.#child.send(message, () => undefined)
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal)
  }

  /** Freezes the process where it stands. */
  stop(): void {
    this.#child.kill('SIGSTOP')
  }

  continue(): void {
    this.#child.kill('SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill()
    await this.exited
  }

  #receive(message: WorkerMessage): void {
    const at = this.#waiting.findIndex((waiter) => waiter.type === message.type)
    const [waiter] = at === -1 ? [] : this.#waiting.splice(at, 1)
    if (waiter === undefined) this.#unread.push(message)
    else waiter.resolve(message)
  }

  #exitError(wanted: string): Error {
    const { code = null, signal = null, stderr = this.#stderr } = this.#exit ?? {}
    const end = signal === null ? `code ${code}` : `signal ${signal}`
    return new Error(`${this.#name} ended with ${end} before '${wanted}'\n${stderr}`.trimEnd())
  }
}
