/**
 * The alternative lock, on the package `proper-lockfile`. An entry of its own, so that the core does
 * not load the package.
 */
import type { FileSystem } from '../../file-system/index.js'
import type { GenerationCeiling } from '../generation-ceiling.js'
import { ProperLockfileLock } from './proper-lockfile-lock.js'

interface ProperLockfileFactory {
  readonly name: string
  readonly supports: { readonly fencing: boolean }
  create(options: {
    readonly fileSystem: FileSystem
    readonly directory: string
    readonly ceiling: GenerationCeiling
    readonly ttlMs: number
  }): ProperLockfileLock
}

/**
 * Locks the store through `proper-lockfile`, for those who must share it with programs that do.
 *
 * Weaker than the default, hence `supports.fencing: false`: it judges a holder by modification times,
 * lets two contenders take over one stale lock at once (6 of 200 rounds with two of them, 85 of 200
 * with eight), and a holder that was suspended past its TTL writes on when it wakes
 * (docs/adr/0001-write-lease.md). Named locks are not affected by this choice.
 */
export function properLockfileLock(): ProperLockfileFactory {
  return {
    name: 'proper-lockfile',
    supports: { fencing: false },
    create: ({ fileSystem, ...options }) =>
      new ProperLockfileLock({ ...options, fs: fileSystem.blocking }),
  }
}
