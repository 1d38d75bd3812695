/**
 * Generation files: the mechanism under every lease.
 *
 * A lease is a directory of files named by rising numbers. Holding generation *g* means having linked
 * the file *g*, whole, into it: `link` lets exactly one contender have a number. The rules that make
 * it safe (each has a test):
 *
 * 1. Numbers are never reused. The newest file is never removed, older ones are removed in ascending
 *    order, and only by the holder of a newer one. A contender that was asleep may link a number that
 *    was used and removed meanwhile. So after linking it looks for a newer one, which must exist then;
 *    one that came while it looked has removed its file first, so it looks at that last. It withdraws.
 * 2. Release marks one's own file and touches nothing of another's.
 * 3. Numbers rise across power cuts: see generation-ceiling.ts. Who jumps to a number for that and
 *    finds that another took a lower one meanwhile withdraws too: that one may not have seen it.
 *
 * A file is `<state> <beat>\n<owner as JSON>\n`. State and beat have a fixed width and are overwritten
 * in place by the owner alone, through the descriptor it created the file with:
 *
 *     busy 000000000042
 *     {"incarnation":"7f3a…","pid":4711,"bootId":"…","host":"…","since":"2026-…Z","ttlMs":5000}
 */
import { FileSystemError, isFileSystemError } from '../errors/index.js'
import type { FileDescriptor, FileOperations } from '../file-system/index.js'
import { type GenerationCeiling, numberName, parseNumberName } from './generation-ceiling.js'
import { type GenerationOwner, parseOwner } from './generation-owner.js'

/**
 * - `wait`: queued behind older generations.
 * - `busy`: at work; nobody else may be.
 * - `idle`: kept for later, free to be taken; the owner looks for a newer generation before its next work.
 * - `free`: given back.
 * - `torn`: given up in the middle of its work, which the next must settle.
 */
export type GenerationState = 'wait' | 'busy' | 'idle' | 'free' | 'torn'

export interface GenerationRecord {
  readonly generation: number
  /** `unreadable`: damaged or empty. Nobody knows whether its owner lives. See silence.ts. */
  readonly state: GenerationState | 'unreadable'
  readonly owner: GenerationOwner
  /** Changes with every heartbeat. */
  readonly content: string
}

const states: ReadonlySet<string> = new Set<GenerationState>([
  'wait',
  'busy',
  'idle',
  'free',
  'torn',
])
const stateWidth = 4
const beatWidth = 12
const beatPosition = stateWidth + 1

const format = (state: GenerationState, owner: GenerationOwner): string =>
  `${state} ${'0'.repeat(beatWidth)}\n${JSON.stringify(owner)}\n`

function parse(generation: number, content: string): GenerationRecord {
  const state = content.slice(0, stateWidth)
  const lineEnd = content.indexOf('\n')
  const owner = lineEnd < 0 ? {} : parseOwner(content.slice(lineEnd + 1))
  return {
    generation,
    state: states.has(state) ? (state as GenerationState) : 'unreadable',
    owner,
    content,
  }
}

/** A generation file of our own. */
export class OwnGeneration {
  readonly #fs: FileOperations
  readonly #directory: GenerationDirectory
  readonly #length: number
  #file: FileDescriptor | undefined
  #beats = 0

  constructor(
    fs: FileOperations,
    directory: GenerationDirectory,
    readonly generation: number,
    file: FileDescriptor,
    length: number,
  ) {
    this.#length = length
    this.#fs = fs
    this.#directory = directory
    this.#file = file
  }

  mark(state: GenerationState): void {
    this.#overwrite(state, 0)
  }

  /** Shows others that we live. */
  beat(): void {
    this.#beats += 1
    this.#overwrite(this.#beats.toString().padStart(beatWidth, '0'), beatPosition)
  }

  /** Whether somebody linked a newer generation. Looks in this order: see the rules above. */
  isSuperseded(): boolean {
    if (this.#file === undefined) return true
    if (this.#directory.numbers().some((number) => number > this.generation)) return true
    // A newer one that came and went during the listing took ours away before.
    return this.#fs.statusOf(this.#file).links === 0
  }

  /** Replaces the whole content; returns the descriptor, or undefined when the length would differ. */
  rewrite(content: string): FileDescriptor | undefined {
    if (this.#file === undefined || content.length !== this.#length) return undefined
    this.#overwrite(content, 0)
    return this.#file
  }

  /** Whether our file still stands. */
  isLinked(): boolean {
    return this.#file !== undefined && this.#fs.statusOf(this.#file).links > 0
  }

  /** Gives the generation back. Idempotent, harmless after it was superseded. */
  release(): void {
    this.#end('free')
  }

  /** Gives it up in the middle of its work. Otherwise as {@link release}. */
  abandon(): void {
    this.#end('torn')
  }

  #end(state: 'free' | 'torn'): void {
    try {
      this.mark(state)
    } finally {
      this.close()
    }
  }

  close(): void {
    if (this.#file === undefined) return
    const file = this.#file
    this.#file = undefined
    this.#fs.close(file)
  }

  #overwrite(text: string, position: number): void {
    if (this.#file === undefined) return
    const bytes = Buffer.from(text)
    for (let done = 0; done < bytes.byteLength; ) {
      const left = bytes.byteLength - done
      const count = this.#fs.write(this.#file, bytes, done, left, position + done)
      // Not to know that a mark was not made would be to hold what others think is free.
      if (count <= 0) throw new FileSystemError('ENOSPC', 'write', this.#directory.path)
      done += count
    }
  }
}

export class GenerationDirectory {
  readonly #fs: FileOperations
  readonly #ceiling: GenerationCeiling

  constructor(
    fs: FileOperations,
    readonly path: string,
    ceiling: GenerationCeiling,
  ) {
    this.#fs = fs
    this.#ceiling = ceiling
  }

  /** The numbers in use, ascending. */
  numbers(): number[] {
    const numbers: number[] = []
    for (const { name } of this.#fs.readDirectory(this.path)) {
      const number = parseNumberName(name)
      if (number !== undefined) numbers.push(number)
    }
    return numbers.sort((left, right) => left - right)
  }

  read(generation: number): GenerationRecord | undefined {
    try {
      const bytes = this.#fs.readFile(this.#pathOf(generation))
      return parse(generation, Buffer.from(bytes).toString('utf8'))
    } catch (error) {
      if (isFileSystemError(error, 'NotFound')) return undefined
      throw error
    }
  }

  /** The newest generation; undefined before the first and while files are being replaced. */
  newest(): GenerationRecord | undefined {
    const highest = this.numbers().at(-1)
    return highest === undefined ? undefined : this.read(highest)
  }

  /**
   * Creates the directory with a free generation in it, so that there is always a newest one. `draft`
   * is an unused path on the same file system. Returns false if it was there already.
   */
  initialise(draft: string): boolean {
    try {
      if (this.numbers().length > 0) return false
    } catch (error) {
      if (!isFileSystemError(error, 'NotFound')) throw error
    }
    const first = `${draft}/${numberName(this.#ceiling.base)}`
    this.#fs.makeDirectory(draft, 0o700)
    try {
      this.#close(this.#create(first, 'free', { bootId: this.#ceiling.bootId }))
    } catch (error) {
      // Not always is it in a staging directory that will be swept.
      this.#fs.removeDirectory(draft)
      throw error
    }
    try {
      this.#fs.rename(draft, this.path)
      return true
    } catch (error) {
      this.#fs.unlink(first)
      this.#fs.removeDirectory(draft)
      if (!isFileSystemError(error, 'NotEmpty', 'AlreadyExists')) throw error
      return false
    }
  }

  /**
   * Tries to link the generation after `seen`, which was the newest when the caller looked. Undefined
   * when somebody else was faster. `draft` is an unused path in the caller's staging directory.
   */
  take(
    seen: GenerationRecord,
    state: GenerationState,
    owner: GenerationOwner,
    draft: string,
  ): OwnGeneration | undefined {
    const { bootId, base } = this.#ceiling
    const sameBoot = bootId !== undefined && seen.owner.bootId === bootId
    const next = sameBoot ? seen.generation + 1 : Math.max(seen.generation, base) + 1
    this.#ceiling.cover(next)
    const file = this.#create(draft, state, owner)
    const path = this.#pathOf(next)
    try {
      this.#fs.link(draft, path)
    } catch (error) {
      this.#close(file)
      this.#remove(draft)
      if (!isFileSystemError(error, 'AlreadyExists')) throw error
      return undefined
    }
    const own = new OwnGeneration(this.#fs, this, next, file, format(state, owner).length)
    try {
      this.#remove(draft)
      // Rule 1, in this order.
      if (!own.isSuperseded() && !this.#jumpedOver(seen.generation, next)) return own
    } catch (error) {
      // Marked as held, it would be a holder that does not exist.
      own.release()
      throw error
    }
    own.close()
    this.#remove(path)
    return undefined
  }

  /** Rule 3: whether somebody took a number between the one that was seen and the one jumped to. */
  #jumpedOver(seen: number, next: number): boolean {
    return next > seen + 1 && this.numbers().some((number) => number > seen && number < next)
  }

  /**
   * Takes the generation after `own`, which was given back, with the same file under the next name: a
   * third of the cost of {@link take}. That its old name still stood when it was linked proves that the
   * number is new, for the old name would have been removed first. Undefined when somebody else took over since, or
   * the file cannot be used again; `own` is used up either way.
   */
  retake(
    own: OwnGeneration,
    state: GenerationState,
    owner: GenerationOwner,
  ): OwnGeneration | undefined {
    try {
      return this.#relink(own, state, owner)
    } catch (error) {
      // Marked as held, it would be a holder that does not exist.
      own.release()
      throw error
    }
  }

  #relink(
    own: OwnGeneration,
    state: GenerationState,
    owner: GenerationOwner,
  ): OwnGeneration | undefined {
    const next = own.generation + 1
    const path = this.#pathOf(own.generation)
    // Where boots cannot be told apart numbers are jumped to, and the next may be behind another's.
    const file = this.#ceiling.bootId === undefined ? undefined : own.rewrite(format(state, owner))
    if (file === undefined) {
      own.close()
      return undefined
    }
    this.#ceiling.cover(next)
    try {
      this.#fs.link(path, this.#pathOf(next))
    } catch (error) {
      own.release()
      if (!isFileSystemError(error, 'AlreadyExists', 'NotFound')) throw error
      return undefined
    }
    // At the old name there may have been another's file, linked for a moment by rule 1.
    const isOurs = this.#fs.statusOf(file).links >= 2
    this.#remove(isOurs ? path : this.#pathOf(next))
    if (isOurs) return new OwnGeneration(this.#fs, this, next, file, format(state, owner).length)
    own.close()
    return undefined
  }

  /** Removes generations below `generation`, which the caller holds, in ascending order. */
  removeBelow(generation: number): void {
    for (const number of this.numbers()) {
      if (number < generation) this.#remove(this.#pathOf(number))
    }
  }

  #pathOf(generation: number): string {
    return `${this.path}/${numberName(generation)}`
  }

  #create(path: string, state: GenerationState, owner: GenerationOwner): FileDescriptor {
    const bytes = Buffer.from(format(state, owner))
    const file = this.#fs.open(path, 'create')
    try {
      let written = 0
      while (written < bytes.byteLength) {
        const count = this.#fs.write(file, bytes, written, bytes.byteLength - written, written)
        if (count <= 0) throw new FileSystemError('ENOSPC', 'write', path)
        written += count
      }
      return file
    } catch (error) {
      this.#close(file)
      this.#remove(path)
      throw error
    }
  }

  #close(file: FileDescriptor): void {
    this.#fs.close(file)
  }

  #remove(path: string): void {
    try {
      this.#fs.unlink(path)
    } catch (error) {
      if (!isFileSystemError(error, 'NotFound')) throw error
    }
  }
}
