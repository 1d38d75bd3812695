import properLockfile from 'proper-lockfile'
import { toFileSystemError } from '../../errors/index.js'
import type { FileOperations } from '../../file-system/index.js'
import type { FileLock, Turn } from '../file-lock.js'
import { type GenerationCeiling, numberName, parseNumberName } from '../generation-ceiling.js'
import type { GenerationOwner } from '../generation-owner.js'

export interface ProperLockfileLockOptions {
  readonly fs: FileOperations
  /** On the real file system; `proper-lockfile` knows no other. */
  readonly directory: string
  readonly ceiling: GenerationCeiling
  readonly ttlMs: number
}

/**
 * Turns by the package `proper-lockfile`. Every turn is a generation of its own: the lock does not
 * tell whether somebody else had it in between. The numbers stand as empty files beside it.
 */
export class ProperLockfileLock implements FileLock {
  readonly name = 'proper-lockfile'
  readonly supports = { fencing: false }
  readonly blockedBy: GenerationOwner | undefined = undefined
  readonly #options: ProperLockfileLockOptions
  #release: (() => void) | undefined
  #compromised = false

  constructor(options: ProperLockfileLockOptions) {
    this.#options = options
  }

  tryEnter(): Turn | undefined {
    const { directory, ttlMs } = this.#options
    try {
      this.#compromised = false
      this.#release = properLockfile.lockSync(directory, {
        lockfilePath: `${directory}/proper.lock`,
        realpath: false,
        // The package refuses less than two seconds.
        stale: Math.max(ttlMs, 2000),
        // Its default throws out of a timer and ends the process.
        onCompromised: () => {
          this.#compromised = true
        },
      })
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ELOCKED') return undefined
      throw toFileSystemError(error, 'lockSync', directory)
    }
    return { generation: this.#nextGeneration(), fresh: true, tookOver: false }
  }

  leave(): void {
    const release = this.#release
    this.#release = undefined
    if (release === undefined || this.#compromised) return
    try {
      release()
    } catch (error) {
      // Whoever took it over has it now; this lock does not fence, so there is nothing to undo.
      const code = (error as { code?: unknown }).code
      if (code !== 'ERELEASED' && code !== 'ENOTACQUIRED' && code !== 'ECOMPROMISED') throw error
    }
  }

  /** The package updates its lock by itself. */
  beat(): void {}

  /** The package has no line to stand in. */
  stopWaiting(): void {}

  release(): void {
    this.leave()
  }

  /** It has no way to tell the next one. */
  abandon(): void {
    this.leave()
  }

  #nextGeneration(): number {
    const { ceiling, directory, fs } = this.#options
    let highest = ceiling.base
    const older: string[] = []
    for (const { name } of fs.readDirectory(directory)) {
      const number = parseNumberName(name)
      if (number === undefined) continue
      highest = Math.max(highest, number)
      older.push(`${directory}/${name}`)
    }
    const next = highest + 1
    ceiling.cover(next)
    fs.close(fs.open(`${directory}/${numberName(next)}`, 'create'))
    for (const path of older) fs.unlink(path)
    return next
  }
}
