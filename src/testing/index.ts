/**
 * For tests: the conformance suite of the storage port; file systems in memory, with faults, and with power
 * cuts; a check of histories for linearizability; a clock by hand.
 */
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
export {
  type Fault,
  FaultInjectingFileSystem,
  type FaultInjectingOptions,
  type FileSystemOperation,
  type Mishap,
  type SeenCall,
} from './fault-injection/index.js'
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
