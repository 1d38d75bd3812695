import type { ProcessTable } from '../../src/file-lock/index.js'

/** Processes that can be started, killed and survived by others; a computer that can be rebooted. */
export class Machine {
  #boot = 1
  #started = 0
  readonly #dead = new Set<string>()

  start(): ProcessTable {
    this.#started += 1
    const bootId = `boot-${this.#boot}`
    const self = {
      pid: 1000 + this.#started,
      host: 'machine',
      bootId,
      pidNamespace: 'pid:[1]',
      startTime: String(this.#started),
    }
    return {
      self,
      liveness: (other) => {
        if (other.bootId !== bootId || other.startTime === undefined) return 'unknown'
        return this.#dead.has(other.startTime) ? 'dead' : 'alive'
      },
    }
  }

  kill({ self }: ProcessTable): void {
    this.#dead.add(self.startTime ?? '')
  }

  reboot(): void {
    this.#boot += 1
  }
}
