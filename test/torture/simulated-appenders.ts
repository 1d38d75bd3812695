/** Simulated processes that append to the same logs, and what is wrong with those in the end. */
import { expect } from 'vitest'
import { isStateStoreError } from '../../src/errors/index.js'
import type { StateStore } from '../../src/store/index.js'
import type { InterceptedCall } from './intercepted-file-system.js'
import {
  type Acknowledged,
  type AppendKind,
  complaintsAbout,
  logNames,
  type Mark,
  nameOf,
} from './log-ledger.js'
import { type ProcessOptions, SharedDisk, type SimulatedProcess } from './shared-disk.js'

const long = 'long '.repeat(900)

/** A process that appends, and keeps what it was told. */
export class Appender {
  readonly told: Acknowledged[] = []
  /** What it was told of those that failed. */
  readonly refused: { readonly name: string; readonly commitState: string }[] = []
  readonly #process: SimulatedProcess
  readonly #writer: string
  #seq = 0

  constructor(process: SimulatedProcess, writer: string) {
    this.#process = process
    this.#writer = writer
  }

  get store(): StateStore {
    return this.#process.store
  }

  /** Each of its appends has a lane of its own: they may be under way at once. */
  async append(kind: AppendKind, padding = ''): Promise<void> {
    this.#seq += 1
    const mark = { writer: this.#writer, lane: this.#seq, seq: this.#seq, kind, padding }
    try {
      this.told.push({ ...mark, records: await this.#append(kind, mark) })
    } catch (error) {
      if (!isStateStoreError(error)) throw error
      this.refused.push({ name: nameOf(mark), commitState: error.commitState })
      throw error
    }
  }

  async #append(
    kind: AppendKind,
    mark: Omit<Mark, 'part' | 'parts'>,
  ): Promise<Acknowledged['records']> {
    const [log] = logNames
    const sent = this.store.log<Mark>(log)
    const marks = [0, 1, 2].map((part) => ({ ...mark, part, parts: 3 }))
    switch (kind) {
      case 'one':
        return [{ log, id: (await sent.append({ ...mark, part: 0, parts: 1 })).id }]
      case 'sync':
        return [{ log, id: sent.appendSync({ ...mark, part: 0, parts: 1 }).id }]
      case 'group': {
        const receipts = await sent.appendAll(marks.map((data) => ({ data })))
        return receipts.map(({ id }) => ({ log, id }))
      }
      case 'both':
        await this.store.transaction((transaction) => {
          for (const name of logNames) {
            for (const data of marks) {
              transaction.append(this.store.log<Mark>(name), { ...data, logs: logNames })
            }
          }
          const key = `${mark.writer}-${mark.lane}`
          transaction.set(this.store.collection<number>('lasts'), key, mark.seq)
        })
        return logNames.map((name) => ({ log: name }))
    }
  }

  /** Blocking, and told at once. */
  appendNow(padding = ''): void {
    this.#seq += 1
    const mark = { writer: this.#writer, lane: 0, seq: this.#seq, kind: 'sync', padding } as const
    const data: Mark = { ...mark, part: 0, parts: 1 }
    const records = logNames.map((log) => ({
      log,
      id: this.store.log<Mark>(log).appendSync(data).id,
    }))
    this.told.push({ ...mark, records })
  }
}

export interface Deed {
  readonly kinds: readonly AppendKind[]
  readonly padding?: string
  /** Only in between can somebody else of the same process do something. */
  readonly blocks?: true
}

export const deeds: Readonly<Record<string, Deed>> = {
  'an append': { kinds: ['one'] },
  'a group': { kinds: ['group'] },
  'a transaction': { kinds: ['both'] },
  'a blocking append': { kinds: ['sync'], blocks: true },
  'several at once': { kinds: ['one', 'both', 'group', 'one'] },
  'a large one': { kinds: ['one'], padding: long },
  'several large ones': { kinds: ['group', 'one'], padding: long },
}

/** What the victim meets. `left`: what somebody left who died in a transaction. */
export const scenes = ['nothing', 'a log', 'a full log', 'left'] as const
export type Scene = (typeof scenes)[number]

/** How much the others append meanwhile. */
export type Amount = 'little' | 'much'

export class Trial {
  readonly disk = new SharedDisk()
  readonly appenders: Appender[] = []

  async start(writer: string, options?: ProcessOptions): Promise<[Appender, SimulatedProcess]> {
    const process = await this.disk.start(options)
    const appender = new Appender(process, writer)
    this.appenders.push(appender)
    return [appender, process]
  }

  async prepare(scene: Scene): Promise<void> {
    if (scene === 'nothing') return
    const [first, process] = await this.start('first')
    await first.append('one', scene === 'a full log' ? long : '')
    await first.append('group')
    if (scene !== 'left') {
      await first.store.close()
      return
    }
    let isPublished = false
    process.watch = ({ operation, args }) => {
      isPublished ||= operation === 'rename' && String(args[1]).includes('/intents/')
      if (isPublished && operation === 'write') process.die()
    }
    await expect(first.append('both')).rejects.toThrow()
  }

  /** What is wrong in the end, as whoever comes next finds it. */
  async complaints(): Promise<string[]> {
    const { store } = await this.disk.start()
    const standing = new Map<string, { id: string; data: Mark }[]>()
    for (const name of logNames) {
      const events = await store.log<Mark>(name).query().toArray()
      const backward = await store.log<Mark>(name).query({ reverse: true }).toArray()
      expect(backward.reverse()).toEqual(events)
      standing.set(name, events)
    }
    const lasts = new Map<string, number>()
    for await (const { key, value } of store.collection<number>('lasts').entries()) {
      lasts.set(key, value)
    }
    await store.close()
    const told = this.appenders.flatMap((appender) => appender.told)
    const found = new Set([...standing.values()].flat().map(({ data }) => nameOf(data)))
    const lies = this.appenders.flatMap(({ refused }) =>
      refused.filter(({ commitState, name }) =>
        found.has(name) ? commitState === 'not-committed' : commitState === 'committed',
      ),
    )
    return [
      ...complaintsAbout(standing, told, lasts),
      ...lies.map(({ commitState, name }) => `${name} was said to be ${commitState}`),
      ...this.disk.damage,
    ]
  }
}

export function appendMeanwhile(appender: Appender, amount: Amount): void {
  for (let count = amount === 'little' ? 1 : 5; count > 0; count--) {
    appender.appendNow(amount === 'little' ? '' : long)
  }
}

/** Calls `strike` once, at the call with this number. Resolves to whether there were so many. */
export function strikeAt(
  process: SimulatedProcess,
  at: number,
  strike: (call: InterceptedCall) => void,
  counts: (call: InterceptedCall) => boolean = () => true,
): () => boolean {
  let calls = 0
  let isOver = false
  process.watch = (call) => {
    if (isOver || !counts(call)) return
    calls += 1
    if (calls <= at) return
    isOver = true
    strike(call)
  }
  return () => {
    process.watch = () => {}
    return isOver
  }
}
