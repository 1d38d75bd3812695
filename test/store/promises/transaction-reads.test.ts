/** What transactions promise of their reads beyond test/store/transaction.test.ts. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { MemoryFileSystem } from '../../../src/file-system/index.js'
import type { DocumentAddress, Storage } from '../../../src/storage/index.js'
import { MemoryStorage } from '../../../src/storage/memory/index.js'
import { StateStore, type Transaction } from '../../../src/store/index.js'
import { closedLater, describeStores, openIn } from './stores.js'

const conflict = { code: 'STATE_REVISION_CONFLICT', retryable: true }

describeStores('a transaction', (open) => {
  it('tells documents apart whose names look the same when joined', async () => {
    const store = await open()
    const [left, right] = [store.collection<string>('a'), store.collection<string>('a\0b')]
    await store.transaction(async (tx) => {
      tx.set(left, 'b\0c', 'left')
      tx.set(right, 'c', 'right')
      expect(await tx.get(left, 'b\0c')).toBe('left')
    })
    expect(await left.get('b\0c')).toBe('left')
    expect(await right.get('c')).toBe('right')
  })

  it('has a document that does not fit its schema', async () => {
    const store = await open()
    await store.collection('tasks').set('a', 'text')
    const tasks = store.collection('tasks', { schema: z.number() })
    await store.transaction(async (tx) => {
      expect(await tx.has(tasks, 'a')).toBe(true)
      expect(await tx.has(tasks, 'b')).toBe(false)
      tx.set(tasks, 'b', 1)
      tx.delete(tasks, 'a')
      expect([await tx.has(tasks, 'a'), await tx.has(tasks, 'b')]).toEqual([false, true])
    })
  })

  it('depends on what it merely asked for', async () => {
    const store = await open()
    const tasks = store.collection<number>('tasks')
    let calls = 0
    await store.transaction(async (tx) => {
      calls += 1
      const has = await tx.has(tasks, 'a')
      if (!has) await tasks.set('a', 1)
      tx.set(tasks, 'b', has ? 1 : 0)
    })
    expect(calls).toBe(2)
    expect(await tasks.get('b')).toBe(1)
  })

  it('refuses values at once, and says where', async () => {
    const store = await open()
    const tasks = store.collection('tasks')
    const attempts: readonly [value: unknown, path: string][] = [
      [{ f: () => 1 }, '$.f'],
      [{ when: new Date(0) }, '$.when'],
      [new (class Task {})(), '$'],
    ]
    for (const [value, path] of attempts) {
      await store.transaction((tx) => {
        expect(() => tx.set(tasks, 'a', value)).toThrow(
          expect.objectContaining({
            code: 'STATE_INVALID_VALUE',
            details: expect.objectContaining({ path }),
          }),
        )
      })
    }
    expect(await tasks.list()).toEqual([])
  })
})

describe('a transaction', () => {
  it('reads a document once, however often and at once it is asked for', async () => {
    const inner = new MemoryStorage()
    const address = { collection: 'tasks', key: 'a' }
    const put = (value: number) =>
      inner.commit({ writes: [{ address, change: { kind: 'put', value } }] })
    let reads = 0
    const racing = new Proxy(inner, {
      get(target, name: keyof Storage) {
        const member = target[name]
        if (name !== 'read') return typeof member === 'function' ? member.bind(target) : member
        return async (read: DocumentAddress) => {
          reads += 1
          if (reads === 2) await put(2)
          return target.read(read)
        }
      },
    })
    const store = closedLater(await new StateStore({ storage: racing }).open())
    const tasks = store.collection<number>('tasks')
    await put(1)
    const seen = await store.transaction(async (tx) => {
      const both = await Promise.all([tx.get(tasks, 'a'), tx.get(tasks, 'a')])
      return [...both, await tx.get(tasks, 'a')]
    })
    expect(new Set(seen).size).toBe(1)
  })

  it('on a read-only store gives up after 100 conflicts', async () => {
    const fileSystem = new MemoryFileSystem()
    const store = await openIn(fileSystem)
    const reader = await openIn(fileSystem, { readOnly: true })
    let calls = 0
    const hopeless = reader.transaction(async (tx) => {
      calls += 1
      await tx.get(reader.collection('tasks'), 'a')
      await store.collection('tasks').set('a', calls)
    })
    await expect(hopeless).rejects.toMatchObject(conflict)
    expect(calls).toBe(100)
    expect(await store.locks()).toEqual([])
  })

  it('on a read-only store must not write', async () => {
    const fileSystem = new MemoryFileSystem()
    const store = await openIn(fileSystem)
    await store.collection('tasks').set('a', 1)
    const reader = await openIn(fileSystem, { readOnly: true })
    const tasks = reader.collection('tasks')
    for (const write of [
      (tx: Transaction) => tx.set(tasks, 'a', 2),
      (tx: Transaction) => tx.delete(tasks, 'a'),
    ]) {
      await expect(reader.transaction(write)).rejects.toMatchObject({ code: 'STATE_READ_ONLY' })
    }
    expect(await tasks.get('a')).toBe(1)
  })
})
