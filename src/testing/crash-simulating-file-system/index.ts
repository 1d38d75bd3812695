/** A file system in memory that knows what a power cut may leave of it. */
export {
  CrashSimulatingFileSystem,
  type CrashSimulatingFileSystemOptions,
  type CrashState,
  type CrashStatesOptions,
} from './crash-simulating-file-system.js'
export type { DiskChange } from './disk-change.js'
export type { DirectoryRule } from './unsynced-directory.js'
export type { DataRule } from './unsynced-file.js'
