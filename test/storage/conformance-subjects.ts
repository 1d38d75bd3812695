/** The storages of the library, as subjects of its conformance suite. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { FileStorage, type FileStorageOptions } from '../../src/storage/file/index.js'
import type { Storage } from '../../src/storage/index.js'
import { MemoryStorage } from '../../src/storage/memory/index.js'
import type { ConformanceSubject, StorageSubject } from '../../src/testing/index.js'

const nobody = (): void => {}

async function opened<T extends Storage>(storage: T): Promise<T> {
  await storage.open(nobody)
  return storage
}

export function memorySubject(): ConformanceSubject {
  const create = async (maxDocumentBytes?: number): Promise<StorageSubject> => ({
    open: () => opened(new MemoryStorage({ maxDocumentBytes })),
    dispose: async () => {},
  })
  return {
    name: 'MemoryStorage',
    supports: new MemoryStorage().supports,
    create: () => create(),
    createLimited: (maxDocumentBytes) => create(maxDocumentBytes),
  }
}

type Options = Omit<FileStorageOptions, 'directory' | 'fileSystem'>

/** On the real file system, each in a directory of its own with nothing beside it. */
export function realFileSubject(name: string, options: Options = {}): ConformanceSubject {
  const create = async (more: Options = {}): Promise<StorageSubject> => {
    const parent = await mkdtemp(join(tmpdir(), 'holdfast-conformance-'))
    const directory = join(parent, 'store')
    return {
      open: () => opened(new FileStorage({ ...options, ...more, directory })),
      dispose: async () => {
        const beside = await readdir(parent)
        await rm(parent, { recursive: true, force: true })
        expect(beside, 'nothing was written outside the directory').toEqual(['store'])
      },
    }
  }
  return subjectOf(name, options, create)
}

/** On a file system in memory, likewise. */
export function memoryFileSubject(
  name: string,
  options: Options & { readonly caseInsensitive?: boolean } = {},
): ConformanceSubject {
  const { caseInsensitive = false, ...storageOptions } = options
  const create = async (more: Options = {}): Promise<StorageSubject> => {
    const fileSystem = new MemoryFileSystem({ caseInsensitive })
    const directory = '/store'
    return {
      open: () => opened(new FileStorage({ ...storageOptions, ...more, directory, fileSystem })),
      dispose: async () => {
        const beside = fileSystem.blocking.readDirectory('/').map((entry) => entry.name)
        expect(beside, 'nothing was written outside the directory').toEqual(['store'])
      },
    }
  }
  return subjectOf(name, storageOptions, create)
}

function subjectOf(
  name: string,
  options: Options,
  create: (more?: Options) => Promise<StorageSubject>,
): ConformanceSubject {
  return {
    name,
    supports: new FileStorage({ ...options, directory: '/never-opened' }).supports,
    create: () => create(),
    createLimited: (maxDocumentBytes) => create({ maxDocumentBytes }),
  }
}
