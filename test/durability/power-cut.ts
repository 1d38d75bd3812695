/**
 * What a power cut leaves of a disk.
 *
 * Only what was synced is certain. A file's data since its last sync may be there, be missing or be
 * zeros; of the changes to a directory since its last sync any number may be there, counted from the
 * oldest, and independently of all other directories. Nothing else about the order of two changes
 * is assumed, not even that the halves of a rename between directories come together.
 */
import { emptyImage, type Image, type ImageFile } from '../faults/image.js'
import type { DiskEvent } from './disk-log.js'

interface Content {
  bytes: Uint8Array
  mode: number
  modifiedMicros: number
}

interface FileNode {
  readonly type: 'file'
  live: Content
  stable: Content
  /** Live, with everything written since the last sync as zeros. */
  hollow: Content
  dirty: boolean
}

interface DirectoryNode {
  readonly type: 'directory'
  readonly mode: number
  readonly stable: Map<string, string>
  pending: Change[]
}

/** What one call did to a directory: a rename within it is there as a whole or not at all. */
interface Change {
  readonly number: number
  readonly entries: { readonly name: string; readonly node: string | undefined }[]
}

export type UnsyncedData = 'missing' | 'zeros' | 'there'

/** What becomes of what was not synced. */
export interface Fate {
  /** How many of a directory's `pending` changes are there. */
  entries(directory: string, pending: number): number
  data(file: string): UnsyncedData
}

const grown = (bytes: Uint8Array, size: number): Uint8Array => {
  const copy = new Uint8Array(size)
  copy.set(bytes.subarray(0, size))
  return copy
}

const put = (bytes: Uint8Array, position: number, source: Uint8Array): Uint8Array => {
  const copy = grown(bytes, Math.max(bytes.byteLength, position + source.byteLength))
  copy.set(source, position)
  return copy
}

/** A disk whose events are replayed one by one, knowing what of it is stable. */
export class FragileDisk {
  readonly #nodes = new Map<string, FileNode | DirectoryNode>()
  readonly #root: string

  constructor(root: string) {
    this.#root = root
    this.#nodes.set(root, { type: 'directory', mode: 0o755, stable: new Map(), pending: [] })
  }

  apply(event: DiskEvent): void {
    switch (event.kind) {
      case 'node':
        this.#nodes.set(event.node, event.type === 'directory' ? directory(event.mode) : file())
        return
      case 'entry':
        this.#change(event)
        return
      case 'data': {
        const node = this.#file(event.node)
        const hole = new Uint8Array(event.bytes.byteLength)
        node.live.bytes = put(node.live.bytes, event.position, event.bytes)
        node.hollow.bytes = put(node.hollow.bytes, event.position, hole)
        node.dirty = true
        return
      }
      case 'size': {
        const node = this.#file(event.node)
        node.live.bytes = grown(node.live.bytes, event.size)
        node.hollow.bytes = grown(node.hollow.bytes, event.size)
        node.dirty = true
        return
      }
      case 'attributes': {
        const node = this.#nodes.get(event.node)
        if (node?.type !== 'file') return
        const { mode, modifiedMicros } = event
        Object.assign(node.live, { mode, modifiedMicros })
        Object.assign(node.hollow, { mode, modifiedMicros })
        node.dirty = true
        return
      }
      case 'sync':
        this.#sync(event.node)
    }
  }

  /** Directories with changes, and files with data, that no sync has made stable. */
  unsynced(): { directories: string[]; files: string[] } {
    const directories: string[] = []
    const files: string[] = []
    for (const [id, node] of this.#nodes) {
      if (node.type === 'file') {
        if (node.dirty) files.push(id)
      } else if (node.pending.length > 0) directories.push(id)
    }
    return { directories, files }
  }

  /** What is on the disk after the power came back. */
  survivors(fate: Fate): Image {
    const image = emptyImage()
    const seen = new Map<string, ImageFile>()
    const visit = (id: string, path: string): void => {
      for (const [name, child] of this.#entriesOf(id, fate)) {
        const node = this.#nodes.get(child)
        const at = `${path}/${name}`
        if (node === undefined) throw new Error(`${at} is of no node`)
        if (node.type === 'directory') {
          image.directories.push({ path: at, mode: node.mode })
          if (name === '.holdfast') image.internals.push({ path: at, inode: child })
          visit(child, at)
          continue
        }
        const known = seen.get(child)
        if (known !== undefined) {
          known.paths.push(at)
          continue
        }
        const survived = { paths: [at], ...contentOf(node, fate.data(child)) }
        seen.set(child, survived)
        image.files.push(survived)
      }
    }
    visit(this.#root, '')
    return image
  }

  #entriesOf(id: string, fate: Fate): Map<string, string> {
    const { stable, pending } = this.#directory(id)
    const entries = new Map(stable)
    applyEntries(entries, pending.slice(0, fate.entries(id, pending.length)))
    return entries
  }

  #change({ directory, change, name, node }: Extract<DiskEvent, { kind: 'entry' }>): void {
    const { pending } = this.#directory(directory)
    const last = pending.at(-1)
    if (last?.number === change) last.entries.push({ name, node })
    else pending.push({ number: change, entries: [{ name, node }] })
  }

  #sync(id: string): void {
    const node = this.#nodes.get(id)
    if (node?.type === 'directory') {
      applyEntries(node.stable, node.pending)
      node.pending = []
    } else if (node?.type === 'file') {
      node.stable = { ...node.live }
      node.hollow = { ...node.live }
      node.dirty = false
    }
  }

  #directory(id: string): DirectoryNode {
    const node = this.#nodes.get(id)
    if (node?.type === 'directory') return node
    throw new Error(`${id} is no directory`)
  }

  #file(id: string): FileNode {
    const node = this.#nodes.get(id)
    if (node?.type === 'file') return node
    throw new Error(`${id} is no file`)
  }
}

const blank = (): Content => ({ bytes: new Uint8Array(0), mode: 0o600, modifiedMicros: 0 })
const file = (): FileNode => ({
  type: 'file',
  live: blank(),
  stable: blank(),
  hollow: blank(),
  dirty: false,
})
const directory = (mode: number): DirectoryNode => ({
  type: 'directory',
  mode,
  stable: new Map(),
  pending: [],
})

function applyEntries(entries: Map<string, string>, changes: readonly Change[]): void {
  for (const { name, node } of changes.flatMap((change) => change.entries)) {
    if (node === undefined) entries.delete(name)
    else entries.set(name, node)
  }
}

function contentOf(node: FileNode, data: UnsyncedData): Content {
  if (!node.dirty || data === 'there') return node.live
  return data === 'zeros' ? node.hollow : node.stable
}
