/**
 * What an actor's program runs on. A program is ordinary blocking code; each of its calls is a step.
 * To take it one step further, the program is run again from its beginning, with the answers it has
 * had so far, up to the first call that has none.
 */
import { FileSystemError } from '../../../src/errors/index.js'
import type { DirectoryEntry, FileOperations, FileStatus } from '../../../src/file-system/index.js'
import { type ModelDisk, Refusal, type ResolvedLink, type ResolvedRename } from './model-disk.js'

export interface Call {
  readonly operation: string
  readonly args: readonly unknown[]
}

export type Answer = { readonly value: unknown } | { readonly errno: string }

/** One way a call may end, and the disk after it. */
export interface Outcome {
  readonly disk: ModelDisk
  readonly answer: Answer
}

export interface Machine {
  readonly fs: FileOperations
  /** A question to the model itself: `ready`, `wait`, or one of the model's own. */
  ask(question: string, ...args: readonly unknown[]): unknown
}

export type Program = (machine: Machine) => void

/** Thrown through a program to leave it where it stands. */
const paused = { paused: true }

export type Progress = { readonly pending: Call } | { readonly pending: undefined }

/** Runs a program until it needs an answer that is not there yet; undefined: it has ended. */
export function runUntilCall(
  program: Program,
  answers: readonly Answer[],
  strict: boolean,
): Progress {
  let pending: Call | undefined
  let position = 0
  const ask = (operation: string, ...args: readonly unknown[]): unknown => {
    if (pending !== undefined) throw paused
    const answer = answers[position]
    position += 1
    if (answer === undefined) {
      pending = { operation, args }
      throw paused
    }
    if ('errno' in answer) throw new FileSystemError(answer.errno, operation, String(args[0]))
    return answer.value
  }
  try {
    program({ fs: operationsOver(ask, strict), ask })
  } catch (error) {
    if (error !== paused) throw error
  }
  return { pending }
}

type Ask = Machine['ask']

const unused = (): never => {
  throw new Error('not in this model')
}

function operationsOver(ask: Ask, strict: boolean): FileOperations {
  const status = (path: string): FileStatus | undefined =>
    ask('status', path) === true ? ({ kind: 'file' } as FileStatus) : undefined
  return {
    open: (path, purpose) => ask('open', path, purpose) as number,
    write: (file, buffer, offset, length, position) => {
      const text = Buffer.from(buffer.subarray(offset, offset + length)).toString()
      ask('write', file, text, position)
      return length
    },
    close: () => {},
    sync: () => {},
    statusOf: (file) => ({ links: ask('linksOf', file) }) as FileStatus,
    status,
    readFile: (path) => Buffer.from(ask('readFile', path) as string),
    rename: (from, to) => {
      ask('rename', ask('resolveRename', from, to), from, to)
    },
    link: (existing, created) => {
      ask('link', ask('resolveLink', existing, created), existing, created)
    },
    unlink: (path) => void ask('unlink', path),
    makeDirectory: (path) => void ask('makeDirectory', path),
    removeDirectory: (path) => void ask('removeDirectory', path),
    readDirectory: (path) => {
      if (strict) return ask('readDirectory', path) as DirectoryEntry[]
      return ask('endListing', path, ask('readDirectory', path)) as DirectoryEntry[]
    },
    read: unused,
    truncate: unused,
    setModifiedTime: unused,
    setMode: unused,
    readLink: unused,
    realPath: unused,
    spaceOf: unused,
  }
}

/** What changes the disk gets one of its own. `id` is new for every call of every actor. */
export function perform(disk: ModelDisk, { operation, args }: Call, id: number): Outcome[] {
  const [first, second, third] = args as [string, unknown, unknown]
  const look = (value: () => unknown): Outcome[] => [settle(disk, value)]
  const change = (act: (copy: ModelDisk) => unknown): Outcome[] => {
    const copy = disk.clone()
    return [settle(copy, () => act(copy))]
  }
  switch (operation) {
    case 'open':
      if (second === 'directory') return look(() => disk.openExisting(first))
      return change((copy) => {
        copy.createFile(first, id)
        return id
      })
    case 'write':
      return change((copy) => copy.write(Number(first), second as string, third as number))
    case 'linksOf':
      return look(() => disk.linksOf(Number(first)))
    case 'status':
      return look(() => disk.exists(first))
    case 'readFile':
      return look(() => disk.read(first))
    case 'readDirectory':
      return look(() => disk.list(first))
    case 'endListing':
      return listings(disk, first, second as DirectoryEntry[])
    case 'resolveRename':
      return look(() => disk.resolveRename(first, second as string))
    case 'rename':
      return change((copy) => copy.rename(args[0] as ResolvedRename))
    case 'resolveLink':
      return look(() => disk.resolveLink(first, second as string))
    case 'link':
      return change((copy) => copy.link(args[0] as ResolvedLink))
    case 'unlink':
      return change((copy) => copy.unlink(first))
    case 'makeDirectory':
      return change((copy) => copy.makeDirectory(first, id))
    case 'removeDirectory':
      return change((copy) => copy.removeDirectory(first))
    default:
      throw new Error(`no such call: ${operation}`)
  }
}

function settle(disk: ModelDisk, act: () => unknown): Outcome {
  try {
    return { disk, answer: { value: act() } }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { disk, answer: { errno: error.errno } }
  }
}

/** POSIX: what comes or goes during a listing may be in it or not. */
function listings(disk: ModelDisk, path: string, before: readonly DirectoryEntry[]): Outcome[] {
  if (!disk.exists(path)) return [{ disk, answer: { value: before } }]
  const after = disk.list(path)
  const throughout = after.filter(({ name }) => before.some((entry) => entry.name === name))
  const come = after.filter(({ name }) => !before.some((entry) => entry.name === name))
  const gone = before.filter(({ name }) => !after.some((entry) => entry.name === name))
  const variants: DirectoryEntry[][] = [throughout]
  if (come.length > 0) variants.push([...throughout, ...come])
  if (gone.length > 0) variants.push([...throughout, ...gone])
  return variants.map((value) => ({ disk, answer: { value } }))
}
