/** Peers that replace one file: the caller names the file and brings the text. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadPeer } from '../load-peer.js'
import { type Contender, names } from './contender.js'

type WriteFile = (path: string, text: string) => Promise<unknown>

const fileWriter = (name: string, load: () => Promise<WriteFile>): Contender => ({
  name,
  async open(directory) {
    await mkdir(directory, { recursive: true })
    const writeFile = await load()
    const fileOf = (key: string): string => join(directory, `${key}.json`)
    return {
      async set(key, document) {
        await writeFile(fileOf(key), JSON.stringify(document))
        return undefined
      },
      get: async (key) => JSON.parse(await readFile(fileOf(key), 'utf8')),
      close: async () => {},
    }
  },
})

export const fileWriters: readonly Contender[] = [
  fileWriter(names.writeFileAtomic, async () => {
    const { default: writeFile } = await loadPeer<{ default: WriteFile }>('write-file-atomic')
    return writeFile
  }),
  fileWriter('atomically', async () => {
    const { writeFile } = await loadPeer<{ writeFile: WriteFile }>('atomically')
    return writeFile
  }),
]
