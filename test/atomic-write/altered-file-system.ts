/** A file system with somebody between it and its users, who may change or refuse every call. */
import { FileSystemError } from '../../src/errors/index.js'
import { type FileOperations, type FileSystem, io } from '../../src/file-system/index.js'

export type OperationName = keyof FileOperations

export interface FileSystemCall {
  readonly operation: OperationName
  readonly args: readonly unknown[]
}

/** Returns the arguments to go on with; what it throws, the call throws instead of being made. */
export type Alteration = (call: FileSystemCall) => readonly unknown[]

/** Is shown what a call returned. */
export type Observation = (call: FileSystemCall, result: unknown) => void

type Callables = Record<OperationName, (...args: readonly unknown[]) => unknown>

export function alteredFileSystem(
  inner: FileSystem,
  alter: Alteration,
  observe: Observation = () => {},
): FileSystem {
  const blockingCalls = inner.blocking as unknown as Callables
  const promisedCalls = inner as unknown as Callables
  const blocking: Partial<Callables> = {}
  const promised: Partial<Callables> = {}
  for (const operation of Object.keys(io) as OperationName[]) {
    blocking[operation] = (...args) => {
      const result = blockingCalls[operation](...alter({ operation, args }))
      observe({ operation, args }, result)
      return result
    }
    promised[operation] = async (...args) => {
      const result = await promisedCalls[operation](...alter({ operation, args }))
      observe({ operation, args }, result)
      return result
    }
  }
  return { ...promised, blocking } as unknown as FileSystem
}

/** Refuses the calls that `isWanted` picks, with that errno. */
export const refusing =
  (errno: string, isWanted: (call: FileSystemCall) => boolean): Alteration =>
  (call) => {
    if (isWanted(call)) throw new FileSystemError(errno, call.operation, undefined)
    return call.args
  }

/** No write takes more than `most` bytes. */
export const writingAtMost =
  (most: number): Alteration =>
  ({ operation, args }) => {
    if (operation !== 'write') return args
    const [file, bytes, offset, length, position] = args
    return [file, bytes, offset, Math.min(length as number, most), position]
  }
