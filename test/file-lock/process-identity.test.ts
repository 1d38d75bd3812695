import { hostname } from 'node:os'
import { describe, expect, it } from 'vitest'
import { FileSystemError } from '../../src/errors/index.js'
import { type ProcessIdentity, processTable } from '../../src/file-lock/index.js'
import { MemoryFileSystem } from '../../src/file-system/index.js'

/** Greater than any pid that a system gives. */
const nobody = 2 ** 30

const statLine = (pid: number, startTime: string): string =>
  `${pid} (a (b) c) S ${Array.from({ length: 18 }, (_, index) => index).join(' ')} ${startTime} 77 88\n`

const linux = {
  '/proc/sys/kernel/random/boot_id': 'this-boot\n',
  '/proc/self/ns/pid': 'pid:[1]',
  [`/proc/${process.pid}/stat`]: statLine(process.pid, '100'),
  '/proc/4711/stat': statLine(4711, '200'),
}

function tableOver(files: Readonly<Record<string, string>>) {
  const fileSystem = new MemoryFileSystem()
  const read = (path: string): string => {
    const text = files[path]
    if (text === undefined) throw new FileSystemError('ENOENT', 'readFile', path)
    return text
  }
  const blocking = {
    ...fileSystem.blocking,
    readFile: (path: string) => Buffer.from(read(path)),
    readLink: read,
  }
  return processTable({ ...fileSystem, blocking } as unknown as MemoryFileSystem)
}

const known = { bootId: 'this-boot', pidNamespace: 'pid:[1]', pid: 4711, startTime: '200' }

describe('the identity of a process', () => {
  it('is what the system shows', () => {
    expect(tableOver(linux).self).toEqual({
      pid: process.pid,
      host: hostname(),
      bootId: 'this-boot',
      pidNamespace: 'pid:[1]',
      startTime: '100',
    })
  })

  it('lacks what the system does not show', () => {
    const { bootId, pidNamespace, startTime } = tableOver({}).self
    expect([bootId, pidNamespace, startTime]).toEqual([undefined, undefined, undefined])
  })
})

describe('where the system shows boots, a process', () => {
  it.each<[string, Partial<ProcessIdentity>, string]>([
    ['that started when it says', {}, 'alive'],
    ['whose pid has another now', { startTime: '199' }, 'dead'],
    ['whose pid nobody has', { pid: nobody }, 'dead'],
    ['that cannot be read and is there', { pid: process.ppid }, 'unknown'],
    ['of another boot', { bootId: 'other', startTime: '199' }, 'unknown'],
    ['of no known boot', { bootId: undefined, startTime: '199' }, 'unknown'],
    ['of another namespace', { pidNamespace: 'pid:[2]', startTime: '199' }, 'unknown'],
    ['without a pid', { pid: undefined as never, startTime: '199' }, 'unknown'],
    ['without a start', { startTime: undefined }, 'unknown'],
  ])('%s is %s', (_, other, liveness) => {
    expect(tableOver(linux).liveness({ ...known, ...other })).toBe(liveness)
  })

  it('is unknown while our own namespace is', () => {
    const { '/proc/self/ns/pid': _, ...files } = linux
    const other = { ...known, pidNamespace: undefined, startTime: '199' }
    expect(tableOver(files).liveness(other)).toBe('unknown')
  })
})

describe('where the system shows no boots, a process', () => {
  const host = hostname()
  it.each<[string, Partial<ProcessIdentity>, string]>([
    ['whose pid nobody has', { host, pid: nobody }, 'dead'],
    ['whose pid somebody has', { host, pid: process.pid }, 'unknown'],
    ['of another host', { host: `not ${host}`, pid: nobody }, 'unknown'],
    ['without a pid', { host }, 'unknown'],
    ['of a system that shows them', { host, pid: nobody, bootId: 'boot' }, 'unknown'],
  ])('%s is %s', (_, other, liveness) => {
    expect(tableOver({}).liveness(other)).toBe(liveness)
  })
})
