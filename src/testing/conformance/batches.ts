import assert from 'node:assert/strict'
import type { Commit } from '../../storage/index.js'
import {
  at,
  counting,
  expectDocuments,
  fulfilled,
  keysOf,
  numberIn,
  present,
  put,
  putting,
  refused,
  together,
  valueAt,
  writing,
} from './expectations.js'
import type { Group } from './group.js'

export const batches: Group = {
  name: 'commits of several documents',
  define({ check }) {
    check('make all of them, over collections', async ({ storage }) => {
      await put(storage, 'replaced', 'old')
      await put(storage, 'deleted', 'old')
      const { outcomes, revision } = await storage.commit({
        writes: [
          writing('replaced', 'new'),
          { address: at('deleted'), change: { kind: 'delete' } },
          { address: at('made', 'elsewhere'), change: putting('new') },
        ],
      })
      assert.deepEqual(
        outcomes.map(({ address, kind }) => [address.collection, address.key, kind]),
        [
          ['things', 'replaced', 'put'],
          ['things', 'deleted', 'delete'],
          ['elsewhere', 'made', 'put'],
        ],
      )
      await expectDocuments(storage, { replaced: 'new' })
      const made = await present(storage, at('made', 'elsewhere'))
      assert.equal(made.value, 'new')
      assert.equal(made.revision, revision)
    })

    check('make none when one condition fails, wherever it stands', async ({ storage }) => {
      await put(storage, 'a', 'old')
      await put(storage, 'b', 'old')
      const writes = [
        writing('a', 'new'),
        { address: at('b'), change: { kind: 'delete' } as const },
        writing('c', 'new'),
      ]
      for (const failing of [0, 1, 2]) {
        const commit = {
          writes: writes.map((write, index) => {
            const wrong = index === 2 ? '1.999999' : null
            return index === failing ? { ...write, expected: wrong } : write
          }),
        }
        await refused('STATE_REVISION_CONFLICT', () => storage.commit(commit))
        await expectDocuments(storage, { a: 'old', b: 'old' })
      }
    })

    check('make none when one key is invalid', async ({ storage }) => {
      await refused('STATE_INVALID_KEY', () =>
        storage.commit({ writes: [writing('a', 1), writing('', 2), writing('c', 3)] }),
      )
      await expectDocuments(storage, {})
    })

    check('may be large', async ({ storage }) => {
      const keys = Array.from({ length: 150 }, (_, n) => `k${String(n).padStart(3, '0')}`)
      await storage.commit({ writes: keys.map((key) => writing(key, { key })) })
      assert.deepEqual(await keysOf(storage), keys)
      assert.deepEqual(await valueAt(storage, 'k149'), { key: 'k149' })
      await storage.commit({
        writes: keys.map((key) => ({ address: at(key), change: { kind: 'delete' } })),
      })
      assert.deepEqual(await keysOf(storage), [])
    })

    check('are whole among others that are made at once', async ({ storage }) => {
      const pair = (n: number): Commit => ({ writes: [writing('a', { n }), writing('b', { n })] })
      const single = (n: number): Commit => ({ writes: [writing(`k${n}`, n)] })
      const commits = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? pair(n) : single(n)))
      for (const outcome of await together(storage, commits)) fulfilled(outcome)
      assert.deepEqual(await valueAt(storage, 'a'), { n: 18 })
      assert.deepEqual(await valueAt(storage, 'b'), { n: 18 })
      assert.equal((await keysOf(storage, { pattern: 'k*' })).length, 10)
    })

    check('fail alone among others that are made at once', async ({ storage }) => {
      await put(storage, 'a', { n: 0 })
      const count: Commit = { writes: [{ address: at('a'), change: counting }] }
      const failing: Commit = {
        writes: [
          { address: at('a'), change: counting },
          { ...writing('b', 1), expected: '1.999999' },
        ],
      }
      const outcomes = await together(storage, [count, failing, count, failing, count])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
      )
      await expectDocuments(storage, { a: { n: 3 } })
    })

    check('never lose or make anything: money moves among accounts', async ({ storage }) => {
      const accounts = ['a', 'b', 'c']
      await storage.commit({ writes: accounts.map((key) => writing(key, { n: 100 })) })
      const moves = Array.from({ length: 30 }, (_, n): Commit => {
        const from = accounts[n % 3] ?? ''
        const to = accounts[(n + 1 + (n % 2)) % 3] ?? ''
        return {
          writes: [
            { address: at(from), change: (now) => putting({ n: numberIn(now?.value) - n }) },
            { address: at(to), change: (now) => putting({ n: numberIn(now?.value) + n }) },
          ],
        }
      })
      for (const outcome of await together(storage, moves)) fulfilled(outcome)
      let total = 0
      for (const key of accounts) total += numberIn(await valueAt(storage, key))
      assert.equal(total, 300)
    })
  },
}

export const sizeLimit: Group = {
  name: 'the size limit',
  applies: (_supports, subject) => subject.createLimited !== undefined,
  define({ checkLimited }) {
    const limit = 4096
    const small = 'x'.repeat(limit / 2)
    const large = 'x'.repeat(limit + 1)

    checkLimited(limit, 'lets through what fits', async ({ storage }) => {
      await put(storage, 'a', small)
      await expectDocuments(storage, { a: small })
    })

    checkLimited(limit, 'refuses what does not, and tells the sizes', async ({ storage }) => {
      await put(storage, 'a', 'before')
      const error = await refused('STATE_DOCUMENT_TOO_LARGE', () => put(storage, 'a', large))
      assert.equal(error.details.maxDocumentBytes, limit)
      assert.ok(Number(error.details.bytes) > limit)
      assert.equal(error.details.key, 'a')
      await expectDocuments(storage, { a: 'before' })
    })

    checkLimited(limit, 'counts bytes and not characters', async ({ storage }) => {
      await refused('STATE_DOCUMENT_TOO_LARGE', () => put(storage, 'a', '漢'.repeat(limit / 2)))
      await expectDocuments(storage, {})
    })

    checkLimited(limit, 'fails what is too large alone', async ({ storage }) => {
      const outcomes = await together(storage, [
        { writes: [writing('a', 1)] },
        { writes: [writing('a', large)] },
        { writes: [writing('b', large)] },
        { writes: [{ address: at('c'), change: () => putting(large) }] },
        { writes: [writing('d', 4)] },
      ])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled'],
      )
      await expectDocuments(storage, { a: 1, d: 4 })
    })

    checkLimited(limit, 'refuses a whole commit of several documents', async ({ storage }) => {
      await refused('STATE_DOCUMENT_TOO_LARGE', () =>
        storage.commit({ writes: [writing('a', 1), writing('b', large)] }),
      )
      await expectDocuments(storage, {})
    })
  },
}
