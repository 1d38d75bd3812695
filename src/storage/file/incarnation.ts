/**
 * An incarnation is one opened store as the others see it: a staging directory, made once and never
 * again. Every file it makes visible is renamed out of there, and every file it removes is renamed
 * into there. So whoever empties and removes that directory has taken its power to write.
 *
 * Renaming the directory away stops renames that have not started; one that is already in the kernel
 * still lands, possibly after its successor has read. Only when the directory is empty and `rmdir` has
 * succeeded has every such rename landed or failed (measured: of 20,000 aligned renames 10,699 landed
 * late without the second half, of 80,000 none with it).
 */
import { FileSystemError, isFileSystemError, StateStoreError } from '../../errors/index.js'
import {
  type GenerationOwner,
  isIncarnation,
  type ProcessTable,
  parseOwner,
} from '../../file-lock/index.js'
import type { FileOperations } from '../../file-system/index.js'

const revokedSuffix = '.revoked'
const ownerSuffix = '.json'
const drainTries = 1000

export interface IncarnationFacts {
  readonly fs: FileOperations
  /** The directory of all staging directories. */
  readonly writers: string
  readonly id: string
  readonly owner: GenerationOwner
}

/** This store's own incarnation. */
export class Incarnation {
  readonly #fs: FileOperations
  readonly #writers: string
  readonly #staging: string
  readonly id: string
  readonly owner: GenerationOwner
  #next = 0

  /** Registers: creates the staging directory, and beside it who it belongs to. */
  constructor({ fs, writers, id, owner }: IncarnationFacts) {
    this.#fs = fs
    this.#writers = writers
    this.#staging = `${writers}/${id}`
    this.id = id
    this.owner = owner
    this.#writeOwner()
    fs.makeDirectory(this.#staging, 0o700)
  }

  /** A path in the staging directory that was never used. */
  nextPath(): string {
    this.#next += 1
    return `${this.#staging}/${this.#next}`
  }

  isRevoked(): boolean {
    return this.#fs.status(this.#staging) === undefined
  }

  /** Gives up the power to write; returns when nothing more can become visible. */
  retire(): void {
    revokeIncarnation(this.#fs, this.#writers, this.id)
  }

  #writeOwner(): void {
    const bytes = Buffer.from(`${JSON.stringify(this.owner)}\n`)
    const file = this.#fs.open(`${this.#staging}${ownerSuffix}`, 'create')
    try {
      for (let done = 0; done < bytes.byteLength; ) {
        const count = this.#fs.write(file, bytes, done, bytes.byteLength - done, done)
        if (count <= 0) throw new FileSystemError('ENOSPC', 'write', this.#staging)
        done += count
      }
    } finally {
      this.#fs.close(file)
    }
  }
}

function quietly(call: () => void, ...expected: readonly ('NotFound' | 'NotEmpty')[]): boolean {
  try {
    call()
    return true
  } catch (error) {
    if (isFileSystemError(error, ...expected)) return false
    throw error
  }
}

function emptyDirectory(fs: FileOperations, path: string): void {
  for (const { name, kind } of fs.readDirectory(path)) {
    const entry = `${path}/${name}`
    if (kind === 'directory') {
      quietly(() => emptyDirectory(fs, entry), 'NotFound')
      quietly(() => fs.removeDirectory(entry), 'NotFound', 'NotEmpty')
    } else {
      quietly(() => fs.unlink(entry), 'NotFound')
    }
  }
}

/** Empties and removes a directory until that succeeds. */
function drain(fs: FileOperations, path: string): void {
  for (let tries = 1; ; tries++) {
    if (!quietly(() => emptyDirectory(fs, path), 'NotFound')) return
    if (quietly(() => fs.removeDirectory(path), 'NotFound', 'NotEmpty')) return
    if (fs.status(path) === undefined) return
    if (tries >= drainTries) {
      throw new StateStoreError({
        code: 'STATE_TAKEOVER_FAILED',
        message: `The staging directory of a former writer cannot be emptied: ${path}`,
        operation: 'revoke',
        path,
        retryable: true,
        hint: 'Something keeps creating files there. Nothing was written.',
      })
    }
  }
}

/**
 * Takes an incarnation's power to write. Returns when everything it had begun to rename has landed or
 * failed. Idempotent; several may do it at once, and one may finish what another began.
 */
export function revokeIncarnation(fs: FileOperations, writers: string, id: string): void {
  const staging = `${writers}/${id}`
  const revoked = `${staging}${revokedSuffix}`
  try {
    quietly(() => fs.rename(staging, revoked), 'NotFound')
    drain(fs, revoked)
    quietly(() => fs.unlink(`${staging}${ownerSuffix}`), 'NotFound')
  } catch (error) {
    if (!isFileSystemError(error)) throw error
    throw new StateStoreError({
      code: 'STATE_TAKEOVER_FAILED',
      message: `A former writer could not be revoked: ${staging}`,
      operation: 'revoke',
      path: staging,
      retryable: true,
      hint: 'Nothing was written. Check the permissions of the .holdfast directory.',
      cause: error,
    })
  }
}

/** The ids of all incarnations that are registered or half removed. What else stands there is not ours. */
export function listIncarnations(fs: FileOperations, writers: string): string[] {
  const ids = new Set<string>()
  for (const { name } of fs.readDirectory(writers)) {
    if (name.endsWith(revokedSuffix)) ids.add(name.slice(0, -revokedSuffix.length))
    else if (name.endsWith(ownerSuffix)) ids.add(name.slice(0, -ownerSuffix.length))
    else ids.add(name)
  }
  return [...ids].filter(isIncarnation)
}

function ownerOf(fs: FileOperations, writers: string, id: string): GenerationOwner {
  try {
    return parseOwner(Buffer.from(fs.readFile(`${writers}/${id}${ownerSuffix}`)).toString('utf8'))
  } catch (error) {
    if (isFileSystemError(error)) return {}
    throw error
  }
}

/** Whether a dead writer left it: its process is proven dead, of an earlier boot, or it is half removed. */
function isAbandoned(
  fs: FileOperations,
  writers: string,
  id: string,
  processes: ProcessTable,
): boolean {
  if (fs.status(`${writers}/${id}${revokedSuffix}`) !== undefined) return true
  const owner = ownerOf(fs, writers, id)
  // Died or lost power while it said whose it is; if it is just saying so, it registers anew.
  if (owner.incarnation === undefined) return true
  const earlierBoot = owner.bootId !== undefined && owner.bootId !== processes.self.bootId
  return earlierBoot || processes.liveness(owner) === 'dead'
}

/** Removes what dead writers left. A writer that was taken for dead by mistake registers anew. */
export function sweepIncarnations(
  fs: FileOperations,
  writers: string,
  processes: ProcessTable,
): number {
  let swept = 0
  for (const id of listIncarnations(fs, writers)) {
    if (!isAbandoned(fs, writers, id, processes)) continue
    revokeIncarnation(fs, writers, id)
    swept += 1
  }
  return swept
}
