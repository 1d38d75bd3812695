/** For tests: the conformance suite of the storage port, a file system in memory, a clock by hand. */
export { MemoryFileSystem, type MemoryFileSystemOptions } from '../file-system/index.js'
export {
  type ConformanceRunner,
  type ConformanceSubject,
  type ConformanceSummary,
  describeStorageConformance,
  type StorageSubject,
} from './conformance/index.js'
export {
  CrashSimulatingFileSystem,
  type CrashSimulatingFileSystemOptions,
  type CrashState,
  type CrashStatesOptions,
  type DataRule,
  type DirectoryRule,
  type DiskChange,
} from './crash-simulating-file-system/index.js'
export { ManualClock, type ManualClockOptions } from './manual-clock.js'
