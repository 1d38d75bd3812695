/** The file-system port, its Node and in-memory implementations, and protocols over it. */
export { BothForms } from './both-forms.js'
export type {
  DirectoryEntry,
  FileDescriptor,
  FileKind,
  FileOperations,
  FileStatus,
  FileSystem,
  OpenPurpose,
  Space,
} from './file-system.js'
export { MemoryFileSystem, type MemoryFileSystemOptions } from './memory-file-system.js'
export { NodeFileSystem } from './node-file-system.js'
export {
  foreign,
  type InlinePolicy,
  io,
  operationNames,
  operationsOnDescriptors,
  pause,
  runSteps,
  runStepsBlocking,
  type Settled,
  type Step,
  type Steps,
  type StepTimer,
  settleAll,
  unlessMissing,
} from './steps.js'
