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

describe('a sync that fails when a segment is closed', () => {
  it('is not asked for again, though the file could not be written anew', async () => {
    const disk = new FaultInjectingFileSystem(new MemoryFileSystem())
    const { store } = await openStore({ fileSystem: disk, logSegmentBytes: 4096 })
    const log = store.log<object>('x')
    for (const n of [1, 2]) await log.append({ n, text: 'x'.repeat(2500) })
    disk.inject(
      { operation: 'sync', path: /x\.jsonl$/, errno: 'EIO' },
      { operation: 'open', path: /writers/, errno: 'ENOSPC', nth: 1 },
    )
    expect(await refusalOf(log.append({ n: 3 }))).toMatchObject({ commitState: 'not-committed' })
    expect(disk.struck).toHaveLength(2)
    const inode = disk.blocking.status('/store/logs/x.jsonl')?.inode
    disk.inject()
    await log.append({ n: 3 })
    expect(disk.syncedAgain).toEqual([])
    // Nor through another descriptor, which would be told that all is well.
    expect(disk.blocking.status('/store/logs/x.jsonl')?.inode).not.toBe(inode)
    const closed = await log.query().toArray()
    expect(closed.map(({ data }) => (data as { n: number }).n)).toEqual([1, 2, 3])
    expect(disk.blocking.status('/store/logs/x/000001.jsonl')?.inode).not.toBe(inode)
    await store.close()
    expect(disk.openFiles).toEqual([])
  })
})
