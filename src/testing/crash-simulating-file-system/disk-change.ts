import type { FileKind } from '../../file-system/index.js'

/** What one call did to a disk, or a request to make changes stable. Nodes are inode numbers. */
export type DiskChange =
  /** A file or directory came to be, without a name as yet. */
  | {
      readonly kind: 'node'
      readonly node: string
      readonly type: FileKind
      readonly mode: number
      readonly modifiedMicros: number
    }
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
      readonly path: string
      readonly position: number
      readonly bytes: Uint8Array
      readonly modifiedMicros: number
    }
  | {
      readonly kind: 'size'
      readonly node: string
      readonly path: string
      readonly size: number
      readonly modifiedMicros: number
    }
  | {
      readonly kind: 'attributes'
      readonly node: string
      readonly path: string
      readonly mode: number
      readonly modifiedMicros: number
    }
  | {
      readonly kind: 'sync'
      readonly node: string
      readonly path: string
      /** It threw EIO. */
      readonly failed: boolean
    }
  /** Everything before is on the disk: time went by. */
  | { readonly kind: 'settled' }

export type EntryChange = Extract<DiskChange, { kind: 'entry' }>
export type FileChange = Extract<DiskChange, { kind: 'data' | 'size' | 'attributes' }>
