import { createHash } from 'node:crypto'
import type { DiskImage, FileContent } from './disk-image.js'
import type { DirectoryRule, Entries } from './unsynced-directory.js'
import type { UnsyncedDisk } from './unsynced-disk.js'
import type { DataRule } from './unsynced-file.js'

export interface Model {
  readonly directoryRule: DirectoryRule
  readonly dataRule: DataRule
  readonly sectorBytes: number
}

/** A file or directory of which several things may be found: how many, and which it is in a choice. */
interface Uncertain {
  readonly node: string
  readonly count: number
}

/** Which of the things that may be found of each uncertain node is found. */
type Choice = readonly number[]

/** Everything that may be found on a disk whose power fails now. */
export class PossibleDisks {
  readonly #disk: UnsyncedDisk
  readonly #entries = new Map<string, readonly Entries[]>()
  readonly #contents = new Map<string, readonly FileContent[]>()
  readonly #uncertain: Uncertain[] = []
  readonly #indexOf = new Map<string, number>()
  /** Directories of which, and below which, nothing is uncertain. */
  readonly #certain = new Map<string, string>()
  readonly #contentIds: WeakMap<FileContent, string>

  /** `contentIds` keeps what is known of contents from one moment to the next. */
  constructor(
    disk: UnsyncedDisk,
    model: Model,
    random: () => number,
    contentIds: WeakMap<FileContent, string>,
  ) {
    this.#disk = disk
    this.#contentIds = contentIds
    this.#explore(disk.root, model, random)
  }

  /** How many combinations there are; different ones may be the same disk. */
  get combinations(): number {
    return this.#uncertain.reduce((product, { count }) => product * count, 1)
  }

  /** Every combination. */
  *all(): Generator<Choice> {
    const choice = this.#uncertain.map(() => 0)
    for (;;) {
      yield choice
      let place = 0
      for (; place < choice.length; place++) {
        const next = (choice[place] ?? 0) + 1
        choice[place] = next < (this.#uncertain[place]?.count ?? 0) ? next : 0
        if (choice[place] !== 0) break
      }
      if (place === choice.length) return
    }
  }

  /** Nothing, everything, each thing that may be found of a node with all else kept, or lost. */
  *systematic(): Generator<Choice> {
    const lost = this.#uncertain.map(() => 0)
    const kept = this.#uncertain.map(({ count }) => count - 1)
    yield lost
    yield kept
    for (const [place, { count }] of this.#uncertain.entries()) {
      for (let one = 0; one < count; one++) {
        yield kept.with(place, one)
        yield lost.with(place, one)
      }
    }
  }

  /** A combination by chance: of most nodes everything, nothing, or anything. */
  sample(random: () => number): Choice {
    const leaning = random()
    return this.#uncertain.map(({ count }) => {
      const free = leaning < 0.4 || random() < 0.3
      if (free) return Math.floor(random() * count)
      return leaning < 0.7 ? count - 1 : 0
    })
  }

  /** The same for disks with the same names, content and inodes. */
  identify(choice: Choice): string {
    return createHash('sha1')
      .update(this.#spell(this.#disk.root, choice, new Set()))
      .digest('base64')
  }

  image(choice: Choice): DiskImage {
    const directories: DiskImage['directories'][number][] = []
    const files = new Map<string, { paths: string[]; node: string; content: FileContent }>()
    const visit = (node: string, path: string, above: ReadonlySet<string>): void => {
      for (const [name, child] of this.#entriesOf(node, choice)) {
        if (above.has(child)) continue
        const at = `${path}/${name}`
        const directory = this.#disk.directory(child)
        if (directory !== undefined) {
          directories.push({ path: at, node: child, mode: directory.mode })
          visit(child, at, new Set([...above, child]))
          continue
        }
        const known = files.get(child)
        if (known !== undefined) known.paths.push(at)
        else files.set(child, { paths: [at], node: child, content: this.#contentOf(child, choice) })
      }
    }
    const { root } = this.#disk
    visit(root, '', new Set([root]))
    return { root, directories, files: [...files.values()] }
  }

  /** What was not kept as it was, for people. */
  describe(choice: Choice): string {
    const changed = this.#uncertain.flatMap(({ node, count }, index) => {
      const chosen = choice[index] ?? 0
      if (chosen === count - 1) return []
      const kind = this.#disk.directory(node) === undefined ? 'file' : 'directory'
      return [`${kind} ${node}: ${chosen === 0 ? 'as synced' : `${chosen + 1} of ${count}`}`]
    })
    return changed.length === 0 ? 'everything is kept' : changed.join('; ')
  }

  /** Finds out what is uncertain; tells whether anything is, of a node and what is below it. */
  #explore(node: string, model: Model, random: () => number): boolean {
    if (this.#entries.has(node)) return !this.#certain.has(node)
    const directory = this.#disk.directory(node)
    if (directory === undefined) return this.#exploreFile(node, model, random)
    const found = directory.contents(model.directoryRule, random)
    this.#entries.set(node, found)
    let uncertain = found.length > 1
    if (uncertain) this.#add(node, found.length)
    for (const child of directory.nodes()) {
      if (this.#explore(child, model, random)) uncertain = true
    }
    if (!uncertain) this.#certain.set(node, this.#spell(node, [], new Set([node])))
    return uncertain
  }

  #exploreFile(node: string, model: Model, random: () => number): boolean {
    const known = this.#contents.get(node)
    const found =
      known ?? this.#disk.file(node)?.contents(model.sectorBytes, model.dataRule, random) ?? []
    if (known === undefined) {
      this.#contents.set(node, found)
      if (found.length > 1) this.#add(node, found.length)
    }
    return found.length > 1
  }

  #add(node: string, count: number): void {
    this.#indexOf.set(node, this.#uncertain.length)
    this.#uncertain.push({ node, count })
  }

  #spell(node: string, choice: Choice, above: Set<string>): string {
    const certain = this.#certain.get(node)
    if (certain !== undefined) return certain
    let text = `${node}{`
    above.add(node)
    for (const [name, child] of this.#entriesOf(node, choice)) {
      if (above.has(child)) continue
      text += `${name}=`
      if (this.#disk.directory(child) === undefined) {
        text += `${child}:${this.#contentId(this.#contentOf(child, choice))};`
      } else text += this.#spell(child, choice, above)
    }
    above.delete(node)
    return `${text}}`
  }

  #contentId(content: FileContent): string {
    const known = this.#contentIds.get(content)
    if (known !== undefined) return known
    const { bytes, mode, modifiedMicros } = content
    const hash = createHash('sha1').update(bytes).digest('base64')
    const id = `${mode}.${modifiedMicros}.${hash}`
    this.#contentIds.set(content, id)
    return id
  }

  #entriesOf(node: string, choice: Choice): Entries {
    const found = this.#entries.get(node) ?? []
    return found[this.#chosen(node, choice)] ?? new Map()
  }

  #contentOf(node: string, choice: Choice): FileContent {
    const content = this.#contents.get(node)?.[this.#chosen(node, choice)]
    return content ?? { bytes: new Uint8Array(0), mode: 0o600, modifiedMicros: 0 }
  }

  #chosen(node: string, choice: Choice): number {
    const index = this.#indexOf.get(node)
    return index === undefined ? 0 : (choice[index] ?? 0)
  }
}
