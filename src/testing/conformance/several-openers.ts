import assert from 'node:assert/strict'
import { compareRevisions } from '../../storage/index.js'
import {
  at,
  counting,
  expectDocuments,
  fulfilled,
  numberIn,
  present,
  put,
  putting,
  refused,
  remove,
  together,
  valueAt,
  writing,
} from './expectations.js'
import type { Group } from './group.js'
import { take } from './leases.js'

export const severalOpeners: Group = {
  name: 'several openers',
  applies: ({ processes }) => processes,
  define({ check, supports }) {
    check('see what the others have committed', async ({ storage, open }) => {
      const other = await open()
      await put(storage, 'a', 1)
      assert.deepEqual(await present(other, 'a'), await present(storage, 'a'))
      await put(other, 'a', 2)
      await put(other, 'b', 2)
      await expectDocuments(storage, { a: 2, b: 2 })
      await remove(storage, 'a')
      await expectDocuments(other, { b: 2 })
      assert.deepEqual(await other.collections(), ['things'])
    })

    check(
      'never have the same revision, and the later is the higher',
      async ({ storage, open }) => {
        const other = await open()
        const seen: string[] = []
        for (let round = 0; round < 4; round++) {
          seen.push((await put(storage, 'a', round)).revision)
          seen.push((await put(other, 'b', round)).revision)
        }
        for (const [index, revision] of seen.entries()) {
          const before = seen[index - 1]
          if (before !== undefined) assert.ok(compareRevisions(before, revision) < 0)
        }
      },
    )

    check('lose no update', async ({ storage, open }) => {
      const openers = [storage, await open(), await open()]
      const callers = 20
      await Promise.all(
        openers.map(async (opener) => {
          const count = { writes: [{ address: at('a'), change: counting }] }
          for (let round = 0; round < 5; round++) {
            const commits = Array.from({ length: callers / 5 }, () => count)
            for (const outcome of await together(opener, commits)) fulfilled(outcome)
          }
        }),
      )
      for (const opener of openers) {
        assert.equal(numberIn(await valueAt(opener, 'a')), openers.length * callers)
      }
    })

    check('refuse conditions that another has made untrue', async ({ storage, open }) => {
      const other = await open()
      const { revision } = await put(storage, 'a', 1)
      await put(other, 'a', 2)
      await refused('STATE_REVISION_CONFLICT', () =>
        storage.commit({ writes: [{ ...writing('a', 3), expected: revision }] }),
      )
      await refused('STATE_REVISION_CONFLICT', () =>
        storage.commit({
          writes: [writing('b', 1)],
          checks: [{ address: at('a'), expected: revision }],
        }),
      )
      await expectDocuments(storage, { a: 2 })
    })

    check('create a document once', async ({ storage, open }) => {
      const openers = [storage, await open(), await open()]
      const outcomes = await Promise.allSettled(
        openers.map((opener, n) =>
          opener.commit({ writes: [{ ...writing('a', n), expected: null }] }),
        ),
      )
      const winners = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? n : []))
      assert.equal(winners.length, 1)
      assert.equal(await valueAt(storage, 'a'), winners[0])
    })

    check('see a commit of several documents whole', async ({ storage, open }) => {
      const other = await open()
      const both = (n: number) => ({ writes: [writing('a', { n }), writing('b', { n })] })
      await storage.commit(both(0))
      const writing20 = (async () => {
        for (let n = 1; n <= 20; n++) await storage.commit(both(n))
      })()
      for (let round = 0; round < 20; round++) {
        const a = await present(other, 'a')
        const b = await present(other, 'b')
        const expected = [at('a'), at('b')].map((address, index) => ({
          address,
          expected: [a, b][index]?.revision ?? null,
        }))
        // What a check lets through was there at one moment.
        const [outcome] = await together(other, [{ writes: [], checks: expected }])
        if (outcome?.status === 'fulfilled') assert.deepEqual(a.value, b.value)
      }
      await writing20
    })

    check('contend for leases', async ({ storage, open }) => {
      const other = await open()
      const first = await take(storage)
      const error = await refused('STATE_LEASE_TIMEOUT', () => take(other))
      assert.equal(error.details.name, first.name)
      assert.equal(error.details.pid, process.pid)
      const [status] = await other.leases()
      assert.equal(status?.state, 'held')
      assert.equal(status?.token, first.token)
      const waiting = other.acquireLease({ name: first.name })
      await first.release()
      const second = await waiting
      assert.ok(second.token > first.token)
      await refused('STATE_LEASE_TIMEOUT', () => take(storage))
      await refused('STATE_LEASE_LOST', () =>
        storage.commit({ writes: [writing('a', 'late')], leases: [first] }),
      )
      await other.commit({ writes: [writing('b', 1)], leases: [second] })
      await second.release()
      await expectDocuments(storage, { b: 1 })
    })

    check('give up waiting for a lease that another has', async ({ storage, open }) => {
      const other = await open()
      const lease = await take(storage)
      const controller = new AbortController()
      const waiting = refused('STATE_ABORTED', () =>
        other.acquireLease({ name: lease.name, signal: controller.signal }),
      )
      await put(other, 'a', 1)
      controller.abort()
      await waiting
      await lease.release()
      await (await take(other)).release()
    })

    check('are not disturbed when another closes', async ({ storage, open }) => {
      const other = await open()
      const lease = await take(storage)
      const gone = await take(other, 'of the other')
      await put(other, 'a', 1)
      await other.close()
      await storage.commit({ writes: [writing('b', 2)], leases: [lease] })
      await (await take(storage, gone.name)).release()
      await lease.release()
      await expectDocuments(storage, { a: 1, b: 2 })
    })

    if (!supports.blockingCommit) return
    check('take turns with one that blocks', async ({ storage, open }) => {
      const other = await open()
      for (let round = 0; round < 5; round++) {
        storage.commitBlocking({ writes: [{ address: at('a'), change: counting }] }, 10_000)
        other.commitBlocking({ writes: [{ address: at('a'), change: counting }] }, 10_000)
        await put(storage, 'b', putting(round).kind)
      }
      await expectDocuments(other, { a: { n: 10 }, b: 'put' })
    })
  },
}
