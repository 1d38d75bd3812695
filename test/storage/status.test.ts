/** What a store on files tells of itself, beyond what the conformance suite asks of every storage. */
import { FileStorage, type FileStorageOptions } from 'holdfast'
import { MemoryFileSystem } from 'holdfast/testing'
import { expect, it, onTestFinished } from 'vitest'
import { FileSystemError } from '../../src/errors/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'

const directory = '/store'

async function opened(
  fileSystem: MemoryFileSystem,
  options: Partial<FileStorageOptions> = {},
): Promise<FileStorage> {
  const storage = new FileStorage({ directory, fileSystem, ...options })
  await storage.open(() => {})
  onTestFinished(() => storage.close())
  return storage
}

const put = (storage: FileStorage, key: string, collection = 'tasks', value: unknown = key) =>
  storage.commit({ writes: [{ address: { collection, key }, change: { kind: 'put', value } }] })

function writeFile(fileSystem: MemoryFileSystem, path: string, text: string): void {
  const fs = fileSystem.blocking
  const bytes = Buffer.from(text)
  const file = fs.open(path, 'create')
  fs.write(file, bytes, 0, bytes.byteLength, 0)
  fs.close(file)
}

/** Every path below a directory. */
function pathsBelow(fileSystem: MemoryFileSystem, path: string): string[] {
  return fileSystem.blocking.readDirectory(path).flatMap(({ name, kind }) => {
    const entry = `${path}/${name}`
    return kind === 'directory' ? [entry, ...pathsBelow(fileSystem, entry)] : [entry]
  })
}

/** Makes calls of an operation fail where `refuse` gives an errno for the path; returns what ends that. */
function failing(
  fileSystem: MemoryFileSystem,
  operation: 'open' | 'write' | 'sync' | 'unlink' | 'spaceOf' | 'readDirectory',
  refuse: (path: string) => string | undefined,
): () => void {
  const { blocking } = fileSystem
  const promised = fileSystem[operation]
  const original = blocking[operation] as (...args: unknown[]) => unknown
  const call = (...args: unknown[]): unknown => {
    const errno = refuse(String(args[0]))
    if (errno !== undefined) throw new FileSystemError(errno, operation, String(args[0]))
    return original(...args)
  }
  Object.assign(blocking, { [operation]: call })
  Object.assign(fileSystem, { [operation]: async (...args: unknown[]) => call(...args) })
  return () => {
    Object.assign(blocking, { [operation]: original })
    Object.assign(fileSystem, { [operation]: promised })
  }
}

const everyPath = (path: string, errno: string) => (path === '' ? undefined : errno)

it('leaves no file behind, and touches only the directory that is swept', async () => {
  const fileSystem = new MemoryFileSystem()
  const storage = await opened(fileSystem)
  await put(storage, 'a')
  const before = pathsBelow(fileSystem, directory)
  const created: string[] = []
  const { open } = fileSystem.blocking
  Object.assign(fileSystem.blocking, {
    open: (path: string, ...more: ['create']) => {
      created.push(path)
      return open(path, ...more)
    },
  })
  expect(await storage.status()).toMatchObject({ writable: true })
  expect(created).toEqual([expect.stringMatching(/^\/store\/\.holdfast\/domains\/\d+\/writers\//)])
  expect(pathsBelow(fileSystem, directory)).toEqual(before)
})

it('syncs what it writes to see whether it can', async () => {
  const fileSystem = new MemoryFileSystem()
  const storage = await opened(fileSystem)
  failing(fileSystem, 'sync', () => 'EIO')
  const { writable, reason, error } = await storage.status()
  expect({ writable, reason }).toEqual({
    writable: false,
    reason: expect.stringContaining('InputOutput'),
  })
  expect(error).toMatchObject({ code: 'STATE_IO', operation: 'sync' })
})

it.each([
  ['open', 'EACCES', 'PermissionDenied'],
  ['open', 'EROFS', 'ReadOnlyFileSystem'],
  ['write', 'ENOSPC', 'DiskFull'],
  ['unlink', 'EPERM', 'PermissionDenied'],
] as const)('tells why it cannot write: %s fails with %s', async (operation, errno, reason) => {
  const fileSystem = new MemoryFileSystem()
  const storage = await opened(fileSystem)
  const mend = failing(fileSystem, operation, (path) => everyPath(path, errno))
  expect(await storage.status()).toMatchObject({
    exists: true,
    writable: false,
    reason: expect.stringContaining(reason),
    error: { code: 'STATE_IO', details: { errno } },
  })
  mend()
  expect(await storage.status()).toMatchObject({ writable: true })
})

it('tells of a full disk, and leaves nothing on it', async () => {
  const fileSystem = new MemoryFileSystem({ capacityBytes: 1_000_000 })
  const storage = await opened(fileSystem)
  fileSystem.setCapacity(fileSystem.usedBytes + 1024)
  const before = fileSystem.usedBytes
  expect(await storage.status()).toMatchObject({
    writable: false,
    error: { details: { reason: 'DiskFull' } },
    freeBytes: 1024,
    totalBytes: before + 1024,
  })
  expect(fileSystem.usedBytes).toBe(before)
})

it('is not kept from writing by having been revoked', async () => {
  const fileSystem = new MemoryFileSystem()
  const storage = await opened(fileSystem)
  await put(storage, 'a')
  for (const path of pathsBelow(fileSystem, directory)) {
    if (/writers\/[^/]+\/?$/.test(path) && !path.endsWith('.json')) {
      fileSystem.blocking.removeDirectory(path)
    }
  }
  expect(await storage.status()).toMatchObject({ writable: true, documents: 1 })
})

it('is not there once its directory is gone', async () => {
  const fileSystem = new MemoryFileSystem()
  const storage = await opened(fileSystem)
  await put(storage, 'a')
  fileSystem.blocking.rename(directory, '/elsewhere')
  expect(await storage.status()).toMatchObject({
    location: directory,
    exists: false,
    writable: false,
    documents: 0,
    backups: 0,
  })
})

it('writes nothing when it was opened read-only', async () => {
  const fileSystem = new MemoryFileSystem()
  const writer = await opened(fileSystem)
  await put(writer, 'a')
  await put(writer, 'a')
  const reader = await opened(fileSystem, { readOnly: true })
  failing(fileSystem, 'open', (path) => everyPath(path, 'EIO'))
  const { error, ...status } = await reader.status()
  expect(status).toMatchObject({
    exists: true,
    writable: false,
    reason: expect.stringContaining('read-only'),
    documents: 1,
    backups: 1,
  })
  expect(error).toBeUndefined()
})

it('counts what a listing shows, and reads none of it', async () => {
  const fileSystem = new MemoryFileSystem()
  const storage = await opened(fileSystem)
  storage.useSerializer('notes', yamlSerializer())
  for (const key of ['a', 'Notes 1', 'z'.repeat(900)]) {
    await put(storage, key)
    await put(storage, key, 'notes')
  }
  for (const [path, text] of [
    ['tasks/Made By Hand.json', '{}'],
    ['tasks/.hidden.json', '{}'],
    ['tasks/readme.md', 'no document'],
    ['notes/stray.json', '{}'],
    ['stray.json', '{}'],
  ]) {
    writeFile(fileSystem, `${directory}/${path}`, text ?? '')
  }
  fileSystem.blocking.makeDirectory(`${directory}/.git`, 0o700)
  writeFile(fileSystem, `${directory}/.git/config.json`, '{}')
  let listed = 0
  for (const collection of await storage.collections()) {
    for await (const _ of storage.list({ collection })) listed += 1
  }
  expect(listed).toBe(7)
  Object.assign(fileSystem, { readFile: () => expect.unreachable('no document is read') })
  expect((await storage.status()).documents).toBe(listed)
})

it('takes a name by hand beside ours for one document', async () => {
  const fileSystem = new MemoryFileSystem()
  const storage = await opened(fileSystem)
  await put(storage, 'Notes 1')
  writeFile(fileSystem, `${directory}/tasks/Notes 1.json`, '{}')
  expect((await storage.status()).documents).toBe(1)
})

it('counts what was set aside', async () => {
  const fileSystem = new MemoryFileSystem()
  const storage = await opened(fileSystem)
  await put(storage, 'a', 'tasks', { n: 1 })
  const { modifiedMicros = 0 } = fileSystem.blocking.status(`${directory}/tasks/a.json`) ?? {}
  fileSystem.blocking.unlink(`${directory}/tasks/a.json`)
  writeFile(fileSystem, `${directory}/tasks/a.json`, '{ torn')
  const file = fileSystem.blocking.open(`${directory}/tasks/a.json`, 'update')
  fileSystem.blocking.setModifiedTime(file, modifiedMicros)
  fileSystem.blocking.close(file)
  await expect(storage.read({ collection: 'tasks', key: 'a' })).rejects.toMatchObject({
    code: 'STATE_CORRUPT',
  })
  expect(await storage.status()).toMatchObject({ documents: 1, quarantined: 1 })
})

it('tells no space where the file system does not', async () => {
  const fileSystem = new MemoryFileSystem({ capacityBytes: 1_000_000 })
  const storage = await opened(fileSystem)
  failing(fileSystem, 'spaceOf', () => 'ENOSYS')
  const { freeBytes, totalBytes, writable } = await storage.status()
  expect({ freeBytes, totalBytes, writable }).toEqual({
    freeBytes: undefined,
    totalBytes: undefined,
    writable: true,
  })
})

it('fails when it cannot be listed, rather than telling a wrong number', async () => {
  const fileSystem = new MemoryFileSystem()
  const storage = await opened(fileSystem)
  await put(storage, 'a')
  failing(fileSystem, 'readDirectory', (path) => (path.endsWith('/tasks') ? 'EACCES' : undefined))
  await expect(storage.status()).rejects.toMatchObject({
    code: 'STATE_IO',
    details: { reason: 'PermissionDenied' },
  })
})

it('is refused once closed', async () => {
  const storage = await opened(new MemoryFileSystem())
  await storage.close()
  await expect(storage.status()).rejects.toMatchObject({ code: 'STATE_CLOSED' })
})
