/** Several workers of one script. `await using` kills whatever of them is left. */
import { type WorkerMessage, WorkerProcess } from '../support/workers.js'

export class Crew implements AsyncDisposable {
  readonly workers: WorkerProcess[] = []
  readonly #script: string

  constructor(script: string) {
    this.#script = script
  }

  /** Starts workers and waits until each is ready. */
  static async start(
    script: string,
    members: readonly Readonly<Record<string, unknown>>[],
  ): Promise<Crew> {
    const crew = new Crew(script)
    for (const member of members) crew.add(member)
    try {
      await crew.all('ready')
      return crew
    } catch (error) {
      await crew[Symbol.asyncDispose]()
      throw error
    }
  }

  add(member: Readonly<Record<string, unknown>>): WorkerProcess {
    const worker = WorkerProcess.start(this.#script, member)
    this.workers.push(worker)
    return worker
  }

  tell(message: WorkerMessage): void {
    for (const worker of this.workers) worker.send(message)
  }

  /** The next message of this type from each. */
  all(type: string): Promise<WorkerMessage[]> {
    return Promise.all(this.workers.map((worker) => worker.next(type)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.workers) worker.kill()
    await Promise.all(this.workers.map(({ exited }) => exited))
  }
}
