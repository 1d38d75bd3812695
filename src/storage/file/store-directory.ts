/** Creating and recognising a store on a directory. */
import { createHash } from 'node:crypto'
import type { Clock } from '../../clock/index.js'
import { FileSystemError, isFileSystemError, StateStoreError } from '../../errors/index.js'
import {
  ensureDirectory,
  GenerationCeiling,
  GenerationDirectory,
  numberName,
  syncDirectoryBlocking,
} from '../../file-lock/index.js'
import type { FileOperations } from '../../file-system/index.js'
import { type DomainLayout, domainLayoutOf, internalsName, type Layout } from './layout.js'

export const formatVersion = 1
export const storeMode = 'direct'

interface Stamp {
  readonly format: number
  readonly mode: string
}

const stampText = (stamp: Stamp): string => {
  const facts = { holdfast: 'store', ...stamp }
  const checksum = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16)
  return `${JSON.stringify({ ...facts, checksum }, null, 2)}\n`
}

function readText(fs: FileOperations, path: string): string | undefined {
  try {
    return Buffer.from(fs.readFile(path)).toString('utf8')
  } catch (error) {
    if (isFileSystemError(error, 'NotFound')) return undefined
    throw error
  }
}

function parseStamp(text: string | undefined): Stamp | undefined {
  if (text === undefined) return undefined
  try {
    const { format, mode } = JSON.parse(text) as Partial<Stamp>
    if (typeof format !== 'number' || typeof mode !== 'string') return undefined
    return stampText({ format, mode }) === text ? { format, mode } : undefined
  } catch {
    return undefined
  }
}

/** Writes a small file whole, durably; an existing one is replaced. */
function writeDurably(fs: FileOperations, path: string, text: string, draft: string): void {
  const bytes = Buffer.from(text)
  const file = fs.open(draft, 'create')
  try {
    try {
      let written = 0
      while (written < bytes.byteLength) {
        const count = fs.write(file, bytes, written, bytes.byteLength - written, written)
        if (count <= 0) throw new FileSystemError('ENOSPC', 'write', draft)
        written += count
      }
      fs.sync(file)
    } finally {
      fs.close(file)
    }
    fs.rename(draft, path)
  } catch (error) {
    removeDraft(fs, draft)
    throw error
  }
}

/** Nothing else would: drafts of a store that is not open yet have no staging directory. */
function removeDraft(fs: FileOperations, draft: string): void {
  try {
    fs.unlink(draft)
  } catch (error) {
    if (!isFileSystemError(error)) throw error
  }
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'

/** Creates the directory and its missing parents, durably. */
function ensureRoot(fs: FileOperations, root: string): void {
  const missing: string[] = []
  for (let path = root; path !== '' && fs.status(path) === undefined; ) {
    missing.push(path)
    path = path.slice(0, path.lastIndexOf('/'))
  }
  for (const path of missing.reverse()) {
    ensureDirectory(fs, path)
    syncDirectoryBlocking(fs, parentOf(path))
  }
  if (missing.length === 0) syncForeignDirectory(fs, parentOf(root))
}

/**
 * Syncs the directory around a store that was there already, for its maker may have died before that.
 * It is not ours: it may be one that we cannot read, or that cannot be synced.
 */
function syncForeignDirectory(fs: FileOperations, path: string): void {
  try {
    syncDirectoryBlocking(fs, path)
  } catch (error) {
    const unfit = ['Invalid', 'NotSupported', 'PermissionDenied', 'ReadOnlyFileSystem'] as const
    if (!isFileSystemError(error, ...unfit)) throw error
  }
}

/**
 * Refuses a store that this version, in this mode, must not write. Returns undefined for a directory
 * that is no store yet.
 */
export function checkStamp(fs: FileOperations, layout: Layout): Stamp | undefined {
  const texts = [readText(fs, layout.stamp), readText(fs, layout.stampCopy)]
  if (texts.every((text) => text === undefined)) return undefined
  const stamp = parseStamp(texts[0]) ?? parseStamp(texts[1])
  if (stamp === undefined) {
    throw new StateStoreError({
      code: 'STATE_CORRUPT',
      message: `Both stamps of the store are damaged: ${layout.stamp}`,
      operation: 'open',
      path: layout.stamp,
      hint: 'The documents are untouched. Open with { readOnly: true }, or move .holdfast aside.',
    })
  }
  return stamp
}

export function refuseForeignStamp(stamp: Stamp, layout: Layout): void {
  if (stamp.format === formatVersion && stamp.mode === storeMode) return
  throw new StateStoreError({
    code: 'STATE_FORMAT_MISMATCH',
    message: `The store has format ${stamp.format}, mode ${stamp.mode}; this version writes format ${formatVersion}, mode ${storeMode}`,
    operation: 'open',
    path: layout.stamp,
    hint: 'Use the version of holdfast that wrote it, or open with { readOnly: true }.',
    details: { ...stamp },
  })
}

/** A symlink in place of `.holdfast` would have us write outside the root. */
function refuseForeignInternals(fs: FileOperations, layout: Layout): void {
  const kind = fs.status(layout.internals)?.kind
  if (kind === undefined || kind === 'directory') return
  throw new StateStoreError({
    code: 'STATE_PATH_ESCAPE',
    message: `${layout.internals} is a ${kind}, not a directory`,
    operation: 'open',
    path: layout.internals,
  })
}

export interface StoreDirectory {
  readonly domain: DomainLayout
  readonly ceiling: GenerationCeiling
  /** The directory is a copy, or was moved to another file system. */
  readonly newIdentity: boolean
}

/** Opens the directory for writing, creating what is missing. Blocks; durable when it returns. */
export function openStoreDirectory(
  fs: FileOperations,
  layout: Layout,
  clock: Clock,
  bootId: string | undefined,
): StoreDirectory {
  ensureRoot(fs, layout.root)
  refuseForeignInternals(fs, layout)
  const stamp = checkStamp(fs, layout)
  if (stamp === undefined) createInternals(fs, layout, clock)
  else {
    refuseForeignStamp(stamp, layout)
    repairStamps(fs, layout, stamp, clock)
  }
  for (const path of [layout.intents, layout.backups, layout.quarantine, layout.domains]) {
    ensureDirectory(fs, path)
  }
  // Also what was there before: whoever made it may have died without syncing it.
  syncDirectoryBlocking(fs, layout.internals)
  syncDirectoryBlocking(fs, layout.root)
  return openDomain(fs, layout, clock, bootId)
}

function createInternals(fs: FileOperations, layout: Layout, clock: Clock): void {
  const adopted = fs.readDirectory(layout.root).some(({ name }) => name !== internalsName)
  ensureDirectory(fs, layout.internals)
  ensureDirectory(fs, `${layout.internals}/ceilings`)
  if (adopted) {
    // There may be documents whose internals were deleted. Revisions must not repeat, so numbering
    // starts above any number that could have been used: far fewer than one a millisecond are.
    const start = Math.floor(clock.now())
    const path = `${layout.internals}/ceilings/${numberName(start)}`
    if (fs.status(path) === undefined) fs.close(fs.open(path, 'create'))
    syncDirectoryBlocking(fs, `${layout.internals}/ceilings`)
  }
  const draft = (): string => `${layout.internals}/draft-${clock.randomId(8)}`
  writeDurably(fs, layout.gitignore, '*\n', draft())
  writeDurably(fs, layout.stampCopy, stampText({ format: formatVersion, mode: storeMode }), draft())
  writeDurably(fs, layout.stamp, stampText({ format: formatVersion, mode: storeMode }), draft())
  syncDirectoryBlocking(fs, layout.internals)
  syncDirectoryBlocking(fs, layout.root)
}

function repairStamps(fs: FileOperations, layout: Layout, stamp: Stamp, clock: Clock): void {
  for (const path of [layout.stamp, layout.stampCopy]) {
    if (parseStamp(readText(fs, path)) !== undefined) continue
    writeDurably(fs, path, stampText(stamp), `${layout.internals}/draft-${clock.randomId(8)}`)
  }
}

function openDomain(
  fs: FileOperations,
  layout: Layout,
  clock: Clock,
  bootId: string | undefined,
): StoreDirectory {
  const inode = fs.status(layout.internals)?.inode ?? '0'
  const domain = domainLayoutOf(layout, inode)
  const others = fs.readDirectory(layout.domains).filter(({ name }) => name !== inode)
  const known = fs.status(domain.domain) !== undefined
  for (const path of [domain.domain, domain.names, domain.writers]) ensureDirectory(fs, path)
  const ceiling = new GenerationCeiling(fs, layout.internals, domain.domain, bootId)
  const write = new GenerationDirectory(fs, domain.write, ceiling)
  write.initialise(`${domain.domain}/draft-${clock.randomId(8)}`)
  // Leases and writers of the original mean nothing in a copy.
  for (const { name } of others) removeTree(fs, `${layout.domains}/${name}`)
  return { domain, ceiling, newIdentity: !known && others.length > 0 }
}

function removeTree(fs: FileOperations, path: string): void {
  try {
    for (const { name, kind } of fs.readDirectory(path)) {
      if (kind === 'directory') removeTree(fs, `${path}/${name}`)
      else fs.unlink(`${path}/${name}`)
    }
    fs.removeDirectory(path)
  } catch (error) {
    // Somebody else who opened the copy is doing the same.
    if (!isFileSystemError(error, 'NotFound', 'NotEmpty')) throw error
  }
}
