/**
 * What a process does, told by a pipe outside the store. A call is told before it is made, and the pipe is
 * written to blockingly, so that of a process that was killed it is known what it had begun.
 */
import { writeSync } from 'node:fs'
import type { Input, Output } from './operations.js'

/** Of the pipe, in a process that was started with one. */
export const recordDescriptor = 4

export type MixedRecord =
  | { readonly type: 'called'; readonly id: number; readonly at: number; readonly input: Input }
  | { readonly type: 'returned'; readonly id: number; readonly at: number; readonly output: Output }
  | { readonly type: 'failed'; readonly id: number; readonly error: string }
  | { readonly type: 'followed'; readonly log: string; readonly id: string; readonly name: string }
  /** About to stop itself. */
  | { readonly type: 'stopping' }
  | { readonly type: 'jumped' }
  | { readonly type: 'told'; readonly event: string }

/** Nanoseconds since `origin`, by the clock that all processes of the machine share. */
export const sinceOrigin = (origin: string): number =>
  Number(process.hrtime.bigint() - BigInt(origin))

export function writeToPipe(record: MixedRecord): void {
  const bytes = Buffer.from(`${JSON.stringify(record)}\n`)
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(recordDescriptor, bytes, written)
  }
}

/** Tells of calls, with their times. */
export class Recorder {
  readonly tell: (record: MixedRecord) => void
  readonly #origin: string
  #calls = 0

  constructor(origin: string, tell: (record: MixedRecord) => void) {
    this.#origin = origin
    this.tell = tell
  }

  called(input: Input): number {
    this.#calls += 1
    const id = this.#calls
    this.tell({ type: 'called', id, at: sinceOrigin(this.#origin), input })
    return id
  }

  returned(id: number, output: Output): void {
    this.tell({ type: 'returned', id, at: sinceOrigin(this.#origin), output })
  }
}

/** Whole lines of what arrives in pieces; a process may be killed in the middle of one. */
export function* linesOf(state: { rest: string }, text: string): Generator<string> {
  const lines = (state.rest + text).split('\n')
  state.rest = lines.pop() ?? ''
  yield* lines
}
