/**
 * Plays all orders in which the calls of several actors can fall, states that were seen before left
 * out. An actor's state is the sequence of answers it has had, so two orders that gave everybody the
 * same answers and left the same disk behind are one.
 */

import {
  type Answer,
  type Call,
  type Outcome,
  type Program,
  perform,
  runUntilCall,
} from './machine.js'
import type { ModelDisk } from './model-disk.js'

export interface Model {
  readonly programs: readonly Program[]
  readonly disk: ModelDisk
  /** Answers the model's own questions. Throws {@link Violation}. */
  answer(disk: ModelDisk, actor: number, question: string, args: readonly unknown[]): Outcome[]
  /** Looks at every call that was made, for instance at what a rename replaced. */
  watch?(before: ModelDisk, actor: number, call: Call, outcome: Outcome): void
  /**
   * Calls that neither see what others do nor are seen by them: when one is due, it is made first, and
   * the orders in which it comes later are left out.
   */
  isPrivate?(disk: ModelDisk, call: Call): boolean
  /** At the end of every complete run. */
  finish?(disk: ModelDisk, answers: readonly (readonly Answer[])[]): void
  /** Actors that may die anywhere; `died` notes it on the disk. At most one dies in a run. */
  readonly mortal?: readonly number[]
  died?(disk: ModelDisk, actor: number): ModelDisk
  /** Listings are atomic, as on ext4 and APFS; otherwise what comes or goes meanwhile may be missed. */
  readonly strictListings?: boolean
  /** How often an actor looks again while others could go on. Default: 2. */
  readonly looks?: number
}

export interface Exploration {
  readonly states: number
  readonly runs: number
  /** Every order was played; otherwise the bound was reached. */
  readonly complete: boolean
}

export class Violation extends Error {}

/** How often an actor may look in vain when nobody else moves any more. */
const patience = 12

/** An actor after a sequence of answers. */
class Stage {
  readonly children = new Map<string, Stage>()
  readonly pending: Call | undefined

  constructor(
    readonly id: number,
    readonly depth: number,
    readonly waits: number,
    readonly parent: Stage | undefined,
    readonly answer: Answer | undefined,
    program: Program,
    strict: boolean,
  ) {
    this.pending = runUntilCall(program, this.answers(), strict).pending
  }

  answers(): Answer[] {
    const answers: Answer[] = []
    for (let stage: Stage | undefined = this; stage?.answer !== undefined; stage = stage.parent) {
      answers.push(stage.answer)
    }
    return answers.reverse()
  }
}

interface State {
  readonly disk: ModelDisk
  readonly stages: readonly Stage[]
  readonly dead: number | undefined
  readonly trail: Trail | undefined
}

/** How a state was reached, newest step first. */
interface Trail {
  readonly actor: number
  readonly call: Call
  readonly answer: Answer
  readonly before: Trail | undefined
}

class Explorer {
  readonly #model: Model
  readonly #strict: boolean
  readonly #seen = new Set<string>()
  readonly #prints = new Map<string, number>()
  #stages = 0
  #runs = 0

  constructor(model: Model) {
    this.#model = model
    this.#strict = model.strictListings ?? true
  }

  /** Every actor, one after the other, up to the point where it asks `ready`. */
  start(): State {
    let state: State = {
      disk: this.#model.disk,
      stages: this.#model.programs.map((program) => this.#stage(undefined, undefined, program)),
      dead: undefined,
      trail: undefined,
    }
    for (const actor of this.#model.programs.keys()) {
      for (;;) {
        const ready = state.stages[actor]?.pending?.operation === 'ready'
        const [next] = this.#steps(state, actor)
        if (next === undefined) throw new Error(`actor ${actor} ended before it was ready`)
        state = next
        if (ready) break
      }
    }
    return { ...state, trail: undefined }
  }

  async explore(maximumStates: number): Promise<Exploration> {
    const stack = [this.start()]
    for (let steps = 1; stack.length > 0; steps++) {
      if (this.#seen.size >= maximumStates) return this.#told(false)
      if (steps % stepsBetweenBreaths === 0) await breathe()
      const state = stack.pop()
      if (state === undefined || !this.#isNew(state)) continue
      const next = this.#successors(state)
      if (next.length === 0) this.#end(state)
      else stack.push(...next)
    }
    return this.#told(true)
  }

  /** One run, in which whoever was last goes on, but for a change with this likelihood. */
  wander(random: () => number, restlessness: number): void {
    let state = this.start()
    for (;;) {
      const next = this.#successors(state)
      if (next.length === 0) break
      const last = state.trail?.actor
      const same = next.filter(({ trail }) => trail?.actor === last && isNoDeath(trail))
      const among = same.length > 0 && random() >= restlessness ? same : next
      const chosen = among[Math.floor(random() * among.length)]
      if (chosen === undefined) break
      state = chosen
    }
    this.#end(state)
  }

  #told(complete: boolean): Exploration {
    return { states: this.#seen.size, runs: this.#runs, complete }
  }

  #isNew({ disk, stages, dead }: State): boolean {
    const text = disk.fingerprint()
    const print = this.#prints.get(text) ?? this.#prints.size
    this.#prints.set(text, print)
    const key = `${print} ${dead ?? ''} ${stages.map(({ id }) => id).join(' ')}`
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    return true
  }

  #successors(state: State): State[] {
    const { stages, dead } = state
    const able = stages.flatMap(({ pending }, actor) =>
      pending !== undefined && actor !== dead ? [actor] : [],
    )
    const looks = this.#model.looks ?? 2
    const waiting = (actor: number): boolean => {
      const { pending, waits = 0 } = stages[actor] ?? {}
      return pending?.operation === 'wait' && waits >= looks
    }
    const alone = able.find((actor) => this.#isPrivate(state.disk, stages[actor]?.pending))
    const busy = alone === undefined ? able.filter((actor) => !waiting(actor)) : [alone]
    const next = busy.flatMap((actor) => this.#steps(state, actor))
    if (busy.length === 0 && able.length > 0) {
      // All wait: whoever looked least often looks again.
      const waits = (actor: number): number => stages[actor]?.waits ?? 0
      const actor = able.reduce((best, other) => (waits(other) < waits(best) ? other : best))
      if (waits(actor) > patience) throw this.#violated(state.trail, 'nobody gets on any more')
      next.push(...this.#steps(state, actor))
    }
    if (dead === undefined && alone === undefined) next.push(...this.#deaths(state, able))
    return next
  }

  #isPrivate(disk: ModelDisk, call: Call | undefined): boolean {
    return call !== undefined && this.#model.isPrivate?.(disk, call) === true
  }

  #deaths(state: State, able: readonly number[]): State[] {
    const { died, mortal = [] } = this.#model
    return mortal.flatMap((actor) => {
      if (!able.includes(actor) || died === undefined) return []
      const call = { operation: 'dies', args: [] }
      const trail = { actor, call, answer: { value: undefined }, before: state.trail }
      return [{ ...state, disk: died(state.disk, actor), dead: actor, trail }]
    })
  }

  /** What the actor's next call leads to. */
  #steps(state: State, actor: number): State[] {
    const stage = state.stages[actor]
    const program = this.#model.programs[actor]
    const call = stage?.pending
    if (stage === undefined || call === undefined || program === undefined) return []
    const id = (actor + 1) * 1000 + stage.depth
    try {
      const outcomes = this.#outcomes(state.disk, actor, call, id)
      return outcomes.map((outcome) => {
        this.#model.watch?.(state.disk, actor, call, outcome)
        const next = this.#stage(stage, outcome.answer, program)
        return {
          ...state,
          disk: outcome.disk,
          stages: state.stages.map((each, index) => (index === actor ? next : each)),
          trail: { actor, call, answer: outcome.answer, before: state.trail },
        }
      })
    } catch (error) {
      const answer = { value: 'here' }
      throw this.#violated({ actor, call, answer, before: state.trail }, String(error))
    }
  }

  #outcomes(disk: ModelDisk, actor: number, call: Call, id: number): Outcome[] {
    const { operation, args } = call
    if (operation === 'ready' || operation === 'wait') {
      return [{ disk, answer: { value: undefined } }]
    }
    if (operation.startsWith('model:')) return this.#model.answer(disk, actor, operation, args)
    return perform(disk, call, id)
  }

  #stage(parent: Stage | undefined, answer: Answer | undefined, program: Program): Stage {
    const key = JSON.stringify(answer) ?? ''
    const known = parent?.children.get(key)
    if (known !== undefined) return known
    this.#stages += 1
    const depth = parent === undefined ? 0 : parent.depth + 1
    const waits = (parent?.waits ?? 0) + (parent?.pending?.operation === 'wait' ? 1 : 0)
    const stage = new Stage(this.#stages, depth, waits, parent, answer, program, this.#strict)
    parent?.children.set(key, stage)
    return stage
  }

  #end({ disk, stages, trail }: State): void {
    this.#runs += 1
    try {
      this.#model.finish?.(
        disk,
        stages.map((stage) => stage.answers()),
      )
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      throw this.#violated(trail, error.message)
    }
  }

  #violated(trail: Trail | undefined, message: string): Violation {
    const lines: string[] = []
    for (let step = trail; step !== undefined; step = step.before) {
      const { operation, args } = step.call
      const told = JSON.stringify(args).slice(0, 120)
      lines.push(`actor ${step.actor}: ${operation} ${told} -> ${JSON.stringify(step.answer)}`)
    }
    return new Violation(`${message}, after\n${lines.reverse().join('\n')}`)
  }
}

const isNoDeath = (trail: Trail | undefined): boolean => trail?.call.operation !== 'dies'

const stepsBetweenBreaths = 20_000

/** Lets the test runner hear from us. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Errors without stacks: a program makes thousands of them a second. */
async function withoutStacks<T>(action: () => Promise<T>): Promise<T> {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return await action()
  } finally {
    Error.stackTraceLimit = limit
  }
}

export const explore = (model: Model, maximumStates: number): Promise<Exploration> =>
  withoutStacks(() => new Explorer(model).explore(maximumStates))

const restlessness = [0.03, 0.1, 0.3, 0.8]

/** Single runs in random orders, for models that are too large to be explored. */
export function wander(model: Model, runs: number, random: () => number): Promise<void> {
  return withoutStacks(async () => {
    for (let run = 0; run < runs; run++) {
      new Explorer(model).wander(random, restlessness[run % restlessness.length] ?? 1)
      if (run % 50 === 0) await breathe()
    }
  })
}
