/** The real file system, with somebody looking at every call before it is made and after it has ended. */
import {
  type FileOperations,
  type FileSystem,
  NodeFileSystem,
  operationNames,
} from '../../src/file-system/index.js'

export type OperationName = keyof FileOperations

export interface InterceptedCall {
  readonly operation: OperationName
  readonly args: readonly unknown[]
  readonly form: 'blocking' | 'promised'
}

export interface Interception {
  /** What it throws, the call throws instead of being made. */
  before?(call: InterceptedCall): void
  /** Holds a promised call back until this has resolved. */
  hold?(call: InterceptedCall): Promise<void> | undefined
  /** Also when the call has failed. A promised call ends when this has resolved. */
  after?(call: InterceptedCall): void | Promise<void>
}

type Callables = Record<OperationName, (...args: readonly unknown[]) => unknown>

export function interceptedFileSystem(
  { before, after, hold }: Interception,
  inner: FileSystem = new NodeFileSystem(),
): FileSystem {
  const blockingCalls = inner.blocking as unknown as Callables
  const promisedCalls = inner as unknown as Callables
  const blocking: Partial<Callables> = {}
  const promised: Partial<Callables> = {}
  for (const operation of operationNames) {
    blocking[operation] = (...args) => {
      const call: InterceptedCall = { operation, args, form: 'blocking' }
      before?.(call)
      try {
        return blockingCalls[operation](...args)
      } finally {
        void after?.(call)
      }
    }
    promised[operation] = async (...args) => {
      const call: InterceptedCall = { operation, args, form: 'promised' }
      before?.(call)
      const held = hold?.(call)
      if (held !== undefined) await held
      try {
        return await promisedCalls[operation](...args)
      } finally {
        await after?.(call)
      }
    }
  }
  return { ...promised, blocking } as unknown as FileSystem
}

/** A heartbeat: twelve digits behind the state. When they fall is a matter of time, not of the protocol. */
export const isHeartbeat = ({ operation, args }: InterceptedCall): boolean =>
  operation === 'write' && args[3] === 12 && args[4] === 5
