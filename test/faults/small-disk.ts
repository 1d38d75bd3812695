import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export interface SmallDisk extends Disposable {
  /** Removes everything that is on it. */
  clear(): void
}

/** A small disk in memory, mounted over a directory; undefined where that is not permitted. */
export function mountSmallDisk(directory: string, bytes: number): SmallDisk | undefined {
  try {
    const options = `size=${bytes},mode=0700`
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return {
    clear: () => {
      for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true })
    },
    [Symbol.dispose]: () => {
      // Lazily: a descriptor may still be open.
      execFileSync('umount', ['-l', directory])
    },
  }
}
