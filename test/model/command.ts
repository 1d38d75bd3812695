/** What a command is: something done to a world and to its model, compared. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { StateStore } from '../../src/index.js'
import { snapshotOf, snapshotOfModel } from './snapshot.js'
import { identify, type StoreModel } from './store-model.js'
import type { Foreseen, Work } from './work.js'
import type { SeatNumber, World } from './world.js'

/** Holds the model, which a command replaces as a whole. */
export interface Ideal {
  state: StoreModel
  /** How many seats are taken. */
  isTaken: [boolean, boolean]
  readonly supports: Supports
}

export interface Supports {
  /** Closing and opening again, several openers, crashes. */
  readonly processes: boolean
  /** A process may die at any of its file-system calls. */
  readonly deathInTurn: boolean
  readonly backups: number
}

/** How many commands of each name were run, in all sequences. */
export const ran = new Map<string, number>()

class Command<Input> implements fc.AsyncCommand<Ideal, World> {
  readonly #name: string
  readonly #input: Input
  readonly #isPossible: (ideal: Ideal, input: Input) => boolean
  readonly #run: (ideal: Ideal, world: World, input: Input) => Promise<void>

  constructor(
    name: string,
    input: Input,
    run: (ideal: Ideal, world: World, input: Input) => Promise<void>,
    isPossible: (ideal: Ideal, input: Input) => boolean,
  ) {
    this.#name = name
    this.#input = input
    this.#run = run
    this.#isPossible = isPossible
  }

  check(ideal: Ideal): boolean {
    return this.#isPossible(ideal, this.#input)
  }

  async run(ideal: Ideal, world: World): Promise<void> {
    ran.set(this.#name, (ran.get(this.#name) ?? 0) + 1)
    await this.#run(ideal, world, this.#input)
  }

  toString(): string {
    return `${this.#name}(${fc.stringify(this.#input)})`
  }
}

const always = (): boolean => true

export function command<Input>(
  name: string,
  input: fc.Arbitrary<Input>,
  run: (ideal: Ideal, world: World, input: Input) => Promise<void>,
  isPossible: (ideal: Ideal, input: Input) => boolean = always,
): fc.Arbitrary<fc.AsyncCommand<Ideal, World>> {
  return input.map((each) => new Command(name, each, run, isPossible))
}

export const seats = fc.constantFrom<SeatNumber>(0, 1)

/** What a call was refused with; undefined when it was not. */
export async function codeOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call()
    return undefined
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (typeof code !== 'string') throw error
    return code
  }
}

export async function compare(
  ideal: Ideal,
  { after, refusal, result }: Foreseen,
  call: () => unknown,
): Promise<void> {
  let found: unknown
  const code = await codeOf(async () => {
    found = await call()
  })
  assert.equal(code, refusal)
  if (refusal === undefined && result !== undefined) assert.deepStrictEqual(found, result)
  ideal.state = after
}

/** A backup that may or may not have been made cannot be counted on. */
export const isForeseeable = ({ state }: Ideal, work: Work): boolean =>
  work.kind !== 'restore' || !state.unsure.has(identify(work.place))

/** Everything that users can see, and that nothing is wrong with the files. */
export async function compareAll(
  state: StoreModel,
  store: StateStore,
  world: World,
): Promise<void> {
  assert.deepStrictEqual(await snapshotOf(store), snapshotOfModel(state))
  const { documents, findings, intact, records } = await store.verify()
  assert.deepStrictEqual(findings, [])
  assert.equal(intact, documents)
  assert.equal(documents, state.documents.size + state.counters.size)
  const events = [...state.logs.values()].reduce((sum, each) => sum + each.length, 0)
  assert.equal(records, events)
  assert.deepStrictEqual(world.alarms, [])
}
