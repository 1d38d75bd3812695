/** For tests: the conformance suite of the storage port, file systems in memory and with faults, a clock by hand. */
export { MemoryFileSystem, type MemoryFileSystemOptions } from '../file-system/index.js'
export {
  type ConformanceRunner,
  type ConformanceSubject,
  type ConformanceSummary,
  describeStorageConformance,
  type StorageSubject,
} from './conformance/index.js'
export {
  type Fault,
  FaultInjectingFileSystem,
  type FaultInjectingOptions,
  type FileSystemOperation,
  type Mishap,
  type SeenCall,
} from './fault-injection/index.js'
export { ManualClock, type ManualClockOptions } from './manual-clock.js'
