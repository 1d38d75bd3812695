/**
 * A disk small enough to be copied ten thousand times a second, on which the exploration plays every
 * order of the actors' calls. `rename` and `link` take two steps, as in the kernel: the path is
 * resolved to a directory (or file) first, and what happens then happens to that directory, even if
 * it was moved or removed meanwhile.
 */

interface FileNode {
  readonly kind: 'file'
  content: string
  links: number
}

interface DirectoryNode {
  readonly kind: 'directory'
  readonly entries: Map<string, number>
}

type ModelNode = FileNode | DirectoryNode

/** The errno a call fails with. */
export class Refusal {
  constructor(readonly errno: string) {}
}

export interface ResolvedRename {
  readonly fromDirectory: number
  readonly fromName: string
  readonly toDirectory: number
  readonly toName: string
}

export interface ResolvedLink {
  readonly file: number
  readonly toDirectory: number
  readonly toName: string
}

const root = 0

export class ModelDisk {
  readonly #nodes: Map<number, ModelNode>
  /** What the model keeps beside the disk, such as who is dead. */
  readonly facts: Map<string, string>

  constructor() {
    this.#nodes = new Map([[root, { kind: 'directory', entries: new Map() }]])
    this.facts = new Map()
  }

  clone(): ModelDisk {
    const copy = new ModelDisk()
    for (const [id, node] of this.#nodes) {
      copy.#nodes.set(
        id,
        node.kind === 'file' ? { ...node } : { kind: node.kind, entries: new Map(node.entries) },
      )
    }
    for (const [name, fact] of this.facts) copy.facts.set(name, fact)
    return copy
  }

  /** Equal for disks that no call can tell apart. */
  fingerprint(): string {
    const facts = [...this.facts].sort(([left], [right]) => (left < right ? -1 : 1))
    return `${this.#print(root)} ${facts.map((fact) => fact.join('=')).join(' ')}`
  }

  #print(id: number): string {
    const node = this.#nodes.get(id)
    if (node === undefined) return '?'
    if (node.kind === 'file') return `${id}"${node.content}"`
    const names = [...node.entries.keys()].sort()
    return `${id}{${names.map((name) => `${name}:${this.#print(node.entries.get(name) ?? -1)}`).join()}}`
  }

  createFile(path: string, id: number): void {
    const { directory, name } = this.#parent(path)
    if (directory.entries.has(name)) throw new Refusal('EEXIST')
    directory.entries.set(name, id)
    this.#nodes.set(id, { kind: 'file', content: '', links: 1 })
  }

  openExisting(path: string): number {
    const id = this.#find(path)
    if (id === undefined) throw new Refusal('ENOENT')
    return id
  }

  /** Writes to a file that may have lost its last name. */
  write(id: number, text: string, position: number): void {
    const node = this.#nodes.get(id)
    if (node?.kind !== 'file') return
    const end = position + text.length
    node.content = node.content.slice(0, position) + text + node.content.slice(end)
  }

  linksOf(id: number): number {
    const node = this.#nodes.get(id)
    return node?.kind === 'file' ? node.links : 0
  }

  read(path: string): string {
    const id = this.#find(path)
    const node = id === undefined ? undefined : this.#nodes.get(id)
    if (node === undefined) throw new Refusal('ENOENT')
    if (node.kind === 'directory') throw new Refusal('EISDIR')
    return node.content
  }

  exists(path: string): boolean {
    return this.#find(path) !== undefined
  }

  list(path: string): { name: string; kind: ModelNode['kind'] }[] {
    const { entries } = this.#directoryAt(path)
    return [...entries].map(([name, id]) => ({
      name,
      kind: this.#nodes.get(id)?.kind ?? 'file',
    }))
  }

  makeDirectory(path: string, id: number): void {
    const { directory, name } = this.#parent(path)
    if (directory.entries.has(name)) throw new Refusal('EEXIST')
    directory.entries.set(name, id)
    this.#nodes.set(id, { kind: 'directory', entries: new Map() })
  }

  removeDirectory(path: string): void {
    const { directory, name } = this.#parent(path)
    const id = directory.entries.get(name)
    const node = id === undefined ? undefined : this.#nodes.get(id)
    if (id === undefined || node === undefined) throw new Refusal('ENOENT')
    if (node.kind !== 'directory') throw new Refusal('ENOTDIR')
    if (node.entries.size > 0) throw new Refusal('ENOTEMPTY')
    directory.entries.delete(name)
    this.#nodes.delete(id)
  }

  unlink(path: string): void {
    const { directory, name } = this.#parent(path)
    const id = directory.entries.get(name)
    if (id === undefined) throw new Refusal('ENOENT')
    if (this.#nodes.get(id)?.kind !== 'file') throw new Refusal('EISDIR')
    directory.entries.delete(name)
    this.#dropLink(id)
  }

  resolveRename(from: string, to: string): ResolvedRename {
    const source = this.#parent(from)
    const target = this.#parent(to)
    return {
      fromDirectory: source.id,
      fromName: source.name,
      toDirectory: target.id,
      toName: target.name,
    }
  }

  rename({ fromDirectory, fromName, toDirectory, toName }: ResolvedRename): void {
    const source = this.#alive(fromDirectory)
    const target = this.#alive(toDirectory)
    const id = source.entries.get(fromName)
    if (id === undefined) throw new Refusal('ENOENT')
    const replaced = target.entries.get(toName)
    if (replaced === id) return
    if (replaced !== undefined) this.#replace(id, replaced)
    source.entries.delete(fromName)
    target.entries.set(toName, id)
  }

  resolveLink(existing: string, created: string): ResolvedLink {
    const file = this.#find(existing)
    if (file === undefined) throw new Refusal('ENOENT')
    const target = this.#parent(created)
    return { file, toDirectory: target.id, toName: target.name }
  }

  link({ file, toDirectory, toName }: ResolvedLink): void {
    const target = this.#alive(toDirectory)
    if (target.entries.has(toName)) throw new Refusal('EEXIST')
    const node = this.#nodes.get(file)
    if (node?.kind !== 'file' || node.links === 0) throw new Refusal('ENOENT')
    node.links += 1
    target.entries.set(toName, file)
  }

  /** Whether the file has no name outside this directory. */
  isOnlyIn(path: string, file: number): boolean {
    const names = [...this.#directoryAt(path).entries.values()].filter((id) => id === file)
    return names.length > 0 && names.length === this.linksOf(file)
  }

  contentOf(directory: number, name: string): string | undefined {
    const parent = this.#nodes.get(directory)
    if (parent?.kind !== 'directory') return undefined
    const node = this.#nodes.get(parent.entries.get(name) ?? -1)
    return node?.kind === 'file' ? node.content : undefined
  }

  #replace(moved: number, replaced: number): void {
    const node = this.#nodes.get(replaced)
    if (node?.kind === 'file') {
      if (this.#nodes.get(moved)?.kind === 'directory') throw new Refusal('ENOTDIR')
      this.#dropLink(replaced)
      return
    }
    if (node !== undefined && node.entries.size > 0) throw new Refusal('ENOTEMPTY')
    this.#nodes.delete(replaced)
  }

  #dropLink(id: number): void {
    const node = this.#nodes.get(id)
    if (node?.kind !== 'file') return
    node.links -= 1
    if (node.links === 0) this.#nodes.delete(id)
  }

  #alive(id: number): DirectoryNode {
    const node = this.#nodes.get(id)
    if (node?.kind !== 'directory') throw new Refusal('ENOENT')
    return node
  }

  #directoryAt(path: string): DirectoryNode {
    const id = this.#find(path)
    if (id === undefined) throw new Refusal('ENOENT')
    const node = this.#nodes.get(id)
    if (node?.kind !== 'directory') throw new Refusal('ENOTDIR')
    return node
  }

  #parent(path: string): { id: number; directory: DirectoryNode; name: string } {
    const slash = path.lastIndexOf('/')
    const id = this.#find(path.slice(0, slash))
    if (id === undefined) throw new Refusal('ENOENT')
    return { id, directory: this.#alive(id), name: path.slice(slash + 1) }
  }

  #find(path: string): number | undefined {
    let id = root
    for (const name of path.split('/')) {
      if (name === '') continue
      const node = this.#nodes.get(id)
      const next = node?.kind === 'directory' ? node.entries.get(name) : undefined
      if (next === undefined) return undefined
      id = next
    }
    return id
  }
}
