import { describe, expect, it } from 'vitest'
import { isStateStoreError } from '../../src/errors/index.js'
import { openStateStore, type StateStore } from '../../src/store/index.js'
import { memoryDisk } from '../full-disk/small-disks.js'

const data = 'x'.repeat(20_000)

const change = (store: StateStore, n: number): Promise<void> =>
  store.transaction((tx) => {
    tx.set(store.collection('tasks'), 'a', { n })
    tx.append(store.log('x'), 'noted', { n, data })
  })

describe('a commit of a document and a record', () => {
  it('leaves nothing in the log but its record', async () => {
    const { directory, fileSystem } = memoryDisk(4096)
    const store = await openStateStore(directory, { fileSystem })
    for (let n = 0; n < 3; n++) await change(store, n)
    await store.close()
    const text = Buffer.from(fileSystem.blocking.readFile(`${directory}/logs/x.jsonl`)).toString()
    expect(text.split('\n').map((line) => line.slice(0, 7))).toEqual([
      ...Array.from({ length: 3 }, () => '{"id":"'),
      '',
    ])
    const staged = fileSystem.blocking
      .readDirectory(`${directory}/.holdfast/domains`)
      .flatMap(({ name }) =>
        fileSystem.blocking.readDirectory(`${directory}/.holdfast/domains/${name}/writers`),
      )
    expect(staged).toEqual([])
  })

  it('is made or refused as a whole, however little space is left', async () => {
    const fates = { made: 0, refused: 0 }
    for (let freeBytes = 0; freeBytes < 120_000; freeBytes += 1500) {
      const disk = memoryDisk(2048)
      const { blocking } = disk.fileSystem
      const store = await openStateStore(disk.directory, { fileSystem: disk.fileSystem })
      await change(store, 0)
      disk.fill()
      // With its reserve a store would not notice.
      blocking.unlink(`${disk.directory}/.holdfast/reserve`)
      disk.fill()
      const ballast = blocking.open('/ballast', 'update')
      blocking.truncate(ballast, blocking.statusOf(ballast).size - freeBytes)
      blocking.close(ballast)
      try {
        await change(store, 1)
        fates.made += 1
      } catch (error) {
        if (!isStateStoreError(error, 'STATE_IO')) throw error
        expect(error.commitState, `${freeBytes} bytes free`).toBe('not-committed')
        fates.refused += 1
        disk.empty()
        await change(store, 1)
      }
      disk.empty()
      const events = await store.log<{ n: number }>('x').query().toArray()
      expect(events.map((event) => event.data.n)).toEqual([0, 1])
      expect(await store.collection('tasks').get('a')).toEqual({ n: 1 })
      await store.close()
    }
    expect(fates.made).toBeGreaterThan(3)
    expect(fates.refused).toBeGreaterThan(3)
  })
})
