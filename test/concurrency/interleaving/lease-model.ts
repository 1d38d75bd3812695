/** The rules of generation numbers, played as named leases use them: the newest generation holds. */
import {
  GenerationCeiling,
  GenerationDirectory,
  type OwnGeneration,
} from '../../../src/file-lock/index.js'
import type { Model } from './exploration.js'
import { Violation } from './exploration.js'
import type { Outcome, Program } from './machine.js'
import { ModelDisk } from './model-disk.js'

export interface LeaseModelOptions {
  /** How often each actor takes the name. */
  readonly rounds: readonly number[]
  /** Undefined: the system does not tell, and every opened store jumps to numbers of its own. */
  readonly bootIds: readonly (string | undefined)[]
  /** Whether a name that was given back is taken again with the same file. */
  readonly parks?: boolean
  readonly strictListings?: boolean
  readonly looks?: number
}

const durable = '/durable'
const local = '/local'
const names = '/name'

export function emptyDisk(...directories: readonly string[]): ModelDisk {
  const disk = new ModelDisk()
  for (const [index, path] of directories.entries()) disk.makeDirectory(path, 100 + index)
  return disk
}

/** Takes and gives back a name, as NamedLeases does without a holder to be superseded. */
function user(name: string, rounds: number, bootId: string | undefined, parks: boolean): Program {
  return ({ fs, ask }) => {
    const ceiling = new GenerationCeiling(fs, durable, local, bootId)
    const directory = new GenerationDirectory(fs, names, ceiling)
    directory.initialise(`/staging/${name}-first`)
    ceiling.cover(ceiling.base + 1)
    ask('ready')
    const owner = { incarnation: name, bootId }
    let drafts = 0
    let parked: OwnGeneration | undefined
    const takeAnew = (): OwnGeneration | undefined => {
      const newest = directory.newest()
      if (newest?.state !== 'free') return undefined
      drafts += 1
      const own = directory.take(newest, 'busy', owner, `/staging/${name}-${drafts}`)
      if (own !== undefined) directory.removeBelow(own.generation)
      return own
    }
    for (let round = 0; round < rounds; ) {
      const own = (parked && directory.retake(parked, 'busy', owner)) ?? takeAnew()
      parked = undefined
      if (own === undefined) {
        ask('wait')
        continue
      }
      ask('model:enter', name, own.generation)
      ask('model:leave', name)
      own.mark('free')
      if (parks) parked = own
      round += 1
    }
  }
}

/** One at a time, with rising tokens. */
export function leaseModel({ rounds, bootIds, parks, ...options }: LeaseModelOptions): Model {
  const programs = rounds.map((count, actor) =>
    user(`u${actor}`, count, bootIds[actor], parks ?? false),
  )
  return {
    programs,
    disk: emptyDisk(durable, local, '/staging'),
    answer: (disk, _actor, question, args) => [hold(disk, question, args)],
    // Nobody else touches an actor's drafts.
    isPrivate: (disk, { operation, args }) =>
      operation === 'write'
        ? disk.isOnlyIn('/staging', Number(args[0]))
        : ['open', 'resolveLink', 'unlink'].includes(operation) &&
          String(args[0]).startsWith('/staging/'),
    ...options,
  }
}

function hold(disk: ModelDisk, question: string, [name, token]: readonly unknown[]): Outcome {
  const copy = disk.clone()
  if (question === 'model:leave') {
    copy.facts.delete('holder')
    return { disk: copy, answer: { value: undefined } }
  }
  const holder = copy.facts.get('holder')
  if (holder !== undefined) throw new Violation(`${name} holds the name together with ${holder}`)
  const last = Number(copy.facts.get('token') ?? '-1')
  if (Number(token) <= last) throw new Violation(`token ${token} after ${last}`)
  copy.facts.set('holder', String(name))
  copy.facts.set('token', String(token))
  return { disk: copy, answer: { value: undefined } }
}
