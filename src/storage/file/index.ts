/** FileStorage: documents and leases as readable files in one directory. */
export { FileStorage } from './file-storage.js'
export {
  type FileLockFactory,
  type FileLockOptions,
  type FileStorageOptions,
  generationLock,
} from './file-storage-options.js'
