/**
 * The search for an order of operations that the model allows, and in which what returned before another was
 * called comes before it.
 *
 * It is that of Wing and Gong (*Testing and verifying concurrent objects*, 1993) with the memory of Lowe
 * (*Testing for linearizability*, 2017): whoever has placed the same operations and come to the same state need
 * not go on twice. Horn and Kroening (*Faster linearizability checking via P-compositionality*, 2015,
 * arXiv 1504.00204) look at one object after the other; Porcupine and Knossos do the same.
 *
 * Operations of unknown outcome would make that exponential, for each may come anywhere or nowhere. Two things
 * keep it from that:
 *
 * - None of them has to be placed. So of two configurations with the same completed operations and the same state,
 *   that which has used a part of the other's unknown ones can do whatever the other can, and the other is dropped.
 * - The search goes on where it has placed most and used fewest, not depth first: what uses less is thus seen first.
 */
import {
  type Agenda,
  type Candidates,
  type Completed,
  type Configuration,
  candidatesAfter,
  placedIn,
  placing,
} from './configuration.js'
import type { Operation } from './history.js'
import type { SequentialModel } from './sequential-model.js'

type AnyState = NonNullable<unknown> | null

export interface SearchResult<State, Input, Output> {
  /** `true`: there is such an order; `undefined`: given up. */
  readonly isLinearizable: boolean | undefined
  /** That has placed most, of all that were found. */
  readonly furthest: Configuration<State, Input, Output>
  readonly configurations: number
}

/** Configurations to go on with; the best of them first. */
class Frontier<State, Input, Output> {
  readonly #byScore = new Map<number, Configuration<State, Input, Output>[]>()
  #best = Number.NEGATIVE_INFINITY

  add(configuration: Configuration<State, Input, Output>): void {
    const score = placedIn(configuration) - configuration.usedCount
    const equals = this.#byScore.get(score)
    if (equals === undefined) this.#byScore.set(score, [configuration])
    else equals.push(configuration)
    this.#best = Math.max(this.#best, score)
  }

  take(): Configuration<State, Input, Output> | undefined {
    const configuration = this.#byScore.get(this.#best)?.pop()
    if (configuration !== undefined) return configuration
    this.#byScore.delete(this.#best)
    if (this.#byScore.size === 0) return undefined
    this.#best = Math.max(...this.#byScore.keys())
    return this.take()
  }
}

export class Search<State extends AnyState, Input, Output> {
  readonly #model: SequentialModel<State, Input, Output>
  readonly #agenda: Agenda<Input, Output>
  readonly #configurationsMax: number
  readonly #frontier = new Frontier<State, Input, Output>()
  /** By completed operations and state: what was used of the unknown ones to get there. */
  readonly #seen = new Map<string, (readonly number[])[]>()
  #configurations = 0

  constructor(
    model: SequentialModel<State, Input, Output>,
    agenda: Agenda<Input, Output>,
    configurationsMax: number,
  ) {
    this.#model = model
    this.#agenda = agenda
    this.#configurationsMax = configurationsMax
  }

  run(): SearchResult<State, Input, Output> {
    const { completed, unknown } = this.#agenda
    const used = unknown.map(() => 0)
    const start = { state: this.#model.initial, low: 0, beyond: [], used, usedCount: 0 }
    let furthest: Configuration<State, Input, Output> = start
    const end = (isLinearizable: boolean | undefined) => ({
      isLinearizable,
      furthest,
      configurations: this.#configurations,
    })
    this.#add(start)
    for (;;) {
      const configuration = this.#frontier.take()
      if (configuration === undefined) return end(false)
      if (placedIn(configuration) > placedIn(furthest)) furthest = configuration
      if (placedIn(furthest) === completed.length) return end(true)
      if (this.#configurations > this.#configurationsMax) return end(undefined)
      const candidates = candidatesAfter(this.#agenda, configuration)
      this.#placeUnknown(configuration, candidates)
      this.#placeCompleted(configuration, candidates)
    }
  }

  #placeCompleted(before: Configuration<State, Input, Output>, { completed }: Candidates): void {
    // Taken from the end: what was called first is tried first.
    for (const index of [...completed].reverse()) {
      const { operation } = this.#agenda.completed[index] as Completed<Input, Output>
      const state = this.#model.step(before.state, operation.input, operation.returned)
      if (state === undefined) continue
      const { used, usedCount } = before
      this.#add({ state, ...placing(before, index), used, usedCount, last: operation, before })
    }
  }

  #placeUnknown(before: Configuration<State, Input, Output>, { untilAt }: Candidates): void {
    for (const [kind, operations] of this.#agenda.unknown.entries()) {
      const operation: Operation<Input, Output> | undefined = operations[before.used[kind] ?? 0]
      if (operation === undefined || operation.calledAt > untilAt) continue
      const state = this.#model.step(before.state, operation.input, undefined)
      if (state === undefined) continue
      const used = before.used.with(kind, (before.used[kind] ?? 0) + 1)
      const { low, beyond } = before
      const usedCount = before.usedCount + 1
      this.#add({ state, low, beyond, used, usedCount, last: operation, before })
    }
  }

  #add(configuration: Configuration<State, Input, Output>): void {
    const { state, low, beyond, used } = configuration
    const key = `${low} ${beyond.join(',')} ${this.#model.digest(state)}`
    const others = this.#seen.get(key)
    if (others?.some((other) => isPart(other, used)) === true) return
    if (others === undefined) this.#seen.set(key, [used])
    else others.push(used)
    this.#configurations += 1
    this.#frontier.add(configuration)
  }
}

const isPart = (some: readonly number[], all: readonly number[]): boolean =>
  some === all || some.every((count, kind) => count <= (all[kind] ?? 0))
