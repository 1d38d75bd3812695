/** holdfast: readable files with database guarantees. */

export type { AtomicWriter, Replacement, StagedFile, StagingArea } from './atomic-write/index.js'
export type { Clock } from './clock/index.js'
export type {
  Counters,
  CounterWindow,
  CounterWriteOptions,
  IncrementOptions,
  WindowKind,
  WindowOptions,
  WindowQuery,
} from './counter/index.js'
export {
  type CommitState,
  type FileSystemReason,
  isFileSystemError,
  isStateStoreError,
  StateStoreError,
  type StateStoreErrorCode,
} from './errors/index.js'
export type { FileLock, LockContext, ProcessTable, Turn } from './file-lock/index.js'
export { type FileSystem, NodeFileSystem } from './file-system/index.js'
export type {
  Alert,
  AlertKind,
  CheckOptions,
  ComponentHealth,
  Health,
  HealthChange,
  HealthCheck,
  HealthSpan,
  HealthStatus,
  HealthSummary,
  HealthTransition,
  OperationMetrics,
  RecordedHealth,
  RecordOptions,
  StatusLineOptions,
  TransitionsQuery,
  Uptime,
  UptimeQuery,
} from './health/index.js'
export type { Lock, LockOptions } from './lock/index.js'
export {
  type AppendOptions,
  type AppendReceipt,
  type BlockingAppendOptions,
  type EventOptions,
  type FollowOptions,
  Log,
  type LogEvent,
  type LogEvents,
  type LogFilter,
  type LogOptions,
  type LogTime,
  type NewEvent,
} from './log/index.js'
export type { Schema } from './schema/index.js'
export { type JsonOptions, jsonSerializer, type Serializer } from './serializer/index.js'
export {
  type FileLockFactory,
  FileStorage,
  type FileStorageOptions,
  generationLock,
} from './storage/file/index.js'
export type {
  BackupStatus,
  Durability,
  LeaseClaim,
  LeaseStatus,
  LogDamage,
  LogStatus,
  OpenReport,
  Storage,
  StorageStatus,
  StoredDocument,
  VerifyFinding,
  VerifyReport,
} from './storage/index.js'
export { compareRevisions, type Revision } from './storage/index.js'
export * from './store/index.js'
