import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { reasonThrownBy, text, thrownBy, utf8 } from './contract-subjects.js'

describe('MemoryFileSystem', () => {
  const record = 256
  const create = (memory: MemoryFileSystem, path: string, size = 0): void => {
    const file = memory.blocking.open(path, 'create')
    memory.blocking.truncate(file, size)
    memory.blocking.close(file)
  }

  describe('capacity', () => {
    it('counts content, inodes and directory entries', () => {
      const memory = new MemoryFileSystem()
      expect(memory.usedBytes).toBe(0)
      create(memory, '/file', 100)
      expect(memory.usedBytes).toBe(2 * record + 100)
      memory.blocking.link('/file', '/link')
      expect(memory.usedBytes).toBe(3 * record + 100)
      memory.blocking.makeDirectory('/directory', 0o700)
      expect(memory.usedBytes).toBe(5 * record + 100)
      memory.symlink('file', '/symlink')
      expect(memory.usedBytes).toBe(7 * record + 104)
      memory.blocking.rename('/link', '/directory/link')
      expect(memory.usedBytes).toBe(7 * record + 104)
      for (const path of ['/symlink', '/directory/link', '/file']) memory.blocking.unlink(path)
      memory.blocking.removeDirectory('/directory')
      expect(memory.usedBytes).toBe(0)
    })

    it('writes what fits, then fails, and overwrites in place', () => {
      const memory = new MemoryFileSystem({ capacityBytes: 2 * record + 10 })
      const { blocking } = memory
      const file = blocking.open('/file', 'create')
      const bytes = utf8('0123456789abcdef')
      expect(blocking.write(file, bytes, 0, 16, 0)).toBe(10)
      const error = thrownBy(() => blocking.write(file, bytes, 10, 6, 10))
      expect(error).toMatchObject({ errno: 'ENOSPC', operation: 'write', path: '/file' })
      expect(blocking.write(file, bytes, 10, 6, 0)).toBe(6)
      expect(text(blocking.readFile('/file'))).toBe('abcdef6789')
      expect(blocking.write(file, bytes, 0, 4, 8)).toBe(2)
      expect(reasonThrownBy(() => blocking.truncate(file, 11))).toBe('DiskFull')
      expect(blocking.statusOf(file).size).toBe(10)
      expect(memory.usedBytes).toBe(2 * record + 10)
    })

    it('counts the gap before a write as content', () => {
      const memory = new MemoryFileSystem({ capacityBytes: 2 * record + 10 })
      const { blocking } = memory
      const file = blocking.open('/file', 'create')
      expect(reasonThrownBy(() => blocking.write(file, utf8('x'), 0, 1, 10))).toBe('DiskFull')
      expect(blocking.statusOf(file).size).toBe(0)
      expect(blocking.write(file, utf8('xyz'), 0, 3, 8)).toBe(2)
      expect(memory.usedBytes).toBe(2 * record + 10)
    })

    it('refuses new names when full, and allows what needs no space', () => {
      const memory = new MemoryFileSystem({ capacityBytes: 2 * record })
      const { blocking } = memory
      create(memory, '/file')
      const refused = [
        () => blocking.open('/new', 'create'),
        () => blocking.makeDirectory('/new', 0o700),
        () => blocking.link('/file', '/new'),
        () => memory.symlink('file', '/new'),
      ]
      expect(refused.map(reasonThrownBy)).toEqual(refused.map(() => 'DiskFull'))
      expect(blocking.readDirectory('/')).toEqual([{ name: 'file', kind: 'file' }])
      blocking.rename('/file', '/renamed')
      blocking.unlink('/renamed')
      expect(memory.usedBytes).toBe(0)
      create(memory, '/new')
    })

    it('is returned with the last name and the last descriptor', () => {
      const memory = new MemoryFileSystem()
      const { blocking } = memory
      create(memory, '/file', 100)
      blocking.link('/file', '/link')
      const first = blocking.open('/file', 'update')
      const second = blocking.open('/file', 'read')
      blocking.unlink('/file')
      blocking.unlink('/link')
      expect(memory.usedBytes).toBe(record + 100)
      blocking.truncate(first, 40)
      expect(memory.usedBytes).toBe(record + 40)
      blocking.close(first)
      expect(memory.usedBytes).toBe(record + 40)
      blocking.close(second)
      expect(memory.usedBytes).toBe(0)
    })

    it('is returned by what a rename replaces', () => {
      const memory = new MemoryFileSystem()
      create(memory, '/old', 1000)
      create(memory, '/new', 10)
      memory.blocking.rename('/new', '/old')
      expect(memory.usedBytes).toBe(2 * record + 10)
    })

    it('can be changed later, below what is used as well', () => {
      const memory = new MemoryFileSystem()
      const { blocking } = memory
      create(memory, '/file', 100)
      memory.setCapacity(10)
      expect(reasonThrownBy(() => create(memory, '/new'))).toBe('DiskFull')
      const file = blocking.open('/file', 'update')
      expect(blocking.write(file, utf8('x'), 0, 1, 99)).toBe(1)
      expect(reasonThrownBy(() => blocking.write(file, utf8('x'), 0, 1, 100))).toBe('DiskFull')
      memory.setCapacity(undefined)
      create(memory, '/new', 1_000_000)
      expect(memory.usedBytes).toBe(4 * record + 1_000_100)
    })

    it('bounds the size of a file even where there is none', () => {
      const { blocking } = new MemoryFileSystem()
      const file = blocking.open('/file', 'create')
      const calls = [
        () => blocking.truncate(file, 1e15),
        () => blocking.write(file, utf8('x'), 0, 1, 1e15),
      ]
      expect(calls.map(thrownBy)).toMatchObject([{ errno: 'EFBIG' }, { errno: 'EFBIG' }])
    })
  })

  describe('case-insensitive names', () => {
    const composed = 'Caf\u00e9'
    const decomposed = 'cAFE\u0301'

    it('are found in any case and normalisation, and keep their spelling', () => {
      const memory = new MemoryFileSystem({ caseInsensitive: true })
      const { blocking } = memory
      blocking.makeDirectory('/Straße', 0o700)
      create(memory, `/Straße/${composed}`, 3)
      expect(blocking.status(`/STRASSE/${decomposed}`)?.size).toBe(3)
      expect(blocking.realPath(`/strasse/${decomposed}`)).toBe(`/Straße/${composed}`)
      expect(blocking.readDirectory('/strasse')).toEqual([{ name: composed, kind: 'file' }])
      memory.symlink('STRASSE', '/link')
      expect(blocking.realPath(`/LINK/${decomposed}`)).toBe(`/Straße/${composed}`)
    })

    it('collide', () => {
      const memory = new MemoryFileSystem({ caseInsensitive: true })
      const { blocking } = memory
      create(memory, '/file')
      const calls = [
        () => blocking.open('/FILE', 'create'),
        () => blocking.makeDirectory('/File', 0o700),
        () => blocking.link('/file', '/fIle'),
        () => memory.symlink('x', '/fiLe'),
      ]
      expect(calls.map(reasonThrownBy)).toEqual(calls.map(() => 'AlreadyExists'))
      blocking.unlink('/FILE')
      expect(blocking.readDirectory('/')).toEqual([])
    })

    it('are respelled by a rename to themselves', () => {
      const memory = new MemoryFileSystem({ caseInsensitive: true })
      const { blocking } = memory
      create(memory, '/file', 3)
      blocking.rename('/file', '/FILE')
      blocking.makeDirectory('/directory', 0o700)
      blocking.rename('/directory', '/Directory')
      const names = blocking.readDirectory('/').map((entry) => entry.name)
      expect(names).toEqual(['FILE', 'Directory'])
      expect(blocking.status('/file')).toMatchObject({ size: 3, links: 1 })
      expect(memory.usedBytes).toBe(4 * record + 3)
    })

    it('are not the default', () => {
      const memory = new MemoryFileSystem()
      for (const path of ['/file', '/FILE', `/${composed}`, '/Cafe\u0301']) create(memory, path)
      expect(memory.blocking.readDirectory('/')).toHaveLength(4)
    })
  })

  it('takes its times from the clock', () => {
    let nowMs = 5000
    const { blocking } = new MemoryFileSystem({ clock: { now: () => nowMs } })
    const file = blocking.open('/file', 'create')
    expect(blocking.statusOf(file).modifiedMicros).toBe(5_000_000)
    nowMs = 6000.25
    blocking.write(file, utf8('x'), 0, 1, 0)
    expect(blocking.statusOf(file).modifiedMicros).toBe(6_000_250)
    expect(blocking.status('/')?.modifiedMicros).toBe(5_000_000)
  })

  it('starts with a root, and numbers inodes upwards without ever reusing one', () => {
    const memory = new MemoryFileSystem()
    const { blocking } = memory
    expect(blocking.status('/')).toMatchObject({ kind: 'directory', mode: 0o755 })
    const inodes = Array.from({ length: 5 }, () => {
      create(memory, '/file')
      const inode = Number(blocking.status('/file')?.inode)
      blocking.unlink('/file')
      return inode
    })
    expect(new Set(inodes).size).toBe(5)
    expect([...inodes].sort((a, b) => a - b)).toEqual(inodes)
  })

  it('never reuses a descriptor', () => {
    const memory = new MemoryFileSystem()
    const { blocking } = memory
    create(memory, '/file')
    const file = blocking.open('/file', 'read')
    blocking.close(file)
    blocking.open('/file', 'read')
    expect(thrownBy(() => blocking.statusOf(file))).toMatchObject({ errno: 'EBADF' })
  })

  it('applies no umask and enforces no mode', () => {
    const { blocking } = new MemoryFileSystem()
    blocking.close(blocking.open('/file', 'create', 0o777))
    expect(blocking.status('/file')?.mode).toBe(0o777)
    blocking.makeDirectory('/directory', 0)
    blocking.close(blocking.open('/directory/file', 'create', 0))
    expect(blocking.readFile('/directory/file')).toHaveLength(0)
  })

  it('counts the links of directories', () => {
    const { blocking } = new MemoryFileSystem()
    blocking.makeDirectory('/a', 0o700)
    blocking.makeDirectory('/a/b', 0o700)
    expect(blocking.status('/')?.links).toBe(3)
    expect(blocking.status('/a')?.links).toBe(3)
    blocking.rename('/a/b', '/b')
    expect(blocking.status('/')?.links).toBe(4)
    expect(blocking.status('/a')?.links).toBe(2)
    const directory = blocking.open('/b', 'directory')
    blocking.removeDirectory('/b')
    expect(blocking.statusOf(directory).links).toBe(0)
    expect(blocking.status('/')?.links).toBe(3)
  })

  it('follows forty symlinks and no more', () => {
    const memory = new MemoryFileSystem()
    memory.blocking.makeDirectory('/link-0', 0o700)
    for (let index = 1; index <= 41; index += 1) {
      memory.symlink(`link-${index - 1}`, `/link-${index}`)
    }
    expect(memory.blocking.realPath('/link-40')).toBe('/link-0')
    expect(reasonThrownBy(() => memory.blocking.realPath('/link-41'))).toBe('TooManySymlinks')
  })

  it('refuses what is no path, no span and no size', () => {
    const { blocking } = new MemoryFileSystem()
    const file = blocking.open('/file', 'create')
    const buffer = new Uint8Array(4)
    const calls = [
      () => blocking.status('/a\0b'),
      () => blocking.status('relative'),
      () => blocking.read(file, buffer, 2, 3, 0),
      () => blocking.read(file, buffer, 0, 1, -1),
      () => blocking.write(file, buffer, -1, 1, 0),
      () => blocking.write(file, buffer, 0, 1, 0.5),
      () => blocking.truncate(file, -1),
      () => blocking.setModifiedTime(file, 0.5),
      () => blocking.rename('/', '/new'),
      () => blocking.removeDirectory('/.'),
      () => blocking.open('/file', 'directory'),
      () => blocking.open('', 'read'),
    ]
    expect(calls.map(reasonThrownBy)).toEqual([
      ...Array.from({ length: 8 }, () => 'Invalid'),
      'Busy',
      'Invalid',
      'NotADirectory',
      'NotFound',
    ])
  })

  it('yields to the event loop before each promised operation', async () => {
    const memory = new MemoryFileSystem()
    const made = memory.makeDirectory('/directory', 0o700)
    expect(memory.blocking.status('/directory')).toBeUndefined()
    await made
    expect(memory.blocking.status('/directory')?.kind).toBe('directory')
    const order: string[] = []
    const visit = async (name: string): Promise<void> => {
      for (let round = 0; round < 3; round += 1) {
        await memory.status('/')
        order.push(name)
      }
    }
    await Promise.all([visit('a'), visit('b')])
    expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
  })
})
