/** The file systems that keep the contract of the port, and what the tests of it are written with. */
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { FileSystemError, type FileSystemReason } from '../../src/errors/index.js'
import {
  type FileOperations,
  type FileSystem,
  MemoryFileSystem,
  NodeFileSystem,
} from '../../src/file-system/index.js'
import { FaultInjectingFileSystem } from '../../src/testing/index.js'

type Operations = Omit<FileSystem, 'blocking'>

/** A file system under test, in one of its two forms. */
interface Subject {
  readonly fs: Operations
  makeRoot(): string
  removeRoot(root: string): void
  symlink(target: string, path: string): void
}

function awaitable(blocking: FileOperations): Operations {
  const wrapped = Object.entries(blocking).map(
    ([name, operation]: [string, (...args: never[]) => unknown]) =>
      [name, async (...args: never[]) => operation(...args)] as const,
  )
  return Object.fromEntries(wrapped) as unknown as Operations
}

const forms = {
  promised: (fileSystem: FileSystem): Operations => fileSystem,
  blocking: (fileSystem: FileSystem): Operations => awaitable(fileSystem.blocking),
}

type Wrap = (fileSystem: FileSystem) => FileSystem

const asItIs: Wrap = (fileSystem) => fileSystem
/** Nothing goes wrong in it that was not planned. */
const injecting: Wrap = (fileSystem) => new FaultInjectingFileSystem(fileSystem)

function nodeSubject(form: keyof typeof forms, wrap: Wrap = asItIs): Subject {
  return {
    fs: forms[form](wrap(new NodeFileSystem())),
    makeRoot: () => realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-contract-'))),
    removeRoot: (root) => rmSync(root, { recursive: true, force: true }),
    symlink: (target, path) => symlinkSync(target, path),
  }
}

function memorySubject(form: keyof typeof forms, wrap: Wrap = asItIs): Subject {
  const memory = new MemoryFileSystem()
  let roots = 0
  return {
    fs: forms[form](wrap(memory)),
    makeRoot: () => {
      roots += 1
      memory.blocking.makeDirectory(`/root-${roots}`, 0o700)
      return `/root-${roots}`
    },
    removeRoot: () => {},
    symlink: (target, path) => memory.symlink(target, path),
  }
}

const subjects: readonly [string, () => Subject][] = [
  ['NodeFileSystem, promised', () => nodeSubject('promised')],
  ['NodeFileSystem, blocking', () => nodeSubject('blocking')],
  ['MemoryFileSystem, promised', () => memorySubject('promised')],
  ['MemoryFileSystem, blocking', () => memorySubject('blocking')],
  ['FaultInjectingFileSystem, promised', () => nodeSubject('promised', injecting)],
  ['FaultInjectingFileSystem, blocking', () => memorySubject('blocking', injecting)],
]

export interface ContractTools {
  readonly fs: Operations
  /** A path in the directory of the current test. */
  at(...names: readonly string[]): string
  symlink(target: string, path: string): void
  writeWhole(path: string, content: string): Promise<void>
  readWhole(path: string): Promise<string>
  makeDirectory(path: string): Promise<void>
  inodeOf(path: string): Promise<string | undefined>
  linksOf(path: string): Promise<number | undefined>
  /** Sorted. */
  namesIn(path: string): Promise<string[]>
}

function toolsFor({ fs, symlink }: Subject, root: () => string): ContractTools {
  return {
    fs,
    at: (...names) => [root(), ...names].join('/'),
    symlink,
    writeWhole: async (path, content) => {
      const file = await fs.open(path, 'create')
      const bytes = utf8(content)
      for (let done = 0; done < bytes.length; ) {
        done += await fs.write(file, bytes, done, bytes.length - done, done)
      }
      await fs.close(file)
    },
    readWhole: async (path) => text(await fs.readFile(path)),
    makeDirectory: (path) => fs.makeDirectory(path, 0o700),
    inodeOf: async (path) => (await fs.status(path))?.inode,
    linksOf: async (path) => (await fs.status(path))?.links,
    namesIn: async (path) => (await fs.readDirectory(path)).map((entry) => entry.name).sort(),
  }
}

/** Runs the tests against every implementation and form, each test in a directory of its own. */
export function describeContract(tests: (tools: ContractTools) => void): void {
  describe.each(subjects)('%s', (_name, makeSubject) => {
    const subject = makeSubject()
    let root = ''
    beforeEach(() => {
      root = subject.makeRoot()
    })
    afterEach(() => subject.removeRoot(root))
    tests(toolsFor(subject, () => root))
  })
}

export const utf8 = (content: string): Uint8Array => new TextEncoder().encode(content)
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

export async function failureOf(call: Promise<unknown>): Promise<FileSystemError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof FileSystemError) return error
  throw new Error('expected the call to fail with a FileSystemError', { cause: error })
}

export async function expectFailure(
  call: Promise<unknown>,
  ...reasons: readonly FileSystemReason[]
): Promise<void> {
  expect(reasons).toContain((await failureOf(call)).reason)
}

export function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}

export function reasonThrownBy(call: () => unknown): FileSystemReason | undefined {
  const error = thrownBy(call)
  return error instanceof FileSystemError ? error.reason : undefined
}
