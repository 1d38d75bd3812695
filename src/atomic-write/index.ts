/** Replacing files as a whole: the writer port, its default, and the syncing of directories. */
export type { AtomicWriter, Replacement, StagedFile, StagingArea } from './atomic-writer.js'
export { removeStaged, renameWithRetry, stagedWriter, writeFully } from './staged-writer.js'
export { syncDirectory } from './sync-directory.js'
