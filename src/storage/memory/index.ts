/** MemoryStorage: documents, logs and leases in this process, for tests. */
export { MemoryStorage, type MemoryStorageOptions } from './memory-storage.js'
