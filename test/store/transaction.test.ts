import type { Collection, StateStore, Transaction } from 'holdfast'
import { beforeEach, describe, expect, it } from 'vitest'
import { everyStore, failure, fileHomes } from './homes.js'

describe.each(everyStore)('a transaction on $name', ({ open }) => {
  let store: StateStore
  let accounts: Collection<number>
  let log: Collection<string[]>
  beforeEach(async () => {
    store = await open()
    accounts = store.collection<number>('accounts')
    log = store.collection<string[]>('log')
    await accounts.set('a', 100)
    await accounts.set('b', 0)
  })

  it('writes and deletes in several collections, and resolves to what the function returned', async () => {
    await accounts.set('old', 1)
    const result = await store.transaction(async (tx) => {
      tx.set(accounts, 'a', 70)
      tx.set(accounts, 'b', 30)
      tx.delete(accounts, 'old')
      tx.set(log, 'today', ['moved 30'])
      return 'done' as const
    })
    expect(result).toBe('done')
    expect(await accounts.list()).toEqual(['a', 'b'])
    expect(await Promise.all([accounts.get('a'), accounts.get('b')])).toEqual([70, 30])
    expect(await log.get('today')).toEqual(['moved 30'])
    const documents = [await accounts.read('a'), await accounts.read('b'), await log.read('today')]
    expect(new Set(documents.map((each) => each?.revision)).size).toBe(1)
  })

  it('writes nothing when the function fails, and rejects with that very error', async () => {
    const reason = new Error('changed my mind')
    for (const work of [
      (tx: Transaction): never => {
        tx.set(accounts, 'a', 1)
        throw reason
      },
      async (tx: Transaction): Promise<never> => {
        tx.set(accounts, 'a', 1)
        tx.delete(accounts, 'b')
        tx.set(log, 'today', [])
        await tx.get(accounts, 'a')
        throw reason
      },
    ]) {
      await expect(store.transaction(work)).rejects.toBe(reason)
    }
    expect(await accounts.get('a')).toBe(100)
    expect(await accounts.get('b')).toBe(0)
    expect(await log.has('today')).toBe(false)
  })

  it('writes nothing when one of its documents cannot be written', async () => {
    const small = await open({ maxDocumentBytes: 400 })
    const texts = small.collection<string>('texts')
    await texts.set('a', 'before')
    await failure(
      'STATE_DOCUMENT_TOO_LARGE',
      small.transaction((tx) => {
        tx.set(texts, 'a', 'after')
        tx.set(texts, 'b', 'x'.repeat(500))
      }),
    )
    expect(await texts.get('a')).toBe('before')
    expect(await texts.list()).toEqual(['a'])
  })

  it('reads its own writes, and nobody else does before it ends', async () => {
    await store.transaction(async (tx) => {
      tx.set(accounts, 'a', 1)
      tx.set(accounts, 'c', 2)
      tx.delete(accounts, 'b')
      expect(await tx.get(accounts, 'a')).toBe(1)
      expect(await tx.get(accounts, 'c')).toBe(2)
      expect(await tx.get(accounts, 'b')).toBeUndefined()
      expect(await tx.has(accounts, 'b')).toBe(false)
      expect(await accounts.get('a')).toBe(100)
      expect(await accounts.has('c')).toBe(false)
      tx.set(accounts, 'b', 3)
      expect(await tx.get(accounts, 'b')).toBe(3)
    })
    expect(await accounts.get('b')).toBe(3)
  })

  it('takes values as they are when they are given, and gives copies', async () => {
    await log.set('shared', ['x'])
    await store.transaction(async (tx) => {
      const given = ['one']
      tx.set(log, 'today', given)
      given.push('two')
      const own = await tx.get(log, 'today')
      own?.push('three')
      const read = await tx.get(log, 'shared')
      read?.push('y')
      expect(await tx.get(log, 'shared')).toEqual(['x'])
    })
    expect(await log.get('today')).toEqual(['one'])
    expect(await log.get('shared')).toEqual(['x'])
  })

  it('is made again when something it read has changed, and only then', async () => {
    let calls = 0
    const total = await store.transaction(async (tx) => {
      calls += 1
      const a = (await tx.get(accounts, 'a')) ?? 0
      if (calls === 1) await accounts.set('a', 50)
      tx.set(accounts, 'b', a)
      return a
    })
    expect({ calls, total }).toEqual({ calls: 2, total: 50 })
    expect(await accounts.get('b')).toBe(50)

    calls = 0
    await store.transaction(async (tx) => {
      calls += 1
      await tx.get(accounts, 'a')
      await accounts.set('unrelated', calls)
      tx.set(accounts, 'b', 7)
    })
    expect(calls).toBe(1)
  })

  it('notices that a document it found missing was made meanwhile', async () => {
    let calls = 0
    await store.transaction(async (tx) => {
      calls += 1
      const present = await tx.has(accounts, 'new')
      if (calls === 1) await accounts.set('new', 1)
      tx.set(log, 'seen', [String(present)])
    })
    expect(calls).toBe(2)
    expect(await log.get('seen')).toEqual(['true'])
  })

  it('does not see documents that do not belong together, also when the function only reads', async () => {
    let calls = 0
    const pair = await store.transaction(async (tx) => {
      calls += 1
      const a = await tx.get(accounts, 'a')
      if (calls === 1) {
        await store.transaction((inner) => {
          inner.set(accounts, 'a', 40)
          inner.set(accounts, 'b', 60)
        })
      }
      return [a, await tx.get(accounts, 'b')]
    })
    expect({ calls, pair }).toEqual({ calls: 2, pair: [40, 60] })
  })

  it('is made again when its function failed on what did not belong together', async () => {
    let calls = 0
    await store.transaction(async (tx) => {
      calls += 1
      const a = (await tx.get(accounts, 'a')) ?? 0
      if (calls === 1) {
        await store.transaction((inner) => {
          inner.set(accounts, 'a', 40)
          inner.set(accounts, 'b', 60)
        })
      }
      const b = (await tx.get(accounts, 'b')) ?? 0
      if (a + b !== 100) throw new Error(`the sum is ${a + b}`)
    })
    expect(calls).toBe(2)
  })

  it('prevents write skew', async () => {
    await accounts.set('b', 100)
    // Each may take 100 as long as both together stay at 0 or above; together they must not.
    const withdraw = (from: string): Promise<boolean> =>
      store.transaction(async (tx) => {
        const a = (await tx.get(accounts, 'a')) ?? 0
        const b = (await tx.get(accounts, 'b')) ?? 0
        if (a + b < 150) return false
        tx.set(accounts, from, (from === 'a' ? a : b) - 150)
        return true
      })
    const taken = await Promise.all([withdraw('a'), withdraw('b')])
    expect(taken.sort()).toEqual([false, true])
    const left = ((await accounts.get('a')) ?? 0) + ((await accounts.get('b')) ?? 0)
    expect(left).toBe(50)
  })

  it('keeps the sum in 100 concurrent transfers, seen by readers all the while', async () => {
    const names = ['w', 'x', 'y', 'z']
    for (const name of names) await accounts.set(name, 25)
    const sum = (): Promise<number> =>
      store.transaction(async (tx) => {
        let total = 0
        for (const name of names) total += (await tx.get(accounts, name)) ?? 0
        return total
      })
    const transfer = (index: number): Promise<void> =>
      store.transaction(async (tx) => {
        const from = names[index % 4] ?? ''
        const to = names[(index + 1 + (index % 3)) % 4] ?? ''
        tx.set(accounts, from, ((await tx.get(accounts, from)) ?? 0) - 1)
        tx.set(accounts, to, ((await tx.get(accounts, to)) ?? 0) + 1)
      })
    const transfers = Array.from({ length: 100 }, (_, index) => transfer(index))
    const sums = await Promise.all([sum(), sum(), sum()])
    await Promise.all(transfers)
    expect([...sums, await sum()]).toEqual([100, 100, 100, 100])
    const expected = names.map(() => 25)
    for (let index = 0; index < 100; index++) {
      const [from, to] = [index % 4, (index + 1 + (index % 3)) % 4]
      expected[from] = (expected[from] ?? 0) - 1
      expected[to] = (expected[to] ?? 0) + 1
    }
    expect(await Promise.all(names.map((name) => accounts.get(name)))).toEqual(expected)
  })

  it('gives up with the last conflict after a hundred', async () => {
    let calls = 0
    const error = await failure(
      'STATE_REVISION_CONFLICT',
      store.transaction(async (tx) => {
        calls += 1
        await tx.get(accounts, 'a')
        await accounts.set('a', calls)
        tx.set(accounts, 'b', -1)
      }),
    )
    expect(calls).toBe(100)
    expect(error).toMatchObject({ retryable: true, commitState: 'not-committed' })
    expect(await accounts.get('b')).toBe(0)
  })

  it('cannot be used after its end, whichever end that was', async () => {
    const ended: Transaction[] = []
    await store.transaction((tx) => {
      ended.push(tx)
      tx.set(accounts, 'a', 1)
    })
    await store
      .transaction((tx) => {
        ended.push(tx)
        throw new Error('on purpose')
      })
      .catch(() => undefined)
    expect(ended).toHaveLength(2)
    for (const tx of ended) {
      await failure('STATE_CLOSED', tx.get(accounts, 'a'))
      await failure('STATE_CLOSED', (async () => tx.set(accounts, 'a', 2))())
      await failure('STATE_CLOSED', (async () => tx.delete(accounts, 'a'))())
    }
    expect(await accounts.get('a')).toBe(1)
  })

  it('is refused under a lock that was given back', async () => {
    const lease = await store.lock('ledger')
    await store.transaction((tx) => tx.set(accounts, 'a', 1), { lease })
    await lease.release()
    await failure(
      'STATE_LEASE_LOST',
      store.transaction((tx) => tx.set(accounts, 'a', 2), { lease }),
    )
    await using next = await store.lock('ledger')
    await failure(
      'STATE_LEASE_LOST',
      store.transaction((tx) => tx.set(accounts, 'a', 3), { lease }),
    )
    await store.transaction((tx) => tx.set(accounts, 'b', 4), { lease: next })
    expect(await Promise.all([accounts.get('a'), accounts.get('b')])).toEqual([1, 4])
  })
})

describe.each(fileHomes)('transactions of several stores on $name', ({ home: makeHome }) => {
  it('are isolated from each other as well', async () => {
    const home = await makeHome()
    const stores = [await home.open(), await home.open({ durability: 'process' })]
    const counts = await Promise.all(
      stores.flatMap((store) => {
        const pairs = store.collection<number>('pairs')
        return Array.from({ length: 20 }, () =>
          store.transaction(async (tx) => {
            const left = (await tx.get(pairs, 'left')) ?? 0
            const right = (await tx.get(pairs, 'right')) ?? 0
            tx.set(pairs, 'left', left + 1)
            tx.set(pairs, 'right', right - 1)
            return left + right
          }),
        )
      }),
    )
    expect(new Set(counts)).toEqual(new Set([0]))
    expect(home.readJson('pairs/left.json')).toMatchObject({ value: 40 })
    expect(home.readJson('pairs/right.json')).toMatchObject({ value: -40 })
  })

  it('that only read, in a store that is read-only, see what belongs together', async () => {
    const home = await makeHome()
    const writer = await home.open()
    const written = writer.collection<number>('pairs')
    await written.set('left', 1)
    await written.set('right', 1)
    const reader = await home.open({ readOnly: true })
    const pairs = reader.collection<number>('pairs')
    let calls = 0
    const pair = await reader.transaction(async (tx) => {
      calls += 1
      const left = await tx.get(pairs, 'left')
      if (calls === 1) {
        await writer.transaction((other) => {
          other.set(written, 'left', 2)
          other.set(written, 'right', 2)
        })
      }
      return [left, await tx.get(pairs, 'right')]
    })
    expect({ calls, pair }).toEqual({ calls: 2, pair: [2, 2] })
  })
})
