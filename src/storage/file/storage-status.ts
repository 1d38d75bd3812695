/** How a store on files is: whether it can be written to, and how much there is, told by listings alone. */
import { FileSystemError, isFileSystemError, isStateStoreError } from '../../errors/index.js'
import {
  type FileSystem,
  io,
  runSteps,
  type Space,
  type Steps,
  type StepTimer,
} from '../../file-system/index.js'
import type { LogStatus } from '../log.js'
import type { StorageStatus } from '../storage.js'
import type { DocumentFiles } from './document-files.js'
import { inlinePolicy } from './file-storage-options.js'
import { decodeKey } from './key-encoding.js'
import type { Layout } from './layout.js'

export interface StatusContext {
  readonly fileSystem: FileSystem
  readonly timer: StepTimer
  readonly layout: Layout
  readonly files: DocumentFiles
  /**
   * A new path in the staging directory of this store, registered anew if it was revoked. What is left
   * there is swept with it. Undefined when the store is read-only.
   */
  readonly draftPath: (() => string) | undefined
}

/** More than file systems keep in an inode, so that it takes a block of its own. */
const probeBytes = 4096
/** Directories that are listed at once. */
const listingWidth = 16

export async function statusOf(
  context: StatusContext,
  logs: readonly LogStatus[],
): Promise<StorageStatus> {
  const { fileSystem, layout } = context
  const exists = (await fileSystem.status(layout.root)) !== undefined
  return {
    location: layout.root,
    exists,
    ...(await tryWriting(context)),
    ...(await spaceOf(fileSystem, layout.root)),
    documents: await countDocuments(context),
    backups: await countBackups(context),
    quarantined: await countFilesIn(fileSystem, await foldersIn(fileSystem, layout.quarantine)),
    logs: logs.length,
    logBytes: logs.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

async function tryWriting({
  draftPath,
  fileSystem,
  timer,
}: StatusContext): Promise<Pick<StorageStatus, 'writable' | 'reason' | 'error'>> {
  if (draftPath === undefined) return { writable: false, reason: 'It was opened read-only' }
  try {
    await runSteps(fileSystem, timer, probe(draftPath()), inlinePolicy)
    return { writable: true }
  } catch (error) {
    if (!isStateStoreError(error)) throw error
    return { writable: false, reason: error.message, error }
  }
}

/** Creates, fills, syncs and removes a file. */
function* probe(path: string): Steps<void> {
  // Not zeros: those take no space where holes are left or contents compressed.
  const bytes = Buffer.alloc(probeBytes, path)
  const file = yield* io.open(path, 'create')
  let failure: { readonly error: unknown } | undefined
  try {
    for (let done = 0; done < probeBytes; ) {
      const count = yield* io.write(file, bytes, done, probeBytes - done, done)
      if (count <= 0) throw new FileSystemError('ENOSPC', 'write', path)
      done += count
    }
    yield* io.sync(file)
  } catch (error) {
    failure = { error }
  }
  // What fails first is what is to be told.
  for (const cleaning of [io.close(file), io.unlink(path)]) {
    try {
      yield* cleaning
    } catch (error) {
      failure ??= { error }
    }
  }
  if (failure !== undefined) throw failure.error
}

/** Nothing where the file system does not tell, or there is nothing any more. */
async function spaceOf(fileSystem: FileSystem, path: string): Promise<Partial<Space>> {
  try {
    return (await fileSystem.spaceOf(path)) ?? {}
  } catch (error) {
    if (isFileSystemError(error)) return {}
    throw error
  }
}

type Entries = Awaited<ReturnType<FileSystem['readDirectory']>>

async function entriesOf(fileSystem: FileSystem, directory: string): Promise<Entries> {
  try {
    return await fileSystem.readDirectory(directory)
  } catch (error) {
    if (isFileSystemError(error, 'NotFound', 'NotADirectory', 'TooManySymlinks')) return []
    throw error
  }
}

const foldersIn = async (fileSystem: FileSystem, directory: string): Promise<string[]> =>
  (await entriesOf(fileSystem, directory))
    .filter(({ kind }) => kind === 'directory')
    .map(({ name }) => `${directory}/${name}`)

/** What `count` makes of the entries of each directory, summed up. */
async function sumOver(
  fileSystem: FileSystem,
  directories: readonly string[],
  count: (entries: Entries, directory: string) => number,
): Promise<number> {
  let sum = 0
  for (let from = 0; from < directories.length; from += listingWidth) {
    const some = directories.slice(from, from + listingWidth)
    const counted = some.map(async (each) => count(await entriesOf(fileSystem, each), each))
    for (const number of await Promise.all(counted)) sum += number
  }
  return sum
}

const countFilesIn = (fileSystem: FileSystem, directories: readonly string[]): Promise<number> =>
  sumOver(fileSystem, directories, (entries) => {
    return entries.filter(({ kind }) => kind !== 'directory').length
  })

/** `backups/<collection>/<document>/<backup>` */
async function countBackups({ fileSystem, layout }: StatusContext): Promise<number> {
  let sum = 0
  for (const collection of await foldersIn(fileSystem, layout.backups)) {
    sum += await countFilesIn(fileSystem, await foldersIn(fileSystem, collection))
  }
  return sum
}

/** Those that listings show: by the rules of KeyListing, which reads the files of hashed names besides. */
async function countDocuments({ fileSystem, files, layout }: StatusContext): Promise<number> {
  const directories = (await entriesOf(fileSystem, layout.root))
    .filter(({ kind, name }) => (kind === 'directory' || kind === 'symlink') && name[0] !== '.')
    .map(({ name }) => `${layout.root}/${name}`)
  return sumOver(fileSystem, directories, (entries, directory) => {
    const collection = decodeKey(directory.slice(layout.root.length + 1))
    const keys = new Set<string>()
    for (const { kind, name } of entries) {
      if (kind === 'directory' || name.startsWith('.')) continue
      const dot = name.lastIndexOf('.')
      const extension = name.slice(dot + 1)
      const serializer =
        collection === undefined ? files.serializerFor(extension) : files.serializerOf(collection)
      if (dot < 0 || serializer?.extension !== extension) continue
      const stem = name.slice(0, dot)
      // One that was named by hand may stand beside the one of ours: they are one document.
      keys.add(decodeKey(stem) ?? stem)
    }
    return keys.size
  })
}
