import { describe, expect, it } from 'vitest'
import type { FileOperations } from '../../src/file-system/index.js'
import {
  CrashSimulatingFileSystem,
  type CrashSimulatingFileSystemOptions,
} from '../../src/testing/index.js'

const clock = { now: () => 0 }
const disk = (options: CrashSimulatingFileSystemOptions = {}) =>
  new CrashSimulatingFileSystem({ clock, ...options })

function write(fs: FileOperations, path: string, text: string, ...syncs: string[]): void {
  const file = fs.open(path, fs.status(path) === undefined ? 'create' : 'update')
  fs.write(file, Buffer.from(text), 0, text.length, 0)
  if (syncs.includes('file')) fs.sync(file)
  fs.close(file)
  if (syncs.includes('name')) syncDirectory(fs)
}

function syncDirectory(fs: FileOperations): void {
  const directory = fs.open('/', 'directory')
  fs.sync(directory)
  fs.close(directory)
}

/** All that may be found now, as `name=content`, each once. */
function found(disk: CrashSimulatingFileSystem): string[] {
  const states = [...disk.crashStates({ from: disk.moment })].map(({ restart }) => {
    const { blocking } = restart()
    const files = blocking.readDirectory('/').map(({ name }) => {
      const text = Buffer.from(blocking.readFile(`/${name}`)).toString('latin1')
      return `${name}=${text.replaceAll('\0', '0')}`
    })
    return files.sort().join(' ')
  })
  return [...new Set(states)].sort()
}

describe('what a power cut may leave', () => {
  it('is a new file, nothing of it, its name alone, or zeros', () => {
    const one = disk()
    write(one.blocking, '/a', 'new')
    expect(found(one)).toEqual(['', 'a=', 'a=000', 'a=new'])
  })

  it('is no name without a sync of the directory, and no data without one of the file', () => {
    const named = disk()
    write(named.blocking, '/a', 'new', 'name')
    expect(found(named)).toEqual(['a=', 'a=000', 'a=new'])
    const synced = disk()
    write(synced.blocking, '/a', 'new', 'file')
    expect(found(synced)).toEqual(['', 'a=new'])
    write(synced.blocking, '/b', 'b', 'file', 'name')
    expect(found(synced)).toEqual(['a=new b=b'])
  })

  it('is cut at sectors, in any order, or by rule in that of writing', () => {
    const contents = (dataRule: 'any' | 'prefix'): string[] => {
      const one = disk({ sectorBytes: 2, dataRule })
      write(one.blocking, '/a', 'abcd', 'name')
      return found(one)
    }
    expect(contents('prefix')).toEqual(['a=', 'a=0000', 'a=ab', 'a=ab00', 'a=abcd'])
    expect(contents('any')).toEqual(['a=', 'a=0000', 'a=00cd', 'a=ab', 'a=ab00', 'a=abcd'])
  })

  it('keeps any changes of a directory, or by rule the oldest', () => {
    const names = (directoryRule: 'any' | 'prefix'): string[] => {
      const one = disk({ directoryRule })
      for (const name of ['a', 'b']) write(one.blocking, `/${name}`, '', 'file')
      return found(one)
    }
    expect(names('prefix')).toEqual(['', 'a=', 'a= b='])
    expect(names('any')).toEqual(['', 'a=', 'a= b=', 'b='])
  })

  it('is either file after a rename over another, never none', () => {
    const one = disk()
    for (const name of ['old', 'new']) write(one.blocking, `/${name}`, name, 'file', 'name')
    one.blocking.rename('/new', '/old')
    expect(found(one)).toEqual(['new=new old=old', 'old=new'])
  })

  it('is half of a rename from a directory to another', () => {
    const one = disk()
    one.blocking.makeDirectory('/d', 0o700)
    write(one.blocking, '/a', 'a', 'file', 'name')
    one.blocking.rename('/a', '/d/a')
    const states = [...one.crashStates({ from: one.moment })].map(({ restart }) => {
      const { blocking } = restart()
      return ['/a', '/d/a'].filter((path) => blocking.status(path) !== undefined).join()
    })
    expect(states.sort()).toEqual(['', '/a', '/a,/d/a', '/d/a'])
  })

  it('has lost what a failed sync was for, although it can be read and a later sync succeeds', () => {
    const one = disk()
    write(one.blocking, '/a', 'old', 'file', 'name')
    one.failNextSync()
    expect(() => write(one.blocking, '/a', 'newer', 'file')).toThrow('EIO')
    expect(Buffer.from(one.blocking.readFile('/a')).toString()).toBe('newer')
    const file = one.blocking.open('/a', 'update')
    one.blocking.sync(file)
    expect(found(one)).toEqual(['a=old00'])
    one.blocking.write(file, Buffer.from('again'), 0, 5, 0)
    one.blocking.sync(file)
    expect(found(one)).toEqual(['a=again'])
  })

  it('is all there once it has settled', () => {
    const one = disk()
    write(one.blocking, '/a', 'new')
    one.settle()
    expect(found(one)).toEqual(['a=new'])
  })

  it('can be cut again, with the inodes that were there', () => {
    const one = disk()
    write(one.blocking, '/a', 'a', 'file', 'name')
    const [state] = [...one.crashStates({ from: one.moment })]
    const again = state?.restart({ clock }) ?? disk()
    expect(again.blocking.status('/a')?.inode).toBe(one.blocking.status('/a')?.inode)
    write(again.blocking, '/b', 'b', 'file')
    expect(again.blocking.status('/b')?.inode).not.toBe(one.blocking.status('/a')?.inode)
    expect(found(again)).toEqual(['a=a', 'a=a b=b'])
  })

  it('is told each disk once a moment, the same for the same seed', () => {
    const one = disk({ sectorBytes: 2 })
    for (const name of ['a', 'b', 'c']) write(one.blocking, `/${name}`, 'some text')
    const ids = (seed: number): string[] =>
      [...one.crashStates({ seed, combinations: 50 })].map(({ id, moment }) => `${moment} ${id}`)
    expect(new Set(ids(1)).size).toBe(ids(1).length)
    expect(ids(1)).toEqual(ids(1))
    expect(ids(2)).not.toEqual(ids(1))
  })
})
