import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type AgentArguments, type AgentMessage, finishCommand } from './messages.js'

/** A running agent, as its supervisor sees it. */
export class AgentProcess {
  /** True once it holds the lock, false if it ended without. */
  readonly ready: Promise<boolean>
  /** Resolves when it is gone and all it said has been heard. */
  readonly ended: Promise<void>
  /** It ended by itself, having finished. */
  finished = false
  killedAt: number | undefined
  stderr = ''

  readonly startedAt = performance.now()
  readonly name: string
  readonly #child: ChildProcess

  constructor(
    script: string,
    args: AgentArguments,
    hear: (agent: AgentProcess, message: AgentMessage) => void,
  ) {
    this.name = args.name
    const child = spawn(process.execPath, ['--enable-source-maps', script, JSON.stringify(args)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    // A killed agent no longer reads; that shows in `ended`.
    child.stdin.on('error', () => undefined)
    const lines = createInterface({ input: child.stdout })
    this.ready = new Promise((resolve) => {
      lines.on('line', (line) => {
        const message = JSON.parse(line) as AgentMessage
        if (message.type === 'ready') resolve(true)
        if (message.type === 'finished') this.finished = true
        hear(this, message)
      })
      child.once('close', () => resolve(false))
    })
    const allHeard = new Promise<void>((resolve) => lines.once('close', resolve))
    this.ended = new Promise((resolve) => {
      child.once('close', () => resolve(allHeard))
    })
  }

  kill(): void {
    this.killedAt = performance.now()
    this.#child.kill('SIGKILL')
  }

  /** Asks it to end with the current pass. */
  finish(): void {
    this.#child.stdin?.write(`${finishCommand}\n`)
  }
}
