/** The things that a process does to a store, each told before and after. */
import { isStateStoreError, type Log, type StateStore } from '../../../src/index.js'
import type { Mark } from '../log-ledger.js'
import {
  type DocumentInput,
  echoOf,
  type GroupInput,
  type Input,
  type LogInput,
  type Marked,
  moveLog,
  type Output,
  queryLimit,
  type Seen,
  type Side,
} from './operations.js'
import type { Recorder } from './record-pipe.js'

/** Ways of doing it wrong, of which the judges must see each. */
export type Mutant =
  | 'reads and writes back'
  | 'acknowledges before it writes'
  | 'writes without its lease'
  | 'moves one side after the other'
  | 'remembers what it read'
  | 'writes without waiting for its turn'

export interface MixedWorkOptions {
  readonly store: StateStore
  readonly recorder: Recorder
  readonly writer: string
  readonly mutant: Mutant | undefined
}

/** Refusals that belong to the work; whatever else fails is a finding. */
const expectedRefusals: { readonly [on in Input['on']]: readonly string[] } = {
  document: ['STATE_REVISION_CONFLICT'],
  group: [],
  counter: [],
  lease: ['STATE_LEASE_LOST', 'STATE_LEASE_TIMEOUT'],
  log: [],
}

export const markedAs = (mark: string, from: string | null): Marked => ({
  mark,
  from,
  echo: echoOf(mark),
})

export function seenIn(value: Marked | undefined): Seen {
  if (value === undefined) return null
  const { mark, from, echo } = value
  if (echo !== echoOf(mark)) throw new Error(`a torn document: ${JSON.stringify(value)}`)
  return { mark, from }
}

export class MixedWork {
  readonly #store: StateStore
  readonly #recorder: Recorder
  readonly #writer: string
  readonly #mutant: Mutant | undefined
  readonly #documents
  readonly #sides
  readonly #leased
  readonly #counts
  readonly #remembered = new Map<string, Seen>()
  #appends = 0
  #marks = 0

  constructor({ store, recorder, writer, mutant }: MixedWorkOptions) {
    this.#store = store
    this.#recorder = recorder
    this.#writer = writer
    this.#mutant = mutant
    this.#documents = store.collection<Marked>('documents')
    this.#sides = store.collection<Marked>('sides')
    this.#leased = store.collection<Marked>('leased')
    this.#counts = store.collection<{ readonly value: number }>('counters')
  }

  /** A mark that was never given before. */
  mark(): string {
    this.#marks += 1
    return `${this.#writer}#${this.#marks}`
  }

  /** Resolves to what it came to; undefined when it failed in a way that it should not. */
  async run(input: Input, work: () => Output | Promise<Output>): Promise<Output | undefined> {
    const id = this.#recorder.called(input)
    try {
      const output = await work()
      this.#recorder.returned(id, output)
      return output
    } catch (error) {
      const isExpected =
        isStateStoreError(error) &&
        error.commitState === 'not-committed' &&
        expectedRefusals[input.on].includes(error.code)
      if (isExpected) {
        const output = { refused: error.code }
        this.#recorder.returned(id, output)
        return output
      }
      this.#recorder.tell({ type: 'failed', id, error: String((error as Error).stack) })
      return undefined
    }
  }

  /** `blocking`: in the form for exit handlers, where there is one. */
  document(input: DocumentInput, blocking: boolean): Promise<Output | undefined> {
    const { key } = input
    const documents = this.#documents
    return this.run(input, async () => {
      switch (input.do) {
        case 'read': {
          if (this.#mutant === 'remembers what it read' && this.#remembered.has(key)) {
            return { seen: this.#remembered.get(key) ?? null }
          }
          const document = await documents.read(key)
          const seen = seenIn(document?.value)
          this.#remembered.set(key, seen)
          return { seen, revision: document?.revision ?? null }
        }
        case 'delete':
          return { existed: await documents.delete(key) }
        case 'set': {
          const value = markedAs(input.mark, null)
          if (this.#mutant === 'acknowledges before it writes') {
            setImmediate(() => void documents.set(key, value))
            return { written: '' }
          }
          const { revision } = blocking
            ? documents.setSync(key, value)
            : await documents.set(key, value)
          return { written: revision }
        }
        case 'set if': {
          const { ifRevision } = input
          const value = markedAs(input.mark, null)
          return { written: (await documents.set(key, value, { ifRevision })).revision }
        }
        case 'update':
          return this.#update(key, input.mark)
      }
    })
  }

  async #update(key: string, mark: string): Promise<Output> {
    if (this.#mutant === 'reads and writes back') {
      const present = await this.#documents.get(key)
      const value = markedAs(mark, present?.mark ?? null)
      await this.#documents.set(key, value)
      return { seen: seenIn(value) }
    }
    const absent = markedAs('', null)
    const change = (current: Marked) => markedAs(mark, current.mark || null)
    return { seen: seenIn(await this.#documents.update(key, change, { initial: absent })) }
  }

  group(input: GroupInput): Promise<Output | undefined> {
    const { group } = input
    const [left, right] = [`${group}-left`, `${group}-right`]
    return this.run(input, async () => {
      switch (input.do) {
        case 'set':
          await this.#sides.set(`${group}-${input.side}`, markedAs(input.mark, null))
          return 'done'
        case 'look':
          return await this.#store.transaction(async (transaction) => ({
            left: seenIn(await transaction.get(this.#sides, left)),
            right: seenIn(await transaction.get(this.#sides, right)),
            moves: (await transaction.get(this.#counts, `moves-${group}`))?.value ?? 0,
          }))
        case 'move': {
          const mark: Mark = {
            ...{ writer: this.#writer, lane: 0, seq: 0, kind: 'both', part: 0, parts: 1 },
            padding: input.mark,
          }
          const log = this.#store.log<Mark>(moveLog)
          if (this.#mutant === 'moves one side after the other') {
            for (const side of [left, right]) {
              const change = (present: Marked) => markedAs(input.mark, present.mark || null)
              await this.#sides.update(side, change, { initial: markedAs('', null) })
            }
            await this.#store.counters.increment(`moves-${group}`)
            await log.append(mark)
            return 'done'
          }
          await this.#store.transaction(async (transaction) => {
            for (const side of [left, right]) {
              const present = seenIn(await transaction.get(this.#sides, side))
              transaction.set(this.#sides, side, markedAs(input.mark, present?.mark ?? null))
            }
            transaction.increment(`moves-${group}`)
            transaction.append(log, mark)
          })
          return 'done'
        }
      }
    })
  }

  side(group: string, side: Side): Promise<Output | undefined> {
    const key = `${group}-${side}`
    return this.run({ on: 'document', key, do: 'read' }, async () => {
      const document = await this.#sides.read(key)
      return { seen: seenIn(document?.value), revision: document?.revision ?? null }
    })
  }

  counter(name: string, what: 'increment' | 'read' | 'reset', blocking: boolean) {
    const { counters } = this.#store
    return this.run({ on: 'counter', name, do: what }, async () => {
      if (what === 'read') return { value: await counters.get(name) }
      if (what === 'reset') return { value: await counters.reset(name) }
      return { value: blocking ? counters.incrementSync(name) : await counters.increment(name) }
    })
  }

  /**
   * Takes a lease, writes under it so often and gives it back. `use` shows the token to a witness outside the
   * store before each write.
   */
  async lease(
    name: string,
    { ttlMs, waitMs, writes }: { ttlMs: number; waitMs: number; writes: number },
    use: (token: number) => Promise<unknown>,
  ): Promise<void> {
    const leases = this.#store
    let lock: Awaited<ReturnType<StateStore['lock']>> | undefined
    await this.run({ on: 'lease', name, do: 'take' }, async () => {
      lock = await leases.lock(name, { ttlMs, waitMs })
      return { token: lock.token }
    })
    if (lock === undefined) return
    const { token } = lock
    const lease = this.#mutant === 'writes without its lease' ? undefined : lock
    for (let written = 0; written < writes; written++) {
      await use(token)
      const mark = this.mark()
      const change = (current: Marked) => markedAs(mark, current.mark || null)
      const options = { initial: markedAs('', null), ...(lease && { lease }) }
      await this.run({ on: 'lease', name, do: 'write', token, mark }, async () => ({
        seen: seenIn(await this.#leased.update(name, change, options)),
      }))
    }
    const held = lock
    await this.run({ on: 'lease', name, do: 'give', token }, async () => {
      await held.release()
      return 'done' as const
    })
  }

  leased(name: string): Promise<Output | undefined> {
    return this.run({ on: 'lease', name, do: 'read' }, async () => ({
      seen: seenIn(await this.#leased.get(name)),
    }))
  }

  append(log: Log<Mark>, lane: number, parts: number, blocking: boolean, padding: string) {
    this.#appends += 1
    const seq = this.#appends
    const input: LogInput = { on: 'log', log: log.name, do: 'append', lane, seq, parts }
    return this.run(input, async () => {
      const mark = { writer: this.#writer, lane, seq, parts, padding }
      const kind = blocking ? 'sync' : parts > 1 ? 'group' : 'one'
      if (blocking) return { ids: [log.appendSync({ ...mark, kind, part: 0 }).id] }
      const events = Array.from({ length: parts }, (_, part) => ({ data: { ...mark, kind, part } }))
      return { ids: (await log.appendAll(events as { data: Mark }[])).map(({ id }) => id) }
    })
  }

  query(log: Log<Mark>, after: string): Promise<Output | undefined> {
    return this.run({ on: 'log', log: log.name, do: 'query', after }, async () => {
      const events = await log.query({ after, limit: queryLimit }).toArray()
      return { records: events.map(({ id, data }) => ({ id, name: recordName(data) })) }
    })
  }
}

export const recordName = ({ writer, seq, part }: Mark): string => `${writer}#${seq}.${part}`
