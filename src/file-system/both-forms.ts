import type { FileOperations, FileSystem } from './file-system.js'

type PromisedOperations = Omit<FileSystem, 'blocking'>
type Operation = (...args: never[]) => unknown

/** Each operation after a turn of the event loop, so that concurrent callers interleave. */
function promisedOver(blocking: FileOperations): PromisedOperations {
  const promised = Object.entries(blocking).map(([name, operation]: [string, Operation]) => {
    const run = async (...args: never[]): Promise<unknown> => {
      await new Promise((resolve) => setImmediate(resolve))
      return operation(...args)
    }
    return [name, run] as const
  })
  return Object.fromEntries(promised) as unknown as PromisedOperations
}

// Assigned at run time and typed by the port: written out they would be twenty times the same.
export const BothForms = class {
  readonly blocking: FileOperations

  constructor(blocking: FileOperations) {
    this.blocking = blocking
    Object.assign(this, promisedOver(blocking))
  }
} as new (
  blocking: FileOperations,
) => FileSystem
