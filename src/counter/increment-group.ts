/** Increments of one counter that wait together: one write, each with an outcome of its own. */
import type { Change, DocumentWrite, StoredDocument } from '../storage/index.js'
import { addressOf, counted, counterIn, type Increment } from './increment.js'

/** Bounds the memory of one write that waits; the storage bounds how many writes may wait. */
const maxIncrements = 1_000

interface Waiting {
  readonly increment: Increment
  resolve(value: number): void
  reject(error: unknown): void
  outcome: { readonly value: number } | { readonly error: unknown } | undefined
}

class IncrementGroup {
  readonly #name: string
  readonly #waiting: Waiting[] = []
  #isClosed = false

  constructor(name: string) {
    this.#name = name
  }

  get isOpen(): boolean {
    return !this.#isClosed && this.#waiting.length < maxIncrements
  }

  /** Resolves to the value after just this increment. */
  add(increment: Increment): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ increment, resolve, reject, outcome: undefined })
    })
  }

  close(): void {
    this.#isClosed = true
  }

  /** Whoever comes after this has been asked for is written with the next. */
  get write(): DocumentWrite {
    const change = (current: StoredDocument | undefined): Change => {
      this.close()
      const before = counterIn(this.#name, current)
      let counter = before
      // It may be called several times. What the last call came to is what was written.
      for (const waiting of this.#waiting) {
        try {
          counter = counted(counter, waiting.increment)
          waiting.outcome = { value: counter.value }
        } catch (error) {
          waiting.outcome = { error }
        }
      }
      return counter === before ? { kind: 'keep' } : { kind: 'put', value: counter }
    }
    return { address: addressOf(this.#name), change }
  }

  settle(): unknown[] {
    const errors: unknown[] = []
    for (const { outcome, resolve, reject } of this.#waiting) {
      if (outcome === undefined) continue
      if ('value' in outcome) resolve(outcome.value)
      else {
        errors.push(outcome.error)
        reject(outcome.error)
      }
    }
    return errors
  }

  rejectAll(error: unknown): void {
    this.close()
    for (const { reject } of this.#waiting) reject(error)
  }
}

/** The groups that may still be joined, by name. */
export class IncrementGroups {
  readonly #open = new Map<string, IncrementGroup>()
  readonly #commit: (write: DocumentWrite) => Promise<unknown>
  readonly #onRefused: (name: string, error: unknown) => void

  /** `commit` makes a write and tells of it; `onRefused` hears of single increments that cannot be made. */
  constructor(
    commit: (write: DocumentWrite) => Promise<unknown>,
    onRefused: (name: string, error: unknown) => void,
  ) {
    this.#commit = commit
    this.#onRefused = onRefused
  }

  add(increment: Increment): Promise<number> {
    const { name } = increment
    const known = this.#open.get(name)
    if (known?.isOpen === true) return known.add(increment)
    const group = new IncrementGroup(name)
    this.#open.set(name, group)
    const value = group.add(increment)
    void this.#make(name, group)
    return value
  }

  /** What comes now is not to be counted before what is about to be asked of these counters. */
  close(names: Iterable<string>): void {
    for (const name of names) this.#open.get(name)?.close()
  }

  async #make(name: string, group: IncrementGroup): Promise<void> {
    try {
      await this.#commit(group.write)
      for (const error of group.settle()) this.#onRefused(name, error)
    } catch (error) {
      group.rejectAll(error)
    } finally {
      if (this.#open.get(name) === group) this.#open.delete(name)
    }
  }
}
