/**
 * Replacing a file as a whole.
 *
 * A writer prepares the new content first (`stage`) and shows it afterwards (`publish`), so that a
 * batch can prepare many files side by side and show them together. Until `publish` returns, readers
 * see the old file. Syncing the target's directory is the caller's, once for a batch.
 */
import type { Steps } from '../file-system/index.js'

/** Where a writer prepares files; on the file system of the targets. */
export interface StagingArea {
  /** A path in the staging directory that was never used before. */
  nextPath(): string
  /** Whether a successor took the directory away, and with it our power to make anything visible. */
  isRevoked(): boolean
}

export interface Replacement {
  /** Absolute; its directory exists. */
  readonly target: string
  readonly bytes: Uint8Array
  /** Permission bits of the file. */
  readonly mode: number
  readonly modifiedMicros: number
  /** Whether the content must be on stable storage before it is shown. */
  readonly durable: boolean
}

export interface StagedFile {
  readonly replacement: Replacement
  /** Where the content waits; undefined when the writer prepares nothing. */
  readonly path: string | undefined
}

export interface AtomicWriter {
  readonly name: string
  readonly supports: {
    /** Once the staging area is gone, nothing more becomes visible. */
    readonly fencing: boolean
  }
  /** Fails with the old file untouched and nothing left behind. */
  stage(replacement: Replacement, area: StagingArea): Steps<StagedFile>
  /** Fails with the old file untouched; the staged one is then the caller's to discard. */
  publish(staged: StagedFile): Steps<void>
  /** Removes what was staged. Never fails: what is left is swept when a store is next opened. */
  discard(staged: StagedFile): Steps<void>
}
