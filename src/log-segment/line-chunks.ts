/** Reading a file line by line, in either direction, with memory for a few chunks whatever its size. */
import type { FileDescriptor, FileSystem } from '../file-system/index.js'

const chunkBytes = 256 * 1024

/** Whole lines, each with its newline, except that the last of a file may lack it. */
export interface LineChunk {
  readonly bytes: Buffer
  /** Of the first byte in the file. */
  readonly offset: number
}

const newline = 10

async function readFully(
  fileSystem: FileSystem,
  file: FileDescriptor,
  buffer: Buffer,
  from: number,
  length: number,
  position: number,
): Promise<number> {
  let done = 0
  while (done < length) {
    const count = await fileSystem.read(file, buffer, from + done, length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
}

/** The lines that begin in `[start, end)`; `start` is where a line begins. */
export async function* chunksForward(
  fileSystem: FileSystem,
  file: FileDescriptor,
  start: number,
  end: number,
): AsyncGenerator<LineChunk, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  let offset = start
  for (let position = start; position < end; ) {
    const length = Math.min(Math.max(chunkBytes, rest.length), end - position)
    const bytes = Buffer.allocUnsafe(rest.length + length)
    rest.copy(bytes)
    const count = await readFully(fileSystem, file, bytes, rest.length, length, position)
    position += count
    const filled = bytes.subarray(0, rest.length + count)
    const isLast = position >= end || count < length
    const cut = isLast ? filled.length : filled.lastIndexOf(newline) + 1
    if (cut > 0) yield { bytes: filled.subarray(0, cut), offset }
    offset += cut
    rest = filled.subarray(cut)
    if (isLast) return
  }
}

/** The same lines, the last chunk first. Within a chunk they stand in the order of the file. */
export async function* chunksBackward(
  fileSystem: FileSystem,
  file: FileDescriptor,
  start: number,
  end: number,
): AsyncGenerator<LineChunk, void, undefined> {
  /** What begins a line that we have not seen the beginning of. */
  let rest: Buffer = Buffer.alloc(0)
  for (let position = end; position > start; ) {
    const length = Math.min(Math.max(chunkBytes, rest.length), position - start)
    position -= length
    const bytes = Buffer.allocUnsafe(length + rest.length)
    const count = await readFully(fileSystem, file, bytes, 0, length, position)
    // Cut short under our eyes: what is gone cannot be read.
    rest.copy(bytes, count)
    const filled = bytes.subarray(0, count + rest.length)
    const cut = position === start ? 0 : filled.indexOf(newline) + 1
    if (position > start && (cut === 0 || cut === filled.length)) {
      // No line begins here, or none but the one after the last newline.
      rest = filled
      continue
    }
    yield { bytes: filled.subarray(cut), offset: position + cut }
    rest = filled.subarray(0, cut)
  }
}
