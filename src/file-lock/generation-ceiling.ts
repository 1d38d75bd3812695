/**
 * Keeps generation numbers rising across power cuts.
 *
 * Generation files are not synced (a lock must be fast), so a power cut can take the newest ones
 * away. Therefore no number is used unless a ceiling at or above it is durable: an empty file named by
 * the number, created and synced with its directory before. Ceilings are reserved in blocks. After a
 * reboot, numbering goes on above the ceiling of that moment, the *base* of the boot: whatever was
 * used before is at or below it.
 *
 *     ceilings/0000000000016384   every number used is at or below the highest of these
 *     boots/<boot id>             the base of that boot, written twice so that damage shows
 */
import { isFileSystemError } from '../errors/index.js'
import type { FileOperations } from '../file-system/index.js'

const blockSize = 16_384
const digits = 16

/** One number a file name, fixed width, so that listings sort. */
export const numberName = (value: number): string => value.toString().padStart(digits, '0')

/** The number a file name stands for, or undefined for a foreign file. */
export const parseNumberName = (name: string): number | undefined =>
  /^\d{16}$/.test(name) && Number.isSafeInteger(Number(name)) ? Number(name) : undefined

/** Creates a directory unless it is there. */
export function ensureDirectory(fs: FileOperations, path: string, mode = 0o700): boolean {
  try {
    fs.makeDirectory(path, mode)
    return true
  } catch (error) {
    if (!isFileSystemError(error, 'AlreadyExists')) throw error
    return false
  }
}

/** Makes a directory's entries durable, blocking. */
export function syncDirectoryBlocking(fs: FileOperations, path: string): void {
  const directory = fs.open(path, 'directory')
  try {
    fs.sync(directory)
  } finally {
    fs.close(directory)
  }
}

export class GenerationCeiling {
  readonly #fs: FileOperations
  readonly #ceilings: string
  readonly #boots: string
  #known = 0
  #base: number | undefined

  /**
   * `durable` holds the ceilings and goes along with a copy of the store, `local` holds what is known of
   * boots; both exist. `bootId` is undefined where the system does not tell it.
   */
  constructor(
    fs: FileOperations,
    durable: string,
    local: string,
    readonly bootId: string | undefined,
  ) {
    this.#fs = fs
    this.#ceilings = `${durable}/ceilings`
    this.#boots = `${local}/boots`
  }

  /** Every number used before this boot (before this opening, where boots cannot be told apart) is at or below it. */
  get base(): number {
    this.#base ??= this.bootId === undefined ? this.#highest() : this.#baseOf(this.bootId)
    return this.#base
  }

  /**
   * Returns once `number` may be used: a durable ceiling covers it. Syncs at the first call and once in
   * 16,384 numbers.
   */
  cover(number: number): void {
    if (number <= this.#known) return
    const highest = this.#highest()
    if (number <= highest) {
      // Whoever raised it may have died before it was durable.
      syncDirectoryBlocking(this.#fs, this.#ceilings)
      this.#known = highest
      return
    }
    const ceiling = number + blockSize
    this.#raise(ceiling)
    this.#known = ceiling
  }

  #highest(): number {
    ensureDirectory(this.#fs, this.#ceilings)
    let highest = 0
    for (const { name } of this.#fs.readDirectory(this.#ceilings)) {
      highest = Math.max(highest, parseNumberName(name) ?? 0)
    }
    return highest
  }

  #raise(ceiling: number): void {
    try {
      const file = this.#fs.open(`${this.#ceilings}/${numberName(ceiling)}`, 'create')
      try {
        this.#fs.sync(file)
      } finally {
        this.#fs.close(file)
      }
    } catch (error) {
      if (!isFileSystemError(error, 'AlreadyExists')) throw error
    }
    syncDirectoryBlocking(this.#fs, this.#ceilings)
    for (const { name } of this.#fs.readDirectory(this.#ceilings)) {
      const number = parseNumberName(name)
      if (number === undefined || number >= ceiling) continue
      try {
        this.#fs.unlink(`${this.#ceilings}/${name}`)
      } catch (error) {
        if (!isFileSystemError(error, 'NotFound')) throw error
      }
    }
  }

  /** The first opener in a boot fixes its base; all others read it. */
  #baseOf(bootId: string): number {
    ensureDirectory(this.#fs, this.#boots)
    const path = `${this.#boots}/${bootId}`
    const base = this.#highest()
    let file: number
    try {
      file = this.#fs.open(path, 'create')
    } catch (error) {
      if (!isFileSystemError(error, 'AlreadyExists')) throw error
      return this.#readBase(path) ?? base
    }
    try {
      const bytes = Buffer.from(`${numberName(base)} ${numberName(base)}\n`)
      this.#fs.write(file, bytes, 0, bytes.byteLength, 0)
    } finally {
      this.#fs.close(file)
    }
    return base
  }

  /**
   * Undefined when the file is damaged or still being written. Every ceiling of this boot serves as
   * a base too; a fixed one merely keeps each new name from using up a block.
   */
  #readBase(path: string): number | undefined {
    const text = Buffer.from(this.#fs.readFile(path)).toString('utf8')
    const [first = '', second = ''] = text.trim().split(' ')
    const base = first === second ? parseNumberName(first) : undefined
    // Ceilings rise: it was the highest of them once.
    return base !== undefined && base <= this.#highest() ? base : undefined
  }
}
