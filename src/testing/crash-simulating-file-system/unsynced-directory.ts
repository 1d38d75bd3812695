import type { EntryChange } from './disk-change.js'

/** The names of a directory with their nodes, sorted. */
export type Entries = ReadonlyMap<string, string>

/**
 * Which un-synced changes of one directory may be there after a power cut: `prefix`, the oldest up to
 * any number of them; `any`, each by itself.
 */
export type DirectoryRule = 'prefix' | 'any'

/** What one call did: a rename within the directory is there as a whole or not at all. */
interface Change {
  readonly number: number
  readonly entries: Pick<EntryChange, 'name' | 'node'>[]
}

/** Of more changes than this, not every subset is tried. */
const changesMax = 5
const mixtures = 16

/** A directory, what of it is stable, and what may be found of it when the power fails. */
export class UnsyncedDirectory {
  readonly stable: Map<string, string>
  #pending: Change[] = []
  #found: readonly Entries[] | undefined

  constructor(
    readonly mode: number,
    stable: Map<string, string> = new Map(),
  ) {
    this.stable = stable
  }

  get isStable(): boolean {
    return this.#pending.length === 0
  }

  change({ change, name, node }: EntryChange): void {
    this.#found = undefined
    const last = this.#pending.at(-1)
    if (last?.number === change) last.entries.push({ name, node })
    else this.#pending.push({ number: change, entries: [{ name, node }] })
  }

  sync(): void {
    this.#found = undefined
    applyChanges(this.stable, this.#pending)
    this.#pending = []
  }

  /** Every node that has a name in any of what may be found. */
  nodes(): Set<string> {
    const nodes = new Set(this.stable.values())
    for (const { entries } of this.#pending) {
      for (const { node } of entries) if (node !== undefined) nodes.add(node)
    }
    return nodes
  }

  /** What may be found, the directory as it was synced last first, as it was last at the end. */
  contents(rule: DirectoryRule, random: () => number): readonly Entries[] {
    this.#found ??= this.#enumerate(rule, random)
    return this.#found
  }

  #enumerate(rule: DirectoryRule, random: () => number): Entries[] {
    const known = new Map<string, Entries>()
    for (const kept of keptOf(this.#pending.length, rule, random)) {
      const entries = new Map(this.stable)
      applyChanges(
        entries,
        this.#pending.filter((_, index) => kept(index)),
      )
      const sorted = new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
      const id = JSON.stringify([...sorted])
      // Set anew, so that what was there last stands last.
      known.delete(id)
      known.set(id, sorted)
    }
    return [...known.values()]
  }
}

type Kept = (change: number) => boolean

function* keptOf(count: number, rule: DirectoryRule, random: () => number): Generator<Kept> {
  yield () => false
  if (rule === 'any' && count <= changesMax) {
    for (let mask = 1; mask < 2 ** count - 1; mask++) yield (change) => ((mask >> change) & 1) === 1
  } else {
    for (let first = 1; first < count; first++) yield (change) => change < first
  }
  if (rule === 'any' && count > changesMax) {
    for (let one = 0; one < count; one++) {
      yield (change) => change === one
      yield (change) => change !== one
    }
    for (let mixture = 0; mixture < mixtures; mixture++) {
      const chosen = Array.from({ length: count }, () => random() < 0.5)
      yield (change) => chosen[change] ?? false
    }
  }
  yield () => true
}

function applyChanges(entries: Map<string, string>, changes: readonly Change[]): void {
  for (const { name, node } of changes.flatMap((change) => change.entries)) {
    if (node === undefined) entries.delete(name)
    else entries.set(name, node)
  }
}
