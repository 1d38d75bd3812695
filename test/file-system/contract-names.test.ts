import { describe, expect, it } from 'vitest'
import { describeContract, expectFailure, failureOf, text, utf8 } from './contract-subjects.js'

describeContract(
  ({ fs, at, symlink, writeWhole, readWhole, makeDirectory, inodeOf, linksOf, namesIn }) => {
    describe('rename', () => {
      it('moves a file, which stays the same file', async () => {
        await makeDirectory(at('directory'))
        await writeWhole(at('from'), 'content')
        const inode = await inodeOf(at('from'))
        await fs.rename(at('from'), at('directory', 'to'))
        expect(await fs.status(at('from'))).toBeUndefined()
        expect(await inodeOf(at('directory', 'to'))).toBe(inode)
        expect(await readWhole(at('directory', 'to'))).toBe('content')
      })

      it('replaces a file, whose open descriptors keep the old content', async () => {
        await writeWhole(at('old'), 'old')
        await writeWhole(at('new'), 'new')
        const reader = await fs.open(at('old'), 'read')
        await fs.rename(at('new'), at('old'))
        expect(await readWhole(at('old'))).toBe('new')
        expect(await namesIn(at())).toEqual(['old'])
        const buffer = new Uint8Array(3)
        await fs.read(reader, buffer, 0, 3, 0)
        expect(text(buffer)).toBe('old')
        expect((await fs.statusOf(reader)).links).toBe(0)
        await fs.close(reader)
      })

      it('replaces an empty directory by a directory', async () => {
        await makeDirectory(at('from'))
        await writeWhole(at('from', 'file'), 'content')
        await makeDirectory(at('to'))
        await fs.rename(at('from'), at('to'))
        expect(await namesIn(at())).toEqual(['to'])
        expect(await readWhole(at('to', 'file'))).toBe('content')
      })

      it('refuses to replace a full directory', async () => {
        await makeDirectory(at('from'))
        await makeDirectory(at('to'))
        await writeWhole(at('to', 'file'), 'content')
        await expectFailure(fs.rename(at('from'), at('to')), 'NotEmpty')
        expect(await namesIn(at())).toEqual(['from', 'to'])
      })

      it('does not replace a directory by a file or the reverse', async () => {
        await writeWhole(at('file'), 'content')
        await makeDirectory(at('directory'))
        await expectFailure(fs.rename(at('file'), at('directory')), 'IsDirectory')
        await expectFailure(fs.rename(at('directory'), at('file')), 'NotADirectory')
        expect(await namesIn(at())).toEqual(['directory', 'file'])
      })

      it('of two links to one file, or of a path to itself, changes nothing', async () => {
        await writeWhole(at('one'), 'content')
        await fs.link(at('one'), at('two'))
        await fs.rename(at('one'), at('two'))
        await fs.rename(at('one'), at('one'))
        expect(await namesIn(at())).toEqual(['one', 'two'])
        expect(await linksOf(at('one'))).toBe(2)
      })

      it('refuses to move a directory into itself', async () => {
        await makeDirectory(at('a'))
        await makeDirectory(at('a', 'b'))
        await expectFailure(fs.rename(at('a'), at('a', 'c')), 'Invalid')
        await expectFailure(fs.rename(at('a'), at('a', 'b', 'c')), 'Invalid')
        await expectFailure(fs.rename(at('a', 'b'), at('a')), 'NotEmpty')
        expect(await namesIn(at('a'))).toEqual(['b'])
      })

      it('needs the source and the directory of the target', async () => {
        await writeWhole(at('file'), 'content')
        await makeDirectory(at('directory'))
        await fs.removeDirectory(at('directory'))
        await expectFailure(fs.rename(at('missing'), at('to')), 'NotFound')
        await expectFailure(fs.rename(at('file'), at('directory', 'to')), 'NotFound')
        await expectFailure(fs.rename(at('file'), at('file', 'to')), 'NotADirectory')
        expect(await readWhole(at('file'))).toBe('content')
      })

      it('moves and replaces symlinks themselves', async () => {
        await writeWhole(at('file'), 'content')
        await writeWhole(at('other'), 'other')
        symlink('file', at('link'))
        await fs.rename(at('link'), at('moved'))
        expect(await fs.readLink(at('moved'))).toBe('file')
        await fs.rename(at('other'), at('moved'))
        expect(await readWhole(at('moved'))).toBe('other')
        expect(await readWhole(at('file'))).toBe('content')
      })

      it('names operation and path in its error', async () => {
        const failure = await failureOf(fs.rename(at('missing'), at('to')))
        expect(failure).toMatchObject({
          code: 'STATE_IO',
          operation: 'rename',
          path: at('to'),
          errno: 'ENOENT',
          commitState: 'not-committed',
        })
      })
    })

    describe('link and unlink', () => {
      it('count the names of a file', async () => {
        await writeWhole(at('one'), 'content')
        await fs.link(at('one'), at('two'))
        expect(await linksOf(at('one'))).toBe(2)
        expect(await inodeOf(at('two'))).toBe(await inodeOf(at('one')))
        await fs.unlink(at('one'))
        expect(await linksOf(at('two'))).toBe(1)
        expect(await readWhole(at('two'))).toBe('content')
      })

      it('keep an unlinked file for its descriptors', async () => {
        const file = await fs.open(at('file'), 'create')
        await fs.write(file, utf8('old'), 0, 3, 0)
        await fs.unlink(at('file'))
        expect(await fs.status(at('file'))).toBeUndefined()
        expect((await fs.statusOf(file)).links).toBe(0)
        await writeWhole(at('file'), 'new')
        await fs.write(file, utf8('OLDER'), 0, 5, 0)
        const buffer = new Uint8Array(5)
        expect(await fs.read(file, buffer, 0, 5, 0)).toBe(5)
        expect(text(buffer)).toBe('OLDER')
        expect((await fs.statusOf(file)).inode).not.toBe(await inodeOf(at('file')))
        await fs.close(file)
        expect(await readWhole(at('file'))).toBe('new')
      })

      it('link fails when the name is taken, whatever holds it', async () => {
        await writeWhole(at('file'), 'content')
        await writeWhole(at('taken'), 'taken')
        await makeDirectory(at('directory'))
        symlink('nothing', at('dangling'))
        for (const name of ['file', 'taken', 'directory', 'dangling']) {
          await expectFailure(fs.link(at('file'), at(name)), 'AlreadyExists')
        }
        expect(await readWhole(at('taken'))).toBe('taken')
        expect(await linksOf(at('file'))).toBe(1)
      })

      it('link needs a file and a directory to put it in', async () => {
        await writeWhole(at('file'), 'content')
        await makeDirectory(at('directory'))
        await expectFailure(fs.link(at('missing'), at('new')), 'NotFound')
        await expectFailure(fs.link(at('file'), at('missing', 'new')), 'NotFound')
        await expectFailure(fs.link(at('file'), at('file', 'new')), 'NotADirectory')
        await expectFailure(fs.link(at('directory'), at('new')), 'PermissionDenied')
      })

      it('unlink fails where there is no file', async () => {
        await makeDirectory(at('directory'))
        await writeWhole(at('file'), 'content')
        await expectFailure(fs.unlink(at('missing')), 'NotFound')
        await expectFailure(fs.unlink(at('missing', 'below')), 'NotFound')
        await expectFailure(fs.unlink(at('file', 'below')), 'NotADirectory')
        // POSIX says EPERM, Linux EISDIR.
        await expectFailure(fs.unlink(at('directory')), 'IsDirectory', 'PermissionDenied')
      })

      it('unlink removes a symlink, not what it points to', async () => {
        await writeWhole(at('file'), 'content')
        symlink('file', at('link'))
        await fs.unlink(at('link'))
        expect(await namesIn(at())).toEqual(['file'])
      })
    })

    describe('directories', () => {
      it('are created once, below an existing one', async () => {
        await makeDirectory(at('directory'))
        await writeWhole(at('file'), '')
        await expectFailure(makeDirectory(at('directory')), 'AlreadyExists')
        await expectFailure(makeDirectory(at('file')), 'AlreadyExists')
        await expectFailure(makeDirectory(at('missing', 'below')), 'NotFound')
        await expectFailure(makeDirectory(at('file', 'below')), 'NotADirectory')
      })

      it('are removed when empty', async () => {
        await makeDirectory(at('directory'))
        await writeWhole(at('directory', 'file'), '')
        symlink('directory', at('link'))
        await expectFailure(fs.removeDirectory(at('directory')), 'NotEmpty')
        await expectFailure(fs.removeDirectory(at('directory', 'file')), 'NotADirectory')
        await expectFailure(fs.removeDirectory(at('link')), 'NotADirectory')
        await expectFailure(fs.removeDirectory(at('missing')), 'NotFound')
        await fs.unlink(at('directory', 'file'))
        await fs.removeDirectory(at('directory'))
        expect(await fs.status(at('directory'))).toBeUndefined()
        await expectFailure(writeWhole(at('directory', 'file'), ''), 'NotFound')
      })

      it('list names and kinds', async () => {
        await makeDirectory(at('directory'))
        await writeWhole(at('directory', 'file'), '')
        await makeDirectory(at('directory', 'below'))
        symlink('file', at('directory', 'link'))
        symlink('directory', at('alias'))
        const expected = [
          { name: 'below', kind: 'directory' },
          { name: 'file', kind: 'file' },
          { name: 'link', kind: 'symlink' },
        ]
        for (const path of [at('directory'), at('alias'), `${at('directory')}/`]) {
          const entries = await fs.readDirectory(path)
          expect(entries.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual(expected)
        }
        expect(await fs.readDirectory(at('directory', 'below'))).toEqual([])
        await expectFailure(fs.readDirectory(at('missing')), 'NotFound')
        await expectFailure(fs.readDirectory(at('directory', 'file')), 'NotADirectory')
      })
    })

    describe('paths', () => {
      it('resolve symlinks, relative and absolute', async () => {
        await makeDirectory(at('a'))
        await makeDirectory(at('a', 'b'))
        await writeWhole(at('a', 'b', 'file'), 'content')
        symlink('a/b', at('relative'))
        symlink(at('a'), at('absolute'))
        symlink('../b/file', at('a', 'b', 'up'))
        symlink('nothing', at('dangling'))
        const file = at('a', 'b', 'file')
        expect(await fs.realPath(file)).toBe(file)
        expect(await fs.realPath(at('relative', 'file'))).toBe(file)
        expect(await fs.realPath(at('absolute', 'b', 'up'))).toBe(file)
        expect(await fs.realPath(at('relative', '..', '.', 'b', ''))).toBe(at('a', 'b'))
        expect(await fs.realPath('/')).toBe('/')
        expect(await readWhole(at('absolute', 'b', 'file'))).toBe('content')
        expect(await readWhole(at('relative', '..', 'b', 'file'))).toBe('content')
        await expectFailure(fs.realPath(at('dangling')), 'NotFound')
        await expectFailure(fs.realPath(at('missing')), 'NotFound')
        await expectFailure(fs.realPath(at('a', 'b', 'file', 'x')), 'NotADirectory')
      })

      it('give the text of a symlink', async () => {
        await writeWhole(at('file'), '')
        symlink('../any/where', at('link'))
        expect(await fs.readLink(at('link'))).toBe('../any/where')
        await expectFailure(fs.readLink(at('file')), 'Invalid')
        await expectFailure(fs.readLink(at('missing')), 'NotFound')
      })

      it('do not go round in circles', async () => {
        symlink('two', at('one'))
        symlink('one', at('two'))
        expect((await fs.status(at('one')))?.kind).toBe('symlink')
        await expectFailure(fs.realPath(at('one')), 'TooManySymlinks')
        await expectFailure(fs.readDirectory(at('two')), 'TooManySymlinks')
        await expectFailure(fs.readFile(at('one', 'file')), 'TooManySymlinks')
        await expectFailure(fs.open(at('one', 'file'), 'create'), 'TooManySymlinks')
      })

      it('are bounded in length', async () => {
        const longest = 'x'.repeat(255)
        await writeWhole(at(longest), 'content')
        expect(await namesIn(at())).toEqual([longest])
        await expectFailure(fs.status(at(`${longest}x`)), 'NameTooLong')
        await expectFailure(fs.open(at('é'.repeat(128)), 'create'), 'NameTooLong')
        await expectFailure(fs.rename(at(longest), at(`${longest}x`)), 'NameTooLong')
        await expectFailure(fs.status(at('./'.repeat(2100))), 'NameTooLong')
      })

      it('of a file end there, so a slash after it fails', async () => {
        await writeWhole(at('file'), 'content')
        await expectFailure(fs.readFile(`${at('file')}/`), 'NotADirectory')
        await expectFailure(fs.unlink(`${at('file')}/`), 'NotADirectory')
        await expectFailure(fs.rename(at('file'), `${at('new')}/`), 'NotADirectory')
        await fs.makeDirectory(`${at('directory')}/`, 0o700)
        await fs.rename(`${at('directory')}/`, `${at('renamed')}/`)
        await fs.removeDirectory(`${at('renamed')}/`)
        expect(await namesIn(at())).toEqual(['file'])
      })

      it('keep every letter', async () => {
        const names = ['ä', 'Ω', '数据', '🦆', ' spaced ', 'back\\slash', '...', '-']
        for (const name of names) await writeWhole(at(name), name)
        expect(await namesIn(at())).toEqual([...names].sort())
        for (const name of names) expect(await readWhole(at(name))).toBe(name)
      })
    })
  },
)
