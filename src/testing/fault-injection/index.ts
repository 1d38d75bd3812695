/** A file system of which chosen calls go wrong, around any other. */
export type { Fault, FileSystemOperation, Mishap, SeenCall } from './fault.js'
export {
  FaultInjectingFileSystem,
  type FaultInjectingOptions,
} from './fault-injecting-file-system.js'
