import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { openStateStore, type StateStore } from '../../src/store/index.js'
import { alteredFileSystem, type FileSystemCall } from '../atomic-write/altered-file-system.js'

const callers = 1_000
/** Documents that are written in one batch at most; see write-loop.ts. */
const batchDocuments = 128

async function recorded(): Promise<{ store: StateStore; calls: FileSystemCall[] }> {
  const calls: FileSystemCall[] = []
  const fileSystem = alteredFileSystem(new MemoryFileSystem(), (call) => {
    calls.push(call)
    return call.args
  })
  const store = await openStateStore('/store', { fileSystem, backups: false })
  return { store, calls }
}

const linksInto = (calls: readonly FileSystemCall[], directory: string): number =>
  calls.filter(({ operation, args }) => {
    return operation === 'link' && String(args[1]).includes(`/${directory}/`)
  }).length

/** How often our mark as the one at work was set. */
const turnsOf = (calls: readonly FileSystemCall[]): number =>
  calls.filter(({ operation, args }) => {
    const [, bytes, , length] = args
    return operation === 'write' && length === 4 && String(bytes) === 'busy'
  }).length

describe('a thousand waiting callers in one process', () => {
  const kinds: readonly [string, (index: number) => string][] = [
    ['a document of its own each', (index) => `key-${index}`],
    ['one document', () => 'key'],
  ]

  it.each(kinds)('cost one acquisition, for %s', async (_what, keyOf) => {
    const { store, calls } = await recorded()
    const documents = store.collection<number>('docs')
    const receipts = await Promise.all(
      Array.from({ length: callers }, (_, index) => documents.set(keyOf(index), index)),
    )
    const generations = new Set(receipts.map(({ revision }) => revision.split('.')[0]))
    expect(generations.size).toBe(1)
    expect(linksInto(calls, 'write')).toBe(1)
    expect(turnsOf(calls)).toBeLessThanOrEqual(Math.ceil(callers / batchDocuments))
    const stored = new Map<string, number>()
    for await (const { key, value } of documents.entries()) stored.set(key, value)
    const expected = Array.from({ length: callers }, (_, index) => [keyOf(index), index] as const)
    expect(stored).toEqual(new Map(expected))
    console.log(`${callers} sets of ${_what}: ${turnsOf(calls)} batches`)
    await store.close()
  })

  it('lose no update', async () => {
    const { store, calls } = await recorded()
    const counters = store.collection<number>('counters')
    const count = (): Promise<number> => counters.update('n', (n) => n + 1, { initial: 0 })
    const values = await Promise.all(Array.from({ length: callers }, count))
    expect(new Set(values).size).toBe(callers)
    expect(await counters.get('n')).toBe(callers)
    expect(linksInto(calls, 'write')).toBe(1)
    expect(turnsOf(calls)).toBe(1)
    const renames = calls.filter(({ operation, args }) => {
      return operation === 'rename' && String(args[1]).startsWith('/store/counters/')
    })
    expect(renames.length).toBe(1)
    await store.close()
  })

  it('for a lock each get it, and the write lease is not asked for', async () => {
    const { store, calls } = await recorded()
    const tokens: number[] = []
    let inside = 0
    const hold = async (): Promise<void> => {
      const lock = await store.lock('name')
      inside += 1
      expect(inside).toBe(1)
      tokens.push(lock.token)
      await Promise.resolve()
      inside -= 1
      await lock.release()
    }
    await Promise.all(Array.from({ length: callers }, hold))
    expect(tokens).toHaveLength(callers)
    expect(tokens).toEqual([...new Set(tokens)].sort((left, right) => left - right))
    expect(linksInto(calls, 'write')).toBe(0)
    expect(linksInto(calls, 'names/name')).toBe(callers)
    await store.close()
  })
})
