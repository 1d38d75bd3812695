import { describe, expect, it } from 'vitest'
import { ensureDirectory, GenerationCeiling, numberName } from '../../src/file-lock/index.js'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { alteredFileSystem } from '../atomic-write/altered-file-system.js'

function setUp() {
  const fileSystem = new MemoryFileSystem()
  const raw = fileSystem.blocking
  for (const path of ['/durable', '/local']) raw.makeDirectory(path, 0o700)
  const synced: unknown[] = []
  const { blocking } = alteredFileSystem(fileSystem, ({ operation, args }) => {
    if (operation === 'sync') synced.push(args[0])
    return args
  })
  return {
    raw,
    synced,
    ceilings: () => raw.readDirectory('/durable/ceilings').map(({ name }) => Number(name)),
    open: (bootId?: string) => new GenerationCeiling(blocking, '/durable', '/local', bootId),
  }
}

describe('a ceiling', () => {
  it('is raised in blocks, each synced with its directory, and replaces the one before', () => {
    const { ceilings, open, synced } = setUp()
    const ceiling = open('boot')
    ceiling.cover(1)
    expect(ceilings()).toEqual([16_385])
    expect(synced).toHaveLength(2)
    ceiling.cover(16_385)
    expect(synced).toHaveLength(2)
    ceiling.cover(16_386)
    expect(ceilings()).toEqual([32_770])
    expect(synced).toHaveLength(4)
  })

  it('is synced once by an opener that finds it', () => {
    const { ceilings, open, synced } = setUp()
    open('boot').cover(1)
    const other = open('boot')
    other.cover(16_385)
    other.cover(2)
    expect(ceilings()).toEqual([16_385])
    expect(synced).toHaveLength(3)
  })

  it('is the base of later boots, and of no boot that has one', () => {
    const { open } = setUp()
    expect(open('first').base).toBe(0)
    open('first').cover(1)
    expect(open('first').base).toBe(0)
    expect(open('second').base).toBe(16_385)
    expect(open().base).toBe(16_385)
  })

  it.each(['', `${numberName(1)} ${numberName(2)}\n`, 'nothing nothing\n'])(
    'serves as base where what was noted is damaged: %j',
    (text) => {
      const { open, raw } = setUp()
      open('boot').cover(1)
      raw.makeDirectory('/local/boots', 0o700)
      const file = raw.open('/local/boots/boot', 'create')
      raw.write(file, Buffer.from(text), 0, text.length, 0)
      expect(open('boot').base).toBe(16_385)
    },
  )

  it('is not confused by a file of somebody else, and keeps it', () => {
    const { open, raw } = setUp()
    raw.makeDirectory('/durable/ceilings', 0o700)
    raw.close(raw.open('/durable/ceilings/notes.txt', 'create'))
    open('boot').cover(1)
    expect(open('later').base).toBe(16_385)
    expect(raw.status('/durable/ceilings/notes.txt')).toBeDefined()
  })
})

describe('a directory that must be there', () => {
  it('is made once', () => {
    const { raw } = setUp()
    expect(ensureDirectory(raw, '/made')).toBe(true)
    expect(ensureDirectory(raw, '/made')).toBe(false)
    expect(() => ensureDirectory(raw, '/missing/made')).toThrow()
  })
})
