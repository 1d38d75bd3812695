import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { writeFileAtomicWriter } from '../../src/atomic-write/write-file-atomic/index.js'
import { NodeFileSystem } from '../../src/file-system/index.js'
import { openStateStore } from '../../src/store/index.js'
import { alteredFileSystem } from './altered-file-system.js'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-alternative-'))
  folders.push(folder)
  return folder
}

describe('a store with the writer on write-file-atomic', () => {
  it('says that it does not fence', async () => {
    const writer = writeFileAtomicWriter()
    expect(writer).toMatchObject({ name: 'write-file-atomic', supports: { fencing: false } })
    const store = await openStateStore(temporaryFolder(), { writer })
    expect(store.supports.fencing).toBe(false)
    await store.close()
  })

  it('keeps documents as they are, in every kind of write', async () => {
    const directory = temporaryFolder()
    const store = await openStateStore(directory, { writer: writeFileAtomicWriter() })
    const documents = store.collection<{ n: number; text: string }>('docs')
    const long = 'ä'.repeat(300_000)
    await documents.set('set', { n: 1, text: long })
    documents.setSync('setSync', { n: 2, text: 'two' })
    await documents.update('set', (value) => ({ ...value, n: value.n + 10 }))
    await store.transaction((transaction) => {
      transaction.set(documents, 'together', { n: 3, text: 'three' })
      transaction.delete(documents, 'setSync')
    })
    await store.close()
    expect(readdirSync(join(directory, 'docs')).sort()).toEqual(['set.json', 'together.json'])
    const later = await openStateStore(directory)
    const reread = later.collection<{ n: number; text: string }>('docs')
    expect(await reread.get('set')).toEqual({ n: 11, text: long })
    expect(await reread.get('together')).toEqual({ n: 3, text: 'three' })
    await later.close()
  })

  it.each(['promised', 'blocking'] as const)(
    'syncs the directory after the file was replaced, %s',
    async (form) => {
      const directory = temporaryFolder()
      const path = join(directory, 'docs/a.json')
      const opened = new Map<unknown, string>()
      const seenAtSync: string[] = []
      const fileSystem = alteredFileSystem(
        new NodeFileSystem(),
        ({ operation, args }) => {
          const isOfDocuments = opened.get(args[0])?.endsWith('/docs') === true
          if (operation === 'sync' && isOfDocuments) seenAtSync.push(readFileSync(path, 'utf8'))
          return args
        },
        ({ operation, args }, result) => {
          if (operation === 'open') opened.set(result, String(args[0]))
        },
      )
      const writer = writeFileAtomicWriter()
      const store = await openStateStore(directory, { writer, fileSystem })
      const documents = store.collection<string>('docs')
      for (const value of ['first value', 'second value']) {
        seenAtSync.length = 0
        if (form === 'promised') await documents.set('a', value)
        else documents.setSync('a', value)
        expect(seenAtSync.at(-1)).toContain(value)
      }
      await store.close()
    },
  )

  it('tells when the target cannot be replaced', async () => {
    const directory = temporaryFolder()
    const store = await openStateStore(directory, { writer: writeFileAtomicWriter() })
    const documents = store.collection<string>('docs')
    await documents.set('a', 'value')
    rmSync(join(directory, 'docs'), { recursive: true })
    writeFileSync(join(directory, 'docs'), 'a file where the collection was')
    const failure = { code: 'STATE_IO', commitState: 'not-committed' }
    await expect(documents.set('a', 'other')).rejects.toMatchObject(failure)
    await store.close()
  })
})
