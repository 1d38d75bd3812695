import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { MemoryFileSystem } from '../../../src/file-system/index.js'
import { describeStores, openIn } from './stores.js'

describeStores('backups', (open) => {
  it('are the versions before, oldest first', async () => {
    const tasks = (await open()).collection<number>('tasks')
    expect(await tasks.backups('a')).toEqual([])
    for (const n of [1, 2, 3]) await tasks.set('a', n)
    const backups = await tasks.backups('a')
    const values = await Promise.all(backups.map(({ id }) => tasks.readBackup('a', id)))
    expect(values.map(({ value }) => value)).toEqual([1, 2])
    expect(values.map(({ key }) => key)).toEqual(['a', 'a'])
  })

  it('are restored as a new revision, and the replaced version is kept in turn', async () => {
    const tasks = (await open()).collection<string>('tasks')
    await tasks.set('a', 'first')
    const { revision } = await tasks.set('a', 'second')
    const [backup] = await tasks.backups('a')
    const receipt = await tasks.restore('a', backup?.id ?? '')
    expect(receipt.revision).not.toBe(revision)
    expect(await tasks.read('a')).toMatchObject({ value: 'first', revision: receipt.revision })
    expect(await tasks.backups('a')).toHaveLength(2)
  })

  it('are restored after a delete', async () => {
    const tasks = (await open()).collection<string>('tasks')
    await tasks.set('a', 'gone')
    await tasks.delete('a')
    const [backup] = await tasks.backups('a')
    await tasks.restore('a', backup?.id ?? '', { ifRevision: null })
    expect(await tasks.get('a')).toBe('gone')
  })

  it('are restored under a condition', async () => {
    const tasks = (await open()).collection<string>('tasks')
    const { revision } = await tasks.set('a', 'first')
    await tasks.set('a', 'second')
    const [backup] = await tasks.backups('a')
    await expect(
      tasks.restore('a', backup?.id ?? '', { ifRevision: revision }),
    ).rejects.toMatchObject({ code: 'STATE_REVISION_CONFLICT' })
    expect(await tasks.get('a')).toBe('second')
  })

  it('must fit the schema', async () => {
    const store = await open()
    const raw = store.collection('tasks')
    await raw.set('a', 'text')
    await raw.set('a', 1)
    const [backup] = await raw.backups('a')
    const tasks = store.collection('tasks', { schema: z.number() })
    const misfit = { code: 'STATE_VALIDATION_FAILED' }
    await expect(tasks.readBackup('a', backup?.id ?? '')).rejects.toMatchObject(misfit)
    await expect(tasks.restore('a', backup?.id ?? '')).rejects.toMatchObject(misfit)
    expect(await tasks.get('a')).toBe(1)
  })

  it('that are not there cannot be had', async () => {
    const tasks = (await open()).collection('tasks')
    await tasks.set('a', 1)
    await expect(tasks.readBackup('a', 'none')).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
    await expect(tasks.restore('a', 'none')).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
  })

  it('are as many as were asked for', async () => {
    const store = await open({ backups: 3 })
    const tasks = store.collection<number>('tasks')
    for (let n = 0; n < 12; n++) await tasks.set('a', n)
    const backups = await tasks.backups('a')
    // Old ones go behind the writer's back.
    expect(backups.length).toBeGreaterThanOrEqual(3)
    expect(backups.length).toBeLessThanOrEqual(6)
    const newest = backups.at(-1)
    expect((await tasks.readBackup('a', newest?.id ?? '')).value).toBe(10)
  })

  it('are none when none were asked for', async () => {
    const tasks = (await open({ backups: 0 })).collection<number>('tasks')
    for (let n = 0; n < 3; n++) await tasks.set('a', n)
    await tasks.delete('a')
    expect(await tasks.backups('a')).toEqual([])
  })
})

describe('backups on files', () => {
  it('stay within bounds although each process writes but a few', async () => {
    const fileSystem = new MemoryFileSystem()
    for (let n = 0; n < 20; n++) {
      const store = await openIn(fileSystem, { backups: { keep: 3 } })
      await store.collection<number>('tasks').set('a', n)
      await store.close()
    }
    const store = await openIn(fileSystem)
    const backups = await store.collection<number>('tasks').backups('a')
    expect(backups).toHaveLength(3)
  })

  it('stay within bounds when all writes block', async () => {
    const fileSystem = new MemoryFileSystem()
    const store = await openIn(fileSystem, { backups: { keep: 3 } })
    const tasks = store.collection<number>('tasks')
    for (let round = 0; round < 10; round++) {
      for (let n = 0; n < 3; n++) tasks.setSync('a', n)
      // Old ones go behind the writer's back.
      await store.verify()
    }
    await store.close()
    const again = await openIn(fileSystem)
    expect((await again.collection('tasks').backups('a')).length).toBeLessThanOrEqual(6)
  })
})
