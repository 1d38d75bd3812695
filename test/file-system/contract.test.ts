import { describe, expect, it } from 'vitest'
import { isFileSystemError } from '../../src/errors/index.js'
import { describeContract, expectFailure, failureOf, text, utf8 } from './contract-subjects.js'

// Above any limit of open files: a number just closed might be in use again elsewhere.
const noDescriptor = 1_000_000_000

describeContract(({ fs, at, symlink, writeWhole, readWhole, makeDirectory, inodeOf }) => {
  /** Runs `change` with the directory's time set far back; whether the time moved. */
  async function touches(path: string, change: () => Promise<unknown>): Promise<boolean> {
    const directory = await fs.open(path, 'directory')
    await fs.setModifiedTime(directory, 1_000_000)
    await change()
    const { modifiedMicros } = await fs.statusOf(directory)
    await fs.close(directory)
    return modifiedMicros > 1_000_000
  }

  describe('open', () => {
    it('creates a file once', async () => {
      await writeWhole(at('file'), 'first')
      await expectFailure(fs.open(at('file'), 'create'), 'AlreadyExists')
      expect(await readWhole(at('file'))).toBe('first')
    })

    it('lets one of many concurrent creators win', async () => {
      const tries = await Promise.allSettled(
        Array.from({ length: 8 }, () => fs.open(at('file'), 'create')),
      )
      const won = tries.filter((result) => result.status === 'fulfilled')
      const lost = tries.filter((result) => result.status === 'rejected')
      expect(won).toHaveLength(1)
      expect(lost.every(({ reason }) => isFileSystemError(reason, 'AlreadyExists'))).toBe(true)
      for (const { value } of won) await fs.close(value)
    })

    it('does not create over a directory or through a symlink', async () => {
      await makeDirectory(at('directory'))
      symlink('nothing', at('dangling'))
      await expectFailure(fs.open(at('directory'), 'create'), 'AlreadyExists')
      await expectFailure(fs.open(at('dangling'), 'create'), 'AlreadyExists')
      expect(await fs.status(at('nothing'))).toBeUndefined()
    })

    it('needs the parent directory', async () => {
      await writeWhole(at('file'), '')
      await expectFailure(fs.open(at('missing', 'file'), 'create'), 'NotFound')
      await expectFailure(fs.open(at('file', 'file'), 'create'), 'NotADirectory')
    })

    it('reads and updates only what exists', async () => {
      await expectFailure(fs.open(at('missing'), 'read'), 'NotFound')
      await expectFailure(fs.open(at('missing'), 'update'), 'NotFound')
      await expectFailure(fs.open(at('missing'), 'directory'), 'NotFound')
      await makeDirectory(at('directory'))
      await expectFailure(fs.open(at('directory'), 'update'), 'IsDirectory')
    })

    it('refuses a symlink at the end of the path', async () => {
      await writeWhole(at('file'), 'content')
      symlink('file', at('link'))
      await expectFailure(fs.open(at('link'), 'read'), 'TooManySymlinks')
      await expectFailure(fs.open(at('link'), 'update'), 'TooManySymlinks')
    })

    it('follows symlinks within the path', async () => {
      await makeDirectory(at('directory'))
      await writeWhole(at('directory', 'file'), 'content')
      symlink('directory', at('link'))
      const file = await fs.open(at('link', 'file'), 'read')
      expect((await fs.statusOf(file)).size).toBe(7)
      await fs.close(file)
    })

    it('writes only through create and update', async () => {
      await writeWhole(at('file'), 'content')
      const reader = await fs.open(at('file'), 'read')
      await expectFailure(fs.write(reader, utf8('x'), 0, 1, 0), 'Invalid')
      await expectFailure(fs.truncate(reader, 0), 'Invalid')
      await fs.close(reader)
      const writer = await fs.open(at('file'), 'update')
      expect(await fs.write(writer, utf8('C'), 0, 1, 0)).toBe(1)
      await fs.close(writer)
      expect(await readWhole(at('file'))).toBe('Content')
    })

    it('opens a directory to sync it', async () => {
      const directory = await fs.open(at(), 'directory')
      await fs.sync(directory)
      expect((await fs.statusOf(directory)).kind).toBe('directory')
      await fs.close(directory)
    })

    it('gives a file the mode asked for, 0o600 by default', async () => {
      for (const mode of [0o600, 0o400, 0o700]) {
        const path = at(`mode-${mode}`)
        await fs.close(await fs.open(path, 'create', mode))
        expect((await fs.status(path))?.mode).toBe(mode)
      }
      await writeWhole(at('default'), '')
      expect((await fs.status(at('default')))?.mode).toBe(0o600)
    })
  })

  describe('read and write', () => {
    it('round-trips bytes at any position', async () => {
      const file = await fs.open(at('file'), 'create')
      expect(await fs.write(file, utf8('--hello--'), 2, 5, 0)).toBe(5)
      expect(await fs.write(file, utf8('LL'), 0, 2, 2)).toBe(2)
      expect(await fs.write(file, utf8('!'), 0, 1, 5)).toBe(1)
      const buffer = utf8('..........')
      expect(await fs.read(file, buffer, 1, 4, 1)).toBe(4)
      expect(text(buffer)).toBe('.eLLo.....')
      await fs.sync(file)
      await fs.close(file)
      expect(await readWhole(at('file'))).toBe('heLLo!')
    })

    it('reads short near the end and nothing at it', async () => {
      const file = await fs.open(at('file'), 'create')
      await fs.write(file, utf8('abc'), 0, 3, 0)
      const buffer = new Uint8Array(8)
      expect(await fs.read(file, buffer, 0, 8, 0)).toBe(3)
      expect(await fs.read(file, buffer, 0, 8, 2)).toBe(1)
      expect(await fs.read(file, buffer, 0, 8, 3)).toBe(0)
      expect(await fs.read(file, buffer, 0, 8, 1000)).toBe(0)
      expect(text(buffer.subarray(0, 3))).toBe('cbc')
      await fs.close(file)
    })

    it('fills what a write skips with zeros', async () => {
      const file = await fs.open(at('file'), 'create')
      await fs.write(file, utf8('x'), 0, 1, 3)
      await fs.close(file)
      expect(await readWhole(at('file'))).toBe('\0\0\0x')
    })

    it('writes nothing when given nothing', async () => {
      const file = await fs.open(at('file'), 'create')
      expect(await fs.write(file, new Uint8Array(4), 0, 0, 10)).toBe(0)
      expect((await fs.statusOf(file)).size).toBe(0)
      await fs.close(file)
    })

    it('keeps what was written when the buffer changes later', async () => {
      const file = await fs.open(at('file'), 'create')
      const buffer = utf8('before')
      await fs.write(file, buffer, 0, 6, 0)
      buffer.fill(0)
      await fs.close(file)
      const content = await fs.readFile(at('file'))
      content.fill(0)
      expect(await readWhole(at('file'))).toBe('before')
    })

    it('holds more than a page', async () => {
      const content = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join('')
      await writeWhole(at('file'), content)
      expect(await readWhole(at('file'))).toBe(content)
    })

    it('is seen by every descriptor of the file', async () => {
      const writer = await fs.open(at('file'), 'create')
      const reader = await fs.open(at('file'), 'read')
      await fs.write(writer, utf8('new'), 0, 3, 0)
      const buffer = new Uint8Array(3)
      expect(await fs.read(reader, buffer, 0, 3, 0)).toBe(3)
      expect(text(buffer)).toBe('new')
      await fs.close(writer)
      await fs.close(reader)
    })

    it('refuses directories', async () => {
      const directory = await fs.open(at(), 'directory')
      await expectFailure(fs.read(directory, new Uint8Array(1), 0, 1, 0), 'IsDirectory')
      await expectFailure(fs.write(directory, new Uint8Array(1), 0, 1, 0), 'Invalid')
      await fs.close(directory)
    })

    it('refuses descriptors that are not open', async () => {
      const buffer = new Uint8Array(1)
      const calls = [
        fs.read(noDescriptor, buffer, 0, 1, 0),
        fs.write(noDescriptor, buffer, 0, 1, 0),
        fs.truncate(noDescriptor, 0),
        fs.setModifiedTime(noDescriptor, 0),
        fs.setMode(noDescriptor, 0o600),
        fs.sync(noDescriptor),
        fs.close(noDescriptor),
        fs.statusOf(noDescriptor),
      ]
      for (const failure of await Promise.all(calls.map(failureOf))) {
        expect(failure).toMatchObject({ errno: 'EBADF', reason: 'Invalid' })
      }
    })
  })

  describe('truncate', () => {
    it('cuts, and grows with zeros even where there was content before', async () => {
      const file = await fs.open(at('file'), 'create')
      await fs.write(file, utf8('abcdef'), 0, 6, 0)
      await fs.truncate(file, 2)
      expect((await fs.statusOf(file)).size).toBe(2)
      await fs.truncate(file, 5)
      await fs.close(file)
      expect(await readWhole(at('file'))).toBe('ab\0\0\0')
    })
  })

  describe('status', () => {
    it('is undefined when there is nothing', async () => {
      expect(await fs.status(at('missing'))).toBeUndefined()
      expect(await fs.status(at('missing', 'below'))).toBeUndefined()
    })

    it('tells kind, size and identity', async () => {
      await writeWhole(at('file'), 'content')
      await makeDirectory(at('directory'))
      symlink('file', at('link'))
      const file = await fs.status(at('file'))
      expect(file).toMatchObject({ kind: 'file', size: 7, links: 1, mode: 0o600 })
      expect(file?.inode).toMatch(/^\d+$/)
      expect(Number.isSafeInteger(file?.modifiedMicros)).toBe(true)
      expect(await fs.status(at('directory'))).toMatchObject({ kind: 'directory', mode: 0o700 })
      expect(await fs.status(at('link'))).toMatchObject({ kind: 'symlink', size: 4 })
      const inodes = await Promise.all(
        ['file', 'directory', 'link'].map((name) => inodeOf(at(name))),
      )
      expect(new Set(inodes).size).toBe(3)
    })

    it('is the same by path and by descriptor', async () => {
      await writeWhole(at('file'), 'content')
      const file = await fs.open(at('file'), 'read')
      expect(await fs.statusOf(file)).toEqual(await fs.status(at('file')))
      await fs.close(file)
    })

    it('does not follow a symlink, unless a slash after it asks for the directory', async () => {
      await makeDirectory(at('directory'))
      symlink('directory', at('link'))
      expect((await fs.status(at('link')))?.kind).toBe('symlink')
      expect((await fs.status(`${at('link')}/`))?.kind).toBe('directory')
    })

    it('keeps the mode set later', async () => {
      const file = await fs.open(at('file'), 'create')
      for (const mode of [0o644, 0o640, 0o777, 0o400, 0o600]) {
        await fs.setMode(file, mode)
        expect((await fs.statusOf(file)).mode).toBe(mode)
      }
      await fs.close(file)
    })
  })

  describe('modification time', () => {
    it('is kept exactly to the microsecond', async () => {
      const file = await fs.open(at('file'), 'create')
      const wanted = [0, 1, 999_999, 1_000_000, 1_700_000_000_000_000, 4_102_444_799_999_999]
      for (let index = 0; index < 600; index += 1) {
        wanted.push(1_000_000_000_000_000 + index * 5_000_000_999_983 + index)
      }
      const kept: number[] = []
      for (const micros of wanted) {
        await fs.setModifiedTime(file, micros)
        kept.push((await fs.statusOf(file)).modifiedMicros)
      }
      await fs.close(file)
      expect(kept).toEqual(wanted)
    })

    it('moves on with a write and a truncation, not with a read', async () => {
      const file = await fs.open(at('file'), 'create')
      const old = 1_000_001
      const modified = async (): Promise<number> => (await fs.statusOf(file)).modifiedMicros
      await fs.setModifiedTime(file, old)
      await fs.write(file, utf8('x'), 0, 1, 0)
      expect(await modified()).toBeGreaterThan(old)
      await fs.setModifiedTime(file, old)
      await fs.truncate(file, 0)
      expect(await modified()).toBeGreaterThan(old)
      await fs.setModifiedTime(file, old)
      await fs.read(file, new Uint8Array(1), 0, 1, 0)
      await fs.readFile(at('file'))
      await fs.setMode(file, 0o640)
      expect(await modified()).toBe(old)
      await fs.close(file)
    })

    it('of a directory moves on when its entries change', async () => {
      await makeDirectory(at('a'))
      await makeDirectory(at('b'))
      expect(await touches(at('a'), () => writeWhole(at('a', 'file'), 'x'))).toBe(true)
      expect(await touches(at('a'), () => fs.readFile(at('a', 'file')))).toBe(false)
      expect(await touches(at('b'), () => fs.rename(at('a', 'file'), at('b', 'file')))).toBe(true)
      expect(await touches(at('b'), () => fs.link(at('b', 'file'), at('a', 'link')))).toBe(false)
      expect(await touches(at('b'), () => fs.unlink(at('b', 'file')))).toBe(true)
      expect(await touches(at('b'), () => makeDirectory(at('b', 'c')))).toBe(true)
      expect(await touches(at('b'), () => fs.removeDirectory(at('b', 'c')))).toBe(true)
    })
  })

  describe('readFile', () => {
    it('reads a regular file and nothing else', async () => {
      await writeWhole(at('file'), 'content')
      await writeWhole(at('empty'), '')
      symlink('file', at('link'))
      expect(await readWhole(at('file'))).toBe('content')
      expect(await readWhole(at('empty'))).toBe('')
      await expectFailure(fs.readFile(at('missing')), 'NotFound')
      await expectFailure(fs.readFile(at()), 'IsDirectory')
      await expectFailure(fs.readFile(at('link')), 'TooManySymlinks')
      await expectFailure(fs.readFile(at('file', 'below')), 'NotADirectory')
    })
  })
})
