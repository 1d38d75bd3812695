/** File systems made of blocking operations, and operations that are watched on their way. */
import {
  type FileOperations,
  type FileSystem,
  operationsOnDescriptors,
} from '../../src/file-system/index.js'

export type OperationName = keyof FileOperations
type AnyOperation = (...args: never[]) => unknown

/** A file system over blocking operations. Each promised call takes one turn of the event loop. */
export function overBlocking(blocking: FileOperations, touch: () => void = () => {}): FileSystem {
  const promised = Object.entries(blocking).map(([name, operation]: [string, AnyOperation]) => {
    const run = async (...args: never[]): Promise<unknown> => {
      touch()
      await new Promise((resolve) => setImmediate(resolve))
      touch()
      return operation(...args)
    }
    return [name, run] as const
  })
  return { blocking, ...Object.fromEntries(promised) } as unknown as FileSystem
}

/** One call on its way: what is asked for, and the doing of it. */
export interface Call {
  readonly operation: OperationName
  /** The path, for calls on descriptors the one that was opened. */
  readonly path: string
  readonly args: readonly unknown[]
  perform(): unknown
}

/** The operations, each passed through `watch`, which performs it or does something else. */
export function watched(
  operations: FileOperations,
  watch: (call: Call) => unknown,
): FileOperations {
  const paths = new Map<number, string>()
  const entries = (Object.entries(operations) as [OperationName, AnyOperation][]).map(
    ([operation, original]) => {
      const run = (...args: never[]): unknown => {
        const [first] = args as unknown[]
        const path = operationsOnDescriptors.has(operation)
          ? (paths.get(first as number) ?? '?')
          : String(first)
        const result = watch({ operation, path, args, perform: () => original(...args) })
        if (operation === 'open') paths.set(result as number, path)
        return result
      }
      return [operation, run] as const
    },
  )
  return Object.fromEntries(entries) as unknown as FileOperations
}
