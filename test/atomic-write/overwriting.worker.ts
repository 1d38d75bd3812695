/** Replaces a good document by a larger one where there is no room for it. */
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { writeFileAtomicWriter } from '../../src/atomic-write/write-file-atomic/index.js'
import { isStateStoreError } from '../../src/errors/index.js'
import { openStateStore } from '../../src/store/index.js'

export interface OverwritingArguments {
  readonly directory: string
  readonly writer: 'staged' | 'write-file-atomic'
  readonly form: 'promised' | 'blocking'
  readonly length: number
  /** As if no file could grow beyond this. */
  readonly mostBytes?: number
}

type Write = typeof import('node:fs').write

/** What a file-size limit does, for a system where none can be set. */
function limitWrites(mostBytes: number): void {
  const fs = createRequire(import.meta.url)('node:fs') as typeof import('node:fs')
  const { write, writeSync } = fs
  const full = (): Error => Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
  const room = (length: number, position: number): number =>
    Math.max(0, Math.min(length, mostBytes - position))
  const shortWrite = (
    file: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, written?: number) => void,
  ): void => {
    const fits = room(length, position)
    if (fits === 0 && length > 0) done(full())
    else write(file, bytes, offset, fits, position, done)
  }
  fs.write = shortWrite as unknown as Write
  const shortWriteSync = (
    file: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number => {
    const fits = room(length, position)
    if (fits === 0 && length > 0) throw full()
    return writeSync(file, bytes, offset, fits, position)
  }
  fs.writeSync = shortWriteSync as unknown as typeof fs.writeSync
  syncBuiltinESMExports()
}

const args = JSON.parse(process.argv[2] ?? '{}') as OverwritingArguments
// Node ignores this signal; signal-exit, which write-file-atomic loads, would end the process on it
// unless somebody else listens as well.
process.on('SIGXFSZ', () => {})
if (args.mostBytes !== undefined) limitWrites(args.mostBytes)

const store = await openStateStore(args.directory, {
  backups: false,
  ...(args.writer === 'staged' ? {} : { writer: writeFileAtomicWriter() }),
})
const documents = store.collection<string>('docs')
const value = 'n'.repeat(args.length)
let outcome: object
try {
  if (args.form === 'promised') await documents.set('a', value)
  else documents.setSync('a', value)
  outcome = { ok: true }
} catch (error) {
  if (!isStateStoreError(error)) throw error
  const { code, commitState, details } = error
  outcome = { ok: false, code, commitState, reason: details.reason }
}
process.stdout.write(JSON.stringify(outcome))
