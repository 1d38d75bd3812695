import { cpus, loadavg, release, totalmem } from 'node:os'
import { fileSystemType, fsyncMedianMs } from './disk.js'

/** What a reader must know of the machine to make sense of the figures. */
export interface Environment {
  readonly date: string
  readonly node: string
  readonly platform: string
  readonly cpus: number
  readonly cpuModel: string
  readonly memoryBytes: number
  readonly fileSystem: string
  readonly fsyncMedianMs: number
  /** Of the last minute, before the run: other work on the machine. */
  readonly loadBefore: number
}

export async function describeEnvironment(directory: string): Promise<Environment> {
  const processors = cpus()
  const [loadBefore = 0] = loadavg()
  return {
    date: new Date().toISOString(),
    node: process.version,
    platform: `${process.platform} ${release()} ${process.arch}`,
    cpus: processors.length,
    cpuModel: processors[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    fileSystem: await fileSystemType(directory),
    fsyncMedianMs: await fsyncMedianMs(directory),
    loadBefore,
  }
}

export function environmentText(environment: Environment): string {
  const { date, node, platform, cpus: count, cpuModel, fileSystem } = environment
  const lines = [
    `${date}  node ${node}  ${platform}  ${count} x ${cpuModel}`,
    `file system ${fileSystem}, one fsync ${environment.fsyncMedianMs.toFixed(2)} ms, load before ${environment.loadBefore.toFixed(2)}`,
  ]
  if (fileSystem === 'tmpfs') {
    lines.push('tmpfs syncs nothing: figures of durable writes mean nothing here; use --dir')
  }
  return lines.join('\n')
}
