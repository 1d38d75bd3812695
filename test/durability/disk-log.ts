import type { FileKind, FileOperations } from '../../src/file-system/index.js'
import { type Call, watched } from '../faults/operations.js'

/** A change of what is on a disk, or a request to make changes stable. Nodes are inode numbers. */
export type DiskEvent =
  | { readonly kind: 'node'; readonly node: string; readonly type: FileKind; readonly mode: number }
  /** A name in a directory, now of `node`; of nothing when undefined. */
  | {
      readonly kind: 'entry'
      readonly directory: string
      readonly name: string
      readonly path: string
      readonly node: string | undefined
      /** Both halves of a rename have the same number. */
      readonly change: number
    }
  | {
      readonly kind: 'data'
      readonly node: string
      readonly position: number
      readonly bytes: Uint8Array
    }
  | { readonly kind: 'size'; readonly node: string; readonly size: number }
  | {
      readonly kind: 'attributes'
      readonly node: string
      readonly mode: number
      readonly modifiedMicros: number
    }
  | { readonly kind: 'sync'; readonly node: string; readonly path: string }

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Performs operations on a disk and writes down what they changed, in order. */
export class DiskLog {
  readonly events: DiskEvent[] = []
  readonly rootNode: string
  readonly operations: FileOperations
  readonly #fs: FileOperations
  #changes = 0

  constructor(fs: FileOperations) {
    this.#fs = fs
    this.rootNode = this.#nodeAt('/')
    this.operations = watched(fs, (call) => this.#perform(call))
  }

  #perform(call: Call): unknown {
    const { operation, args } = call
    switch (operation) {
      case 'open':
        return this.#open(call, args[1] === 'create')
      case 'write':
        return this.#write(call)
      case 'truncate':
        return this.#then(call, () => {
          const size = args[1] as number
          this.events.push({ kind: 'size', node: this.#nodeOf(args[0]), size })
        })
      case 'setMode':
      case 'setModifiedTime':
        return this.#then(call, () => this.#attributes(args[0] as number))
      case 'sync':
        return this.#then(call, () => {
          this.events.push({ kind: 'sync', node: this.#nodeOf(args[0]), path: call.path })
        })
      case 'makeDirectory':
        return this.#then(call, () => this.#created(String(args[0]), 'directory'))
      case 'rename':
        return this.#rename(call, String(args[0]), String(args[1]))
      case 'link':
        return this.#then(call, () => this.#entry(String(args[1]), this.#nodeAt(String(args[1]))))
      case 'unlink':
      case 'removeDirectory':
        return this.#then(call, () => this.#entry(String(args[0]), undefined))
      default:
        return call.perform()
    }
  }

  #then({ perform }: Call, note: () => void): unknown {
    const result = perform()
    note()
    return result
  }

  #open({ args, perform }: Call, creates: boolean): unknown {
    const file = perform() as number
    if (creates) {
      this.#created(String(args[0]), 'file')
      this.#attributes(file)
    }
    return file
  }

  #created(path: string, type: FileKind): void {
    const { inode, mode } = this.#statusAt(path)
    this.events.push({ kind: 'node', node: inode, type, mode })
    this.#entry(path, inode)
  }

  #write({ args, perform }: Call): unknown {
    const count = perform() as number
    const [file, buffer, offset, , position] = args as [number, Uint8Array, number, number, number]
    const bytes = buffer.slice(offset, offset + count)
    this.events.push({ kind: 'data', node: this.#nodeOf(file), position, bytes })
    this.#attributes(file)
    return count
  }

  #rename({ perform }: Call, from: string, to: string): unknown {
    const node = this.#fs.status(from)?.inode
    const result = perform()
    const change = this.#entry(from, undefined)
    this.#entry(to, node, change)
    return result
  }

  #entry(path: string, node: string | undefined, known?: number): number {
    this.#changes += 1
    const change = known ?? this.#changes
    const directory = this.#nodeAt(parentOf(path))
    this.events.push({ kind: 'entry', directory, name: nameOf(path), path, node, change })
    return change
  }

  #attributes(file: number): void {
    const { inode, mode, modifiedMicros } = this.#fs.statusOf(file)
    this.events.push({ kind: 'attributes', node: inode, mode, modifiedMicros })
  }

  #nodeOf(file: unknown): string {
    return this.#fs.statusOf(file as number).inode
  }

  #nodeAt(path: string): string {
    return this.#statusAt(path).inode
  }

  #statusAt(path: string) {
    const status = this.#fs.status(path)
    if (status === undefined) throw new Error(`There is nothing at ${path}`)
    return status
  }
}
