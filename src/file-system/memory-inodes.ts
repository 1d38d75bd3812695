/** The disk of {@link MemoryFileSystem}: inodes, directory entries, paths and the space they take. */
import type { FileSystemError } from '../errors/index.js'

/** Makes the error of the call under way from an errno. */
export type Failure = (errno: string) => FileSystemError

interface Facts {
  readonly number: number
  mode: number
  modifiedMicros: number
  links: number
  descriptors: number
}

export interface FileInode extends Facts {
  readonly kind: 'file'
  /** At least `size` bytes long, zeros from there on. */
  bytes: Uint8Array
  size: number
}

export interface DirectoryInode extends Facts {
  readonly kind: 'directory'
  readonly entries: Map<string, Entry<Inode>>
}

export interface SymlinkInode extends Facts {
  readonly kind: 'symlink'
  readonly target: string
}

export type Inode = FileInode | DirectoryInode | SymlinkInode

interface Entry<T> {
  /** As spelled when it was created. */
  readonly name: string
  readonly inode: T
}

/** Where a path leads. */
export interface Place {
  /** The directories passed, from below the root to `parent`. */
  readonly trail: readonly Entry<DirectoryInode>[]
  readonly parent: DirectoryInode
  /** The last component as asked for; `.` when the path ends at a directory passed, as `/a/..` does. */
  readonly name: string
  /** What is there, if anything. */
  readonly inode: Inode | undefined
}

const recordBytes = 256
const maximumComponentBytes = 255
/** The terminating zero byte included, as for PATH_MAX. */
export const maximumPathBytes = 4096
const maximumSymlinks = 40
const maximumFileBytes = 2 ** 31

const componentsOf = (path: string): string[] => path.split('/').filter((part) => part !== '')

/** A trailing slash means the directory itself: `a/` is `a/.`. */
const withFinalDot = (path: string): string => (path.endsWith('/') ? `${path}.` : path)

export function sizeOf(inode: Inode): number {
  if (inode.kind === 'directory') return 0
  return inode.kind === 'file' ? inode.size : Buffer.byteLength(inode.target)
}

export class MemoryInodes {
  capacityBytes: number | undefined
  usedBytes = 0
  readonly #root: DirectoryInode
  readonly #now: () => number
  readonly #caseInsensitive: boolean
  #lastNumber = 1

  constructor(now: () => number, capacityBytes: number | undefined, caseInsensitive: boolean) {
    this.#now = now
    this.capacityBytes = capacityBytes
    this.#caseInsensitive = caseInsensitive
    this.#root = { ...this.#facts(0o755), kind: 'directory', entries: new Map() }
    this.#root.links = 2
  }

  /** What is at `path`; `follow` tells whether a symlink at its end is followed. */
  find(path: string, follow: boolean, failed: Failure): Place & { readonly inode: Inode } {
    const place = this.locate(withFinalDot(path), failed, follow)
    if (place.inode === undefined) throw failed('ENOENT')
    return { ...place, inode: place.inode }
  }

  createFile(place: Place, mode: number, failed: Failure): FileInode {
    const bytes = new Uint8Array(0)
    return this.#create(place, { ...this.#facts(mode), kind: 'file', bytes, size: 0 }, failed)
  }

  createDirectory(place: Place, mode: number, failed: Failure): void {
    const inode = this.#facts(mode)
    this.#create(place, { ...inode, links: 1, kind: 'directory', entries: new Map() }, failed)
  }

  createSymlink(place: Place, target: string, failed: Failure): void {
    this.#create(place, { ...this.#facts(0o777), kind: 'symlink', target }, failed)
  }

  link(place: Place, inode: Inode, failed: Failure): void {
    this.#take(recordBytes, failed)
    this.#attach(place, inode)
  }

  remove(place: Place, inode: Inode): void {
    this.#detach(place, inode)
    this.usedBytes -= recordBytes
    if (inode.kind === 'directory') inode.links = 0
    this.release(inode)
  }

  /** Moves the entry; what is at `to` must be fit to be replaced. */
  move(from: Place, inode: Inode, to: Place): void {
    if (to.inode !== undefined && to.inode !== inode) this.remove(to, to.inode)
    this.#detach(from, inode)
    this.#attach(to, inode)
  }

  /** Frees the inode once neither a name nor a descriptor holds it. */
  release(inode: Inode): void {
    if (inode.links > 0 || inode.descriptors > 0) return
    this.usedBytes -= recordBytes + sizeOf(inode)
  }

  /** Whether `to` names the entry at `from` in another spelling than it has on disk. */
  respells(from: Place, to: Place): boolean {
    const key = this.#keyOf(to.name)
    if (from.parent !== to.parent || this.#keyOf(from.name) !== key) return false
    return to.parent.entries.get(key)?.name !== to.name
  }

  /** The path as spelled on disk. */
  spell(place: Place): string {
    const names = place.trail.map((entry) => entry.name)
    const entry = place.parent.entries.get(this.#keyOf(place.name))
    return `/${(entry === undefined ? names : [...names, entry.name]).join('/')}`
  }

  write(file: FileInode, source: Uint8Array, position: number, failed: Failure): number {
    if (source.byteLength === 0) return 0
    const room = Math.min(file.size + this.#availableBytes(), maximumFileBytes) - position
    if (room <= 0) throw failed(position >= maximumFileBytes ? 'EFBIG' : 'ENOSPC')
    const part = source.subarray(0, room)
    const end = position + part.byteLength
    if (end > file.size) this.resize(file, end, failed)
    file.bytes.set(part, position)
    file.modifiedMicros = this.#nowMicros()
    return part.byteLength
  }

  resize(file: FileInode, size: number, failed: Failure): void {
    if (size > maximumFileBytes) throw failed('EFBIG')
    this.#take(size - file.size, failed)
    if (size > file.bytes.byteLength) {
      const grown = new Uint8Array(Math.max(size, file.bytes.byteLength * 2))
      grown.set(file.bytes)
      file.bytes = grown
    }
    file.bytes.fill(0, size, Math.max(size, file.size))
    file.size = size
    file.modifiedMicros = this.#nowMicros()
  }

  /**
   * The entry that `path` names, for calls that create, move or delete it: the end is not followed,
   * not even before a trailing slash.
   */
  locate(path: string, failed: Failure, follow = false): Place {
    if (path.includes('\0')) throw failed('EINVAL')
    if (path === '') throw failed('ENOENT')
    if (!path.startsWith('/')) throw failed('EINVAL')
    if (Buffer.byteLength(path) >= maximumPathBytes) throw failed('ENAMETOOLONG')
    // Through UTF-8 and back: a disk stores a lone surrogate as U+FFFD.
    let pending = componentsOf(Buffer.from(path).toString()).reverse()
    const trail: Entry<DirectoryInode>[] = []
    let symlinks = 0
    for (;;) {
      const parent = trail.at(-1)?.inode ?? this.#root
      const name = pending.pop()
      if (name === undefined) return { trail, parent, name: '.', inode: parent }
      if (name === '.') continue
      if (name === '..') {
        trail.pop()
        continue
      }
      if (Buffer.byteLength(name) > maximumComponentBytes) throw failed('ENAMETOOLONG')
      const entry = parent.entries.get(this.#keyOf(name))
      const inode = entry?.inode
      const last = pending.length === 0
      if (inode?.kind === 'symlink' && (follow || !last)) {
        symlinks += 1
        if (symlinks > maximumSymlinks) throw failed('ELOOP')
        if (inode.target.startsWith('/')) trail.length = 0
        pending = [...pending, ...componentsOf(withFinalDot(inode.target)).reverse()]
        continue
      }
      if (last) return { trail, parent, name, inode }
      if (entry === undefined || inode === undefined) throw failed('ENOENT')
      if (inode.kind !== 'directory') throw failed('ENOTDIR')
      trail.push({ name: entry.name, inode })
    }
  }

  #create<T extends Inode>(place: Place, inode: T, failed: Failure): T {
    this.#take(2 * recordBytes + sizeOf(inode), failed)
    this.#attach(place, inode)
    return inode
  }

  #attach({ parent, name }: Place, inode: Inode): void {
    parent.entries.set(this.#keyOf(name), { name, inode })
    parent.modifiedMicros = this.#nowMicros()
    inode.links += 1
    if (inode.kind === 'directory') parent.links += 1
  }

  #detach({ parent, name }: Place, inode: Inode): void {
    parent.entries.delete(this.#keyOf(name))
    parent.modifiedMicros = this.#nowMicros()
    inode.links -= 1
    if (inode.kind === 'directory') parent.links -= 1
  }

  #facts(mode: number): Facts {
    this.#lastNumber += 1
    return {
      number: this.#lastNumber,
      mode: mode & 0o7777,
      modifiedMicros: this.#nowMicros(),
      links: 0,
      descriptors: 0,
    }
  }

  #availableBytes(): number {
    if (this.capacityBytes === undefined) return Number.POSITIVE_INFINITY
    return Math.max(this.capacityBytes - this.usedBytes, 0)
  }

  #take(bytes: number, failed: Failure): void {
    if (bytes > this.#availableBytes()) throw failed('ENOSPC')
    this.usedBytes += bytes
  }

  #keyOf(name: string): string {
    // Upper case folds what lower case keeps apart (ß and ss, ς and σ), as full case folding does.
    return this.#caseInsensitive ? name.normalize('NFD').toUpperCase().normalize('NFD') : name
  }

  #nowMicros(): number {
    return Math.round(this.#now() * 1000)
  }
}
