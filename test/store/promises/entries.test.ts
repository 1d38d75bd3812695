import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../../src/file-system/index.js'
import type { Storage } from '../../../src/storage/index.js'
import { MemoryStorage } from '../../../src/storage/memory/index.js'
import { StateStore } from '../../../src/store/index.js'
import { readAhead } from '../../../src/store/read-ahead.js'
import {
  closedLater,
  collect,
  damage,
  describeStores,
  fileOf,
  gate,
  openIn,
  turn,
  until,
} from './stores.js'

describeStores('entries', (open) => {
  it('are the documents', async () => {
    const tasks = (await open()).collection<number>('tasks')
    const keys = Array.from({ length: 40 }, (_, n) => `task ${n}`)
    await Promise.all(keys.map((key, n) => tasks.set(key, n)))
    const documents = await collect(tasks.entries())
    expect(documents.map(({ key }) => key).sort()).toEqual([...keys].sort())
    for (const document of documents) expect(document).toEqual(await tasks.read(document.key))
  })

  it('are none of nothing', async () => {
    const tasks = (await open()).collection('tasks')
    expect(await collect(tasks.entries())).toEqual([])
    await tasks.set('a', 1)
    expect(await collect(tasks.entries({ pattern: 'b*' }))).toEqual([])
  })

  it('can be limited by a pattern', async () => {
    const tasks = (await open()).collection<number>('tasks')
    for (const key of ['2026/01', '2026/02', '2025/01']) await tasks.set(key, 1)
    const found = await collect(tasks.entries({ pattern: '2026/*' }))
    expect(found.map(({ key }) => key).sort()).toEqual(['2026/01', '2026/02'])
  })

  it('leave out what was deleted since it was listed', async () => {
    const tasks = (await open()).collection<number>('tasks')
    for (let n = 0; n < 40; n++) await tasks.set(`task ${n}`, n)
    let seen = 0
    for await (const _ of tasks.entries()) {
      seen += 1
      if (seen > 1) continue
      for (const key of await tasks.list()) await tasks.delete(key)
    }
    expect(seen).toBeGreaterThanOrEqual(1)
    expect(seen).toBeLessThan(40)
  })

  it('can be left early', async () => {
    const tasks = (await open()).collection<number>('tasks')
    for (let n = 0; n < 40; n++) await tasks.set(`task ${n}`, n)
    for await (const { value } of tasks.entries()) {
      expect(value).toBeTypeOf('number')
      break
    }
    expect(await collect(tasks.entries())).toHaveLength(40)
  })
})

describe('entries of files', () => {
  it('leave out one that is corrupt, report it, and go on', async () => {
    const fileSystem = new MemoryFileSystem()
    const store = await openIn(fileSystem, { backups: false })
    const tasks = store.collection<{ n: number }>('tasks')
    for (const n of [1, 2, 3]) await tasks.set(`task-${n}`, { n })
    damage(fileSystem, fileOf('tasks', 'task-2'))
    const reports: unknown[] = []
    store.on('state:corrupt', (report) => reports.push(report))
    const found = await collect(tasks.entries())
    expect(found.map(({ key }) => key).sort()).toEqual(['task-1', 'task-3'])
    expect(reports).toEqual([
      {
        address: { collection: 'tasks', key: 'task-2' },
        path: fileOf('tasks', 'task-2'),
        reason: expect.stringContaining('JSON'),
        quarantinedAs: expect.stringContaining('/.holdfast/quarantine/tasks/task-2.json.'),
      },
    ])
    await expect(tasks.get('task-2')).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
  })

  it('hold the newest backup in place of one that is corrupt', async () => {
    const fileSystem = new MemoryFileSystem()
    const store = await openIn(fileSystem)
    const tasks = store.collection<{ n: number }>('tasks')
    await tasks.set('a', { n: 1 })
    await tasks.set('a', { n: 2 })
    damage(fileSystem, fileOf('tasks', 'a'))
    const reports: unknown[] = []
    store.on('state:corrupt', (report) => reports.push(report))
    expect((await collect(tasks.entries())).map(({ value }) => value)).toEqual([{ n: 1 }])
    const [backup] = await tasks.backups('a')
    expect(reports).toMatchObject([{ restoredFrom: backup?.id }])
    expect(await tasks.get('a')).toEqual({ n: 1 })
  })

  it('delete and replace what is corrupt and has no backup', async () => {
    const fileSystem = new MemoryFileSystem()
    const store = await openIn(fileSystem, { backups: false })
    const tasks = store.collection<{ n: number }>('tasks')
    for (const key of ['deleted', 'set', 'updated']) {
      await tasks.set(key, { n: 1 })
      damage(fileSystem, fileOf('tasks', key))
    }
    expect(await tasks.delete('deleted')).toBe(true)
    expect(await tasks.get('deleted')).toBeUndefined()
    await tasks.set('set', { n: 2 })
    expect(await tasks.get('set')).toEqual({ n: 2 })
    const initial = { n: 0 }
    await expect(tasks.update('updated', (task) => task, { initial })).rejects.toMatchObject({
      code: 'STATE_CORRUPT',
    })
    await expect(tasks.has('updated')).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
    expect(await tasks.list()).toEqual(['set', 'updated'])
  })

  it('leave out what leads out of the store, and report it', async () => {
    const fileSystem = new MemoryFileSystem()
    const store = await openIn(fileSystem)
    const tasks = store.collection('tasks')
    await tasks.set('a', 1)
    fileSystem.symlink('/elsewhere.json', fileOf('tasks', 'link'))
    const reports: unknown[] = []
    store.on('state:invalid', (report) => reports.push(report))
    expect((await collect(tasks.entries())).map(({ key }) => key)).toEqual(['a'])
    expect(reports).toMatchObject([{ key: 'link', error: { code: 'STATE_PATH_ESCAPE' } }])
  })
})

describe('reading ahead', () => {
  async function* numbers(count: number, pulled: number[] = []): AsyncIterable<number> {
    for (let n = 0; n < count; n++) {
      pulled.push(n)
      yield n
    }
  }

  it('keeps the order', async () => {
    const slowFirst = async (n: number): Promise<number> => {
      for (let wait = n; wait < 10; wait++) await turn()
      return n * 10
    }
    expect(await collect(readAhead(numbers(10), 4, slowFirst))).toEqual(
      Array.from({ length: 10 }, (_, n) => n * 10),
    )
    expect(await collect(readAhead(numbers(0), 4, slowFirst))).toEqual([])
    expect(await collect(readAhead(numbers(2), 4, slowFirst))).toEqual([0, 10])
  })

  it('has so many under way, and no more', async () => {
    const go = gate()
    let underWay = 0
    let most = 0
    const all = collect(
      readAhead(numbers(20), 4, async (n) => {
        underWay += 1
        most = Math.max(most, underWay)
        await go.opened
        underWay -= 1
        return n
      }),
    )
    await until(() => underWay === 4)
    for (let round = 0; round < 5; round++) await turn()
    expect(underWay).toBe(4)
    go.open()
    expect(await all).toHaveLength(20)
    expect(most).toBe(4)
  })

  it('meets an error in its turn, and stops there', async () => {
    const pulled: number[] = []
    const seen: number[] = []
    const problem = new Error('third')
    const reading = (async () => {
      const source = readAhead(numbers(100, pulled), 4, async (n) => {
        if (n === 2) throw problem
        return n
      })
      for await (const n of source) seen.push(n)
    })()
    await expect(reading).rejects.toBe(problem)
    expect(seen).toEqual([0, 1])
    expect(pulled.length).toBeLessThan(10)
  })

  it('lets go of the source when the consumer leaves', async () => {
    let isReleased = false
    async function* source(): AsyncIterable<number> {
      try {
        for (let n = 0; ; n++) yield n
      } finally {
        isReleased = true
      }
    }
    for await (const n of readAhead(source(), 4, async (item) => item)) {
      if (n === 3) break
    }
    expect(isReleased).toBe(true)
  })

  it('is how entries are read: a few at once', async () => {
    const inner = new MemoryStorage()
    let underWay = 0
    let most = 0
    const counting = new Proxy(inner, {
      get(target, name: keyof Storage) {
        const member = target[name]
        if (name !== 'read') return typeof member === 'function' ? member.bind(target) : member
        return async (address: Parameters<Storage['read']>[0]) => {
          underWay += 1
          most = Math.max(most, underWay)
          await turn()
          underWay -= 1
          return target.read(address)
        }
      },
    })
    const store = closedLater(await new StateStore({ storage: counting }).open())
    const tasks = store.collection<number>('tasks')
    for (let n = 0; n < 50; n++) await tasks.set(`task ${n}`, n)
    expect(await collect(tasks.entries())).toHaveLength(50)
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThan(50)
  })
})
