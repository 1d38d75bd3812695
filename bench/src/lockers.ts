/** Named locks between processes. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openHoldfast } from './holdfast.js'
import { loadPeer } from './load-peer.js'

export interface Grant {
  /** Undefined where the lock has no fencing token. */
  readonly token: number | undefined
  release(): Promise<void>
}

export interface Locker {
  acquire(name: string): Promise<Grant>
  close(): Promise<void>
}

export interface LockContender {
  readonly name: string
  readonly own?: boolean
  open(directory: string): Promise<Locker>
}

const patienceMs = 120_000

const holdfastLock: LockContender = {
  name: 'holdfast',
  own: true,
  async open(directory) {
    const store = await openHoldfast(join(directory, 'store'))
    return {
      async acquire(name) {
        const lease = await store.lock(name, { ttlMs: 30_000, waitMs: patienceMs })
        return { token: lease.token, release: () => lease.release() }
      },
      close: () => store.close(),
    }
  },
}

interface ProperLockfileModule {
  readonly default: {
    lock(
      file: string,
      options: {
        readonly stale: number
        readonly realpath: boolean
        readonly retries: {
          readonly forever: boolean
          readonly minTimeout: number
          readonly maxTimeout: number
        }
      },
    ): Promise<() => Promise<void>>
  }
}

const properLockfile: LockContender = {
  name: 'proper-lockfile',
  async open(directory) {
    const { default: lockfile } = await loadPeer<ProperLockfileModule>('proper-lockfile')
    return {
      async acquire(name) {
        const release = await lockfile.lock(join(directory, name), {
          stale: 30_000,
          // One call less, and its shortest waits: it is to be compared at its best.
          realpath: false,
          retries: { forever: true, minTimeout: 1, maxTimeout: 5 },
        })
        return { token: undefined, release }
      },
      close: async () => {},
    }
  },
}

export const lockContenders: readonly LockContender[] = [holdfastLock, properLockfile]

/** The counter that all increment while they hold the lock: two at once lose an increment. */
export const oracleFile = (directory: string): string => join(directory, 'oracle')

export const makeOracle = (directory: string): Promise<void> =>
  writeFile(oracleFile(directory), new Uint8Array(8))
