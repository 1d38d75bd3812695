/** Locks among processes: generation files, who is alive, and the lock port. */
export type { FileLock, LockContext, Turn } from './file-lock.js'
export {
  ensureDirectory,
  GenerationCeiling,
  numberName,
  parseNumberName,
  syncDirectoryBlocking,
} from './generation-ceiling.js'
export {
  GenerationDirectory,
  type GenerationRecord,
  type GenerationState,
  type OwnGeneration,
} from './generation-directory.js'
export { GenerationLock, type GenerationLockOptions } from './generation-lock.js'
export { type GenerationOwner, isIncarnation, parseOwner } from './generation-owner.js'
export {
  type Liveness,
  type ProcessIdentity,
  type ProcessTable,
  processTable,
} from './process-identity.js'
export { SilenceObserver } from './silence.js'
