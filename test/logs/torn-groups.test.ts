import { statSync, truncateSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { NodeFileSystem } from '../../src/file-system/index.js'
import { openStore } from '../faults/opened-store.js'
import { scratchDirectory } from '../support/campaign.js'

/** More than is read of a file at a time. */
const many = Array.from({ length: 2000 }, (_, n) => ({ data: { n, text: 'text '.repeat(60) } }))

describe('a commit of many records that is being written', () => {
  it('is shown as a whole or not at all, in either direction', async () => {
    const directory = scratchDirectory()
    const { store } = await openStore({ directory, fileSystem: new NodeFileSystem() })
    const path = `${directory}/logs/sent.jsonl`
    const damage: unknown[] = []
    store.on('log:damaged', (place) => damage.push(place))
    const log = store.log('sent')
    const { id } = await log.append('first')
    const start = statSync(path).size
    const ids = (await log.appendAll(many)).map((receipt) => receipt.id)
    const end = statSync(path).size
    const found = async (filter: object): Promise<string[]> =>
      (await log.query(filter).toArray()).map((event) => event.id)
    expect(await found({ reverse: true })).toEqual([id, ...ids].reverse())
    expect(await found({ after: id })).toEqual(ids)
    for (let size = end - 2; size > start; size -= 50_021) {
      truncateSync(path, size)
      expect(await found({})).toEqual([id])
      expect(await found({ reverse: true })).toEqual([id])
      expect(await found({ after: id })).toEqual([])
    }
    expect(damage).toEqual([])
    await store.close()
  })
})
