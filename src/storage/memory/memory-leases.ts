import type { Clock } from '../../clock/index.js'
import { Line } from '../line.js'
import {
  closedWhileWaiting,
  leaseLost,
  leaseTimeout,
  leaseTimes,
  refuseAborted,
} from '../refusals.js'
import type { Lease, LeaseClaim, LeaseRequest, LeaseStatus } from '../storage.js'

interface Name {
  readonly line: Line
  token: number
  since: number | undefined
  purpose: string | undefined
  ttlMs: number
}

/** Leases among the callers of one process, which cannot vanish without the others. */
export class MemoryLeases {
  readonly #clock: Clock
  readonly #names = new Map<string, Name>()
  readonly #held = new Set<() => void>()
  #isOpen = true

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async acquire(request: LeaseRequest): Promise<Lease> {
    const { name, purpose, signal } = request
    const { ttlMs, waitMs } = leaseTimes(request)
    refuseAborted(signal, 'acquireLease')
    const entry = this.#names.get(name) ?? newName()
    this.#names.set(name, entry)
    const leave = await entry.line.enterWithin(this.#clock, waitMs, signal)
    if (leave === undefined) {
      refuseAborted(signal, 'acquireLease')
      throw leaseTimeout(name, { pid: process.pid, host: 'this process' })
    }
    if (!this.#isOpen) {
      leave()
      throw closedWhileWaiting('acquireLease')
    }
    entry.token += 1
    Object.assign(entry, { since: this.#clock.now(), purpose, ttlMs })
    return this.#lease(name, entry, leave)
  }

  check({ name, token }: LeaseClaim): void {
    const entry = this.#names.get(name)
    if (entry?.token === token && entry.since !== undefined) return
    throw leaseLost({ name, token }, entry?.token === token ? 'it was released' : 'another has it')
  }

  list(): LeaseStatus[] {
    return [...this.#names].map(([name, { token, since, purpose, ttlMs }]) => {
      if (since === undefined) return { name, token, state: 'free' }
      const expiresAt = this.#clock.now() + ttlMs
      return { name, token, state: 'held', pid: process.pid, purpose, since, expiresAt }
    })
  }

  close(): void {
    this.#isOpen = false
    for (const close of [...this.#held]) close()
  }

  #lease(name: string, entry: Name, leave: () => void): Lease {
    const { token } = entry
    const controller = new AbortController()
    const release = (): void => {
      if (!this.#held.delete(close)) return
      entry.since = undefined
      leave()
    }
    const close = (): void => {
      release()
      controller.abort(leaseLost({ name, token }, 'the store was closed'))
    }
    this.#held.add(close)
    return { name, token, signal: controller.signal, release: async () => release() }
  }
}

const newName = (): Name => ({
  line: new Line(),
  token: 0,
  since: undefined,
  purpose: undefined,
  ttlMs: 0,
})
