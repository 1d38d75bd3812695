/**
 * Who a process is, so that others can judge whether it still lives.
 *
 * A pid alone proves nothing: it may belong to another boot, to another container on the same
 * volume, or to a later process that was given the same number. Evidence of death is only a missing
 * pid, or one with another start time, seen from the same boot and the same pid namespace. Linux
 * shows all of that under /proc. Elsewhere only a pid that nobody has is evidence, and only among
 * processes of one host.
 */
import { hostname } from 'node:os'
import { type FileSystem, NodeFileSystem } from '../file-system/index.js'

export interface ProcessIdentity {
  readonly pid: number
  readonly host: string
  readonly bootId?: string | undefined
  readonly pidNamespace?: string | undefined
  /** Ticks between boot and the start of the process, as /proc tells it. */
  readonly startTime?: string | undefined
}

export type Liveness = 'alive' | 'dead' | 'unknown'

export interface ProcessTable {
  readonly self: ProcessIdentity
  liveness(other: Partial<ProcessIdentity>): Liveness
}

const startTimeField = 22

/**
 * Where the system shows neither boots nor start times, a pid that nobody has is still evidence on the
 * same host; one that somebody has is none.
 */
function livenessWithoutBoots(self: ProcessIdentity, other: Partial<ProcessIdentity>): Liveness {
  if (other.bootId !== undefined || other.host !== self.host || other.pid === undefined) {
    return 'unknown'
  }
  return hasNobody(other.pid) ? 'dead' : 'unknown'
}

function hasNobody(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as { code?: unknown }).code === 'ESRCH'
  }
}

/** Reads /proc through a file system, so that tests can show another one. */
export function processTable(fileSystem: FileSystem = new NodeFileSystem()): ProcessTable {
  const { blocking } = fileSystem
  const read = (path: string): string | undefined => {
    try {
      return Buffer.from(blocking.readFile(path)).toString('utf8').trim()
    } catch {
      return undefined
    }
  }
  const startTimeOf = (pid: number): string | undefined => {
    const line = read(`/proc/${pid}/stat`)
    // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
    return line?.slice(line.lastIndexOf(')') + 2).split(' ')[startTimeField - 3]
  }
  const namespace = (): string | undefined => {
    try {
      return blocking.readLink('/proc/self/ns/pid')
    } catch {
      return undefined
    }
  }
  const self: ProcessIdentity = {
    pid: process.pid,
    host: hostname(),
    bootId: read('/proc/sys/kernel/random/boot_id'),
    pidNamespace: namespace(),
    startTime: startTimeOf(process.pid),
  }
  return {
    self,
    liveness: (other) => {
      if (self.bootId === undefined) return livenessWithoutBoots(self, other)
      if (other.bootId !== self.bootId) return 'unknown'
      if (self.pidNamespace === undefined || other.pidNamespace !== self.pidNamespace)
        return 'unknown'
      if (other.pid === undefined || other.startTime === undefined) return 'unknown'
      const startTime = startTimeOf(other.pid)
      if (startTime === other.startTime) return 'alive'
      // What cannot be read is no evidence: /proc may hide others, or we have no descriptor left.
      return startTime !== undefined || hasNobody(other.pid) ? 'dead' : 'unknown'
    },
  }
}
