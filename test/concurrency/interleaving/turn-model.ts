/**
 * Turns of the write lease, with what they are for: each actor reads a document, stages a version with
 * its own mark appended, and renames it into place. A rename that drops somebody's mark is a lost
 * update, whoever believed to hold what.
 */

import { isFileSystemError } from '../../../src/errors/index.js'
import {
  GenerationCeiling,
  GenerationDirectory,
  GenerationLock,
  type GenerationOwner,
  type ProcessTable,
} from '../../../src/file-lock/index.js'
import { Incarnation, revokeIncarnation } from '../../../src/storage/file/incarnation.js'
import { type Model, Violation } from './exploration.js'
import { emptyDisk } from './lease-model.js'
import type { Answer, Call, Machine, Outcome, Program } from './machine.js'
import type { ModelDisk, ResolvedRename } from './model-disk.js'

export interface TurnModelOptions {
  /** How many turns each actor wants. */
  readonly turns: readonly number[]
  readonly bootIds?: readonly (string | undefined)[]
  /** 0: stands in line at once; Infinity: only when the newest generation can be taken. */
  readonly patienceMs?: number
  /** How often somebody who lives may be taken for dead. */
  readonly wrongVerdicts?: number
  readonly mortal?: readonly number[]
  readonly strictListings?: boolean
  readonly looks?: number
  /** What takes a former writer's power. Default: the real thing. */
  readonly revoke?: typeof revokeIncarnation
}

const durable = '/durable'
const local = '/local'
const writers = '/writers'
const document = '/documents/d'

/** Where the text of an actor's marks stands: `a0.1 ` for the first turn of actor 0. */
const markOf = (actor: number, turn: number): string => `a${actor}.${turn} `

// No process has the number 0.
const pidOf = (actor: number): number => actor + 1
const actorOf = (pid: number | undefined): number => (pid ?? 0) - 1

class Writer {
  readonly #machine: Machine
  readonly #options: TurnModelOptions
  readonly #actor: number
  readonly #ceiling: GenerationCeiling
  #registrations = 0
  #incarnation: Incarnation
  #lock: GenerationLock

  constructor(machine: Machine, actor: number, options: TurnModelOptions) {
    this.#machine = machine
    this.#options = options
    this.#actor = actor
    const bootId = options.bootIds === undefined ? 'boot' : options.bootIds[actor]
    this.#ceiling = new GenerationCeiling(machine.fs, durable, local, bootId)
    const directory = new GenerationDirectory(machine.fs, `${local}/write`, this.#ceiling)
    directory.initialise(`/draft-${actor}`)
    this.#ceiling.cover(this.#ceiling.base + 1)
    const { incarnation, lock } = this.#register()
    this.#incarnation = incarnation
    this.#lock = lock
  }

  /** One attempt to make a mark. */
  tryTurn(turn: number): boolean {
    const { fs } = this.#machine
    try {
      if (this.#lock.tryEnter() === undefined) return false
      const staged = this.#incarnation.nextPath()
      const before = Buffer.from(fs.readFile(document)).toString()
      const file = fs.open(staged, 'create')
      const bytes = Buffer.from(`${before}${markOf(this.#actor, turn)}`)
      fs.write(file, bytes, 0, bytes.byteLength, 0)
      fs.rename(staged, document)
      this.#lock.leave()
      return true
    } catch (error) {
      if (!isFileSystemError(error, 'NotFound') || !this.#incarnation.isRevoked()) throw error
      this.#lock.release()
      const { incarnation, lock } = this.#register()
      this.#incarnation = incarnation
      this.#lock = lock
      return false
    }
  }

  release(): void {
    this.#lock.release()
  }

  #register(): { incarnation: Incarnation; lock: GenerationLock } {
    const { fs, ask } = this.#machine
    const { patienceMs = 0, revoke = revokeIncarnation } = this.#options
    this.#registrations += 1
    const id = `w${this.#actor}-${this.#registrations}`
    const owner: GenerationOwner = {
      incarnation: id,
      pid: pidOf(this.#actor),
      bootId: this.#ceiling.bootId,
    }
    const incarnation = new Incarnation({ fs, writers, id, owner })
    const processes: ProcessTable = {
      self: { pid: pidOf(this.#actor), host: 'model' },
      liveness: ({ pid }) => (ask('model:isDead', actorOf(pid)) === true ? 'dead' : 'alive'),
    }
    const lock = new GenerationLock({
      fs,
      directory: `${local}/write`,
      ceiling: this.#ceiling,
      processes,
      monotonicMs: () => 0,
      ttlMs: 1,
      patienceMs,
      context: {
        owner: () => owner,
        draftPath: () => incarnation.nextPath(),
        isRevoked: () => incarnation.isRevoked(),
        revoke: ({ incarnation: other }) => {
          if (other !== undefined && other !== id) revoke(fs, writers, other)
        },
      },
    })
    return { incarnation, lock }
  }
}

export function turnModel(options: TurnModelOptions): Model {
  const programs = options.turns.map(
    (turns, actor): Program =>
      (machine) => {
        const writer = new Writer(machine, actor, options)
        machine.ask('ready')
        for (let turn = 1; turn <= turns; ) {
          if (writer.tryTurn(turn)) turn += 1
          else machine.ask('wait')
        }
        machine.ask('model:done')
      },
  )
  const disk = emptyDisk(durable, local, writers, '/documents')
  disk.createFile(document, 200)
  const { mortal = [], strictListings, looks, turns } = options
  return {
    programs,
    disk,
    mortal,
    strictListings: strictListings ?? true,
    looks: looks ?? 1,
    died: (before, actor) => note(before, `dead-${actor}`),
    answer: (before, actor, question, [pid]) =>
      question === 'model:done'
        ? [{ disk: note(before, `done-${actor}`), answer: { value: undefined } }]
        : verdicts(before, Number(pid), options.wrongVerdicts ?? 0),
    watch: (before, _actor, call, outcome) => refuseLostUpdate(before, call, outcome),
    finish: (after) => requireMarks(after, turns),
  }
}

function note(disk: ModelDisk, fact: string): ModelDisk {
  const copy = disk.clone()
  copy.facts.set(fact, 'yes')
  return copy
}

function verdicts(disk: ModelDisk, pid: number, wrongVerdicts: number): Outcome[] {
  const truth: Outcome = { disk, answer: { value: disk.facts.has(`dead-${pid}`) } }
  const given = Number(disk.facts.get('wrong') ?? 0)
  if (disk.facts.has(`dead-${pid}`) || given >= wrongVerdicts) return [truth]
  const copy = disk.clone()
  copy.facts.set('wrong', String(given + 1))
  return [truth, { disk: copy, answer: { value: true } }]
}

function refuseLostUpdate(before: ModelDisk, { operation, args }: Call, { answer }: Outcome): void {
  if (operation !== 'rename' || args[2] !== document || 'errno' in answer) return
  const { fromDirectory, fromName } = args[0] as ResolvedRename
  const present = before.read(document)
  const next = before.contentOf(fromDirectory, fromName) ?? ''
  if (next.startsWith(present) && next !== present) return
  throw new Violation(`lost update: '${present}' became '${next}'`)
}

/** Each mark once; those of whoever died may be missing from some turn on. */
function requireMarks(disk: ModelDisk, turns: readonly number[]): void {
  const marks = disk.read(document).split(' ')
  for (const [actor, count] of turns.entries()) {
    const dead = disk.facts.has(`dead-${actor}`)
    for (let turn = 1; turn <= count; turn++) {
      const times = marks.filter((mark) => mark === markOf(actor, turn).trim()).length
      if (times === 1 || (dead && times === 0)) continue
      throw new Violation(`${markOf(actor, turn)}was made ${times} times: ${marks.join(' ')}`)
    }
    if (!dead && !disk.facts.has(`done-${actor}`)) throw new Violation(`actor ${actor} never ended`)
  }
}

export type { Answer }
