/** For tests: the conformance suite of the storage port, a linearizability checker, a file system in memory, a clock by hand. */
export { MemoryFileSystem, type MemoryFileSystemOptions } from '../file-system/index.js'
export {
  type ConformanceRunner,
  type ConformanceSubject,
  type ConformanceSummary,
  describeStorageConformance,
  type StorageSubject,
} from './conformance/index.js'
export {
  type Counterexample,
  checkLinearizability,
  type History,
  type LinearizabilityOptions,
  type LinearizabilityReport,
  type Operation,
  type SequentialModel,
} from './linearizability/index.js'
export { ManualClock, type ManualClockOptions } from './manual-clock.js'
