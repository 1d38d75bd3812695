import { expect, it } from 'vitest'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { openStateStore } from '../../src/store/index.js'
import { alteredFileSystem } from '../atomic-write/altered-file-system.js'

it.each([
  ['power', 1],
  ['process', 0],
] as const)(
  '100 appends that wait together cost, with durability %s, one write and %i syncs',
  async (durability, syncs) => {
    const calls: string[] = []
    const fileSystem = alteredFileSystem(new MemoryFileSystem(), ({ operation, args }) => {
      if (operation === 'sync') calls.push('sync')
      // Marks of the lease are written as well, but are no records.
      if (operation === 'write' && Buffer.from(args[1] as Uint8Array).includes('"id":'))
        calls.push('write')
      return args
    })
    const store = await openStateStore('/store', { fileSystem, durability })
    const log = store.log<number>('x')
    await log.append(-1)
    calls.length = 0
    const receipts = await Promise.all(Array.from({ length: 100 }, (_, n) => log.append(n)))
    expect(calls).toEqual(['write', ...Array.from({ length: syncs }, () => 'sync')])
    expect(new Set(receipts.map(({ id }) => id)).size).toBe(100)
    const data = (await log.query().toArray()).map((event) => event.data)
    expect(data).toEqual(Array.from({ length: 101 }, (_, n) => n - 1))
    await store.close()
  },
)
