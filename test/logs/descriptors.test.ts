import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { FaultInjectingFileSystem } from '../../src/testing/index.js'
import { openStore, refusalOf } from '../faults/opened-store.js'

async function openedLog() {
  const disk = new FaultInjectingFileSystem(new MemoryFileSystem())
  const { store } = await openStore({ fileSystem: disk })
  return { disk, log: store.log<object>('x'), store }
}

describe('a log whose disk fails', () => {
  it('closes what it has opened to read, but could not look at', async () => {
    const { disk, log, store } = await openedLog()
    await log.append({ n: 1 })
    disk.inject({ operation: 'statusOf', path: /x\.jsonl$/, errno: 'EIO' })
    expect(await refusalOf(log.query().toArray())).toMatchObject({ errno: 'EIO' })
    await store.close()
    expect(disk.openFiles).toEqual([])
  })

  it('closes what it has created, but could not adopt', async () => {
    const { disk, log, store } = await openedLog()
    // The manifest that is not there is looked at once the file is open.
    disk.inject()
    await store.log<object>('same').append({ n: 1 })
    const looks = disk.calls.filter(
      ({ operation, path }) => operation === 'status' && path.endsWith('logs/same.json'),
    )
    disk.inject({
      operation: 'status',
      path: /logs\/x\.json$/,
      nth: looks.length,
      errno: 'EIO',
    })
    expect(await refusalOf(log.append({ n: 1 }))).toMatchObject({ errno: 'EIO' })
    expect(disk.struck).toHaveLength(1)
    await store.close()
    expect(disk.openFiles).toEqual([])
  })
})
