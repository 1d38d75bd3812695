import type { BenchDocument } from '../documents.js'

/**
 * What is on stable storage when a write is acknowledged:
 * - `yes`: the content and, where a rename made it visible, the directory entry;
 * - `file only`: the content, but a power cut may bring back the file's previous version;
 * - `no`: nothing is synced before the acknowledgement.
 */
export type Durability = 'yes' | 'file only' | 'no'

/** A contender at work in a directory of its own. */
export interface Session {
  /** Resolves when the contender acknowledges the write; to the commit's name, where it has one. */
  set(key: string, document: BenchDocument): Promise<string | undefined>
  get(key: string): Promise<unknown>
  close(): Promise<void>
}

export interface Contender {
  readonly name: string
  /** Ours: a wrong result of it fails the run, a wrong result of a peer is reported. */
  readonly own?: boolean
  /**
   * For native modules, whose system calls the durability probe cannot see: what their settings
   * promise. All others are probed.
   */
  readonly declaredDurability?: Durability
  open(directory: string): Promise<Session>
}

export const names = {
  raw: 'raw loop (fs/promises)',
  rawCallbacks: 'raw loop (fs callbacks)',
  holdfast: 'holdfast',
  holdfastNoBackups: 'holdfast, backups: false',
  holdfastProcess: "holdfast, 'process'",
  writeFileAtomic: 'write-file-atomic',
} as const
