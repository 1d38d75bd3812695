/**
 * The alternative writer, on the package `write-file-atomic`. An entry of its own, so that the core
 * does not load the package.
 */
import writeFileAtomic from 'write-file-atomic'
import { toFileSystemError } from '../../errors/index.js'
import { foreign, type Steps } from '../../file-system/index.js'
import type { AtomicWriter, Replacement, StagedFile } from '../atomic-writer.js'

/**
 * Writes through `write-file-atomic` on the real file system, whatever the store's own.
 *
 * Weaker than the default, hence `supports.fencing: false`: its temporary file stands beside the
 * target, so a writer that was superseded can still replace it; and version 7 ignores how many bytes
 * a write took, so on a full disk it can put a truncated file over the good one and report success
 * (docs/adr/0002-atomic-writer.md, shown by test/atomic-write/write-file-atomic.test.ts). The
 * modification time is left to the package, so damage cannot be told from an edit.
 */
export function writeFileAtomicWriter(): AtomicWriter {
  return {
    name: 'write-file-atomic',
    supports: { fencing: false },
    // biome-ignore lint/correctness/useYield: there is nothing to prepare
    *stage(replacement: Replacement): Steps<StagedFile> {
      return { replacement, path: undefined }
    },
    *publish({ replacement }: StagedFile): Steps<void> {
      const { target, bytes, mode, durable } = replacement
      const data = Buffer.from(bytes)
      const options = { mode, fsync: durable }
      try {
        yield* foreign({
          promised: () => writeFileAtomic(target, data, options),
          blocking: () => writeFileAtomic.sync(target, data, options),
        })
      } catch (error) {
        throw toFileSystemError(error, 'writeFileAtomic', target)
      }
    },
    *discard(): Steps<void> {},
  }
}
