import { spawnSync } from 'node:child_process'
import { type FileHandle, mkdir, mkdtemp, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { quantile } from './statistics.js'

/**
 * Writes back what earlier slices left dirty. Without it a journaling file system makes the next
 * contender's fsync pay for those who did not sync.
 */
export function settleDisk(): void {
  spawnSync('sync', { stdio: 'ignore' })
}

export async function makeDataDirectory(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true })
  return mkdtemp(join(parent, 'data-'))
}

export const removeDataDirectory = (directory: string): Promise<void> =>
  rm(directory, { recursive: true, force: true, maxRetries: 5 })

const knownTypes: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'tmpfs'],
  [0x0000ef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlayfs'],
  [0x6969, 'nfs'],
])

export async function fileSystemType(directory: string): Promise<string> {
  const { type } = await statfs(directory)
  return knownTypes.get(type) ?? `0x${type.toString(16)}`
}

async function timeSync(file: FileHandle, bytes: Uint8Array): Promise<number> {
  await file.write(bytes, 0, bytes.length, 0)
  const start = performance.now()
  await file.sync()
  return performance.now() - start
}

/** What one fsync costs here: the yardstick by which figures of two machines can be compared. */
export async function fsyncMedianMs(directory: string): Promise<number> {
  const file = await open(join(directory, 'fsync-probe'), 'w')
  try {
    const samples: number[] = []
    for (let round = 0; round < 100; round += 1) {
      samples.push(await timeSync(file, Buffer.alloc(1000, round)))
    }
    return quantile(samples, 0.5)
  } finally {
    await file.close()
  }
}
