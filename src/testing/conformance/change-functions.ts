import assert from 'node:assert/strict'
import type { StoredDocument } from '../../storage/index.js'
import {
  at,
  counting,
  expectDocuments,
  fulfilled,
  numberIn,
  present,
  put,
  putting,
  remove,
  together,
  valueAt,
} from './expectations.js'
import type { Group } from './group.js'

const callers = 50

export const changeFunctions: Group = {
  name: 'change functions',
  define({ check }) {
    check('see the present document', async ({ storage }) => {
      const { revision, savedAt } = await storage.commit({
        writes: [{ address: at('a'), change: { kind: 'put', value: { n: 1 }, schemaVersion: 7 } }],
      })
      const seen: (StoredDocument | undefined)[] = []
      for (const key of ['a', 'absent']) {
        await storage.commit({
          writes: [
            {
              address: at(key),
              change: (current) => {
                seen.push(current)
                return { kind: 'keep' }
              },
            },
          ],
        })
      }
      const [found, absent] = seen
      assert.deepEqual(found?.value, { n: 1 })
      assert.equal(found?.revision, revision)
      assert.equal(found?.savedAt, savedAt)
      assert.equal(found?.schemaVersion, 7)
      assert.equal(absent, undefined)
    })

    check('put, delete and keep', async ({ storage }) => {
      await put(storage, 'deleted', 1)
      const kept = await put(storage, 'kept', 1)
      const { outcomes } = await storage.commit({
        writes: [
          { address: at('put'), change: () => putting('new') },
          { address: at('deleted'), change: () => ({ kind: 'delete' }) },
          { address: at('kept'), change: () => ({ kind: 'keep' }) },
          { address: at('absent'), change: () => ({ kind: 'delete' }) },
        ],
      })
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['put', 'delete', 'keep', 'keep'],
      )
      await expectDocuments(storage, { put: 'new', kept: 1 })
      assert.equal((await present(storage, 'kept')).revision, kept.revision)
    })

    check(
      'that wait together are all applied, in order, each to what the one before left',
      async ({ storage }) => {
        const commits = Array.from({ length: callers }, () => ({
          writes: [{ address: at('a'), change: counting }],
        }))
        const results = (await together(storage, commits)).map(fulfilled)
        assert.deepEqual(
          results.map(({ outcomes }) => numberIn(outcomes[0]?.document?.value)),
          Array.from({ length: callers }, (_, index) => index + 1),
        )
        await expectDocuments(storage, { a: { n: callers } })
      },
    )

    check('see puts and deletes that were asked for before them', async ({ storage }) => {
      await put(storage, 'a', { n: 100 })
      const seen: unknown[] = []
      const look = {
        writes: [
          {
            address: at('a'),
            change: (current: StoredDocument | undefined) => {
              seen.push(current?.value)
              return { kind: 'keep' } as const
            },
          },
        ],
      }
      await together(storage, [
        look,
        { writes: [{ address: at('a'), change: putting({ n: 200 }) }] },
        look,
        { writes: [{ address: at('a'), change: { kind: 'delete' } }] },
        look,
        { writes: [{ address: at('a'), change: counting }] },
        look,
      ])
      assert.deepEqual(seen.slice(-4), [{ n: 100 }, { n: 200 }, undefined, { n: 1 }])
      await expectDocuments(storage, { a: { n: 1 } })
    })

    check('that throw fail alone, with the error itself', async ({ storage }) => {
      await put(storage, 'a', { n: 0 })
      const problem = new RangeError('no')
      const odd = { not: 'an error' }
      const throwing = (error: unknown) => ({
        writes: [
          {
            address: at('a'),
            change: (): never => {
              throw error
            },
          },
        ],
      })
      const count = { writes: [{ address: at('a'), change: counting }] }
      const outcomes = await together(storage, [
        count,
        throwing(problem),
        count,
        throwing(odd),
        count,
      ])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
      )
      assert.equal((outcomes[1] as PromiseRejectedResult).reason, problem)
      assert.equal((outcomes[3] as PromiseRejectedResult).reason, odd)
      await expectDocuments(storage, { a: { n: 3 } })
    })

    check('that throw undo the other documents of their commit', async ({ storage }) => {
      await put(storage, 'a', { n: 1 })
      const problem = new Error('no')
      const [outcome] = await together(storage, [
        {
          writes: [
            { address: at('a'), change: counting },
            { address: at('b'), change: putting('new') },
            {
              address: at('c'),
              change: (): never => {
                throw problem
              },
            },
          ],
        },
      ])
      assert.equal((outcome as PromiseRejectedResult).reason, problem)
      await expectDocuments(storage, { a: { n: 1 } })
    })

    check('work on several documents in one commit', async ({ storage }) => {
      const move = {
        writes: [
          { address: at('from'), change: (c: StoredDocument | undefined) => less(c) },
          { address: at('to'), change: counting },
        ],
      }
      await put(storage, 'from', { n: 20 })
      await together(
        storage,
        Array.from({ length: 20 }, () => move),
      )
      await expectDocuments(storage, { from: { n: 0 }, to: { n: 20 } })
    })

    check('follow one another when awaited', async ({ storage }) => {
      for (let n = 1; n <= 5; n++) {
        await storage.commit({ writes: [{ address: at('a'), change: counting }] })
        assert.deepEqual(await valueAt(storage, 'a'), { n })
      }
      await remove(storage, 'a')
      await storage.commit({ writes: [{ address: at('a'), change: counting }] })
      assert.deepEqual(await valueAt(storage, 'a'), { n: 1 })
    })
  },
}

const less = (current: StoredDocument | undefined): ReturnType<typeof putting> =>
  putting({ n: numberIn(current?.value) - 1 })

export const superseding: Group = {
  name: 'superseding',
  define({ check }) {
    check('leaves the last of several puts that were made at once', async ({ storage }) => {
      const commits = Array.from({ length: callers }, (_, n) => ({
        writes: [{ address: at('a'), change: putting(n) }],
      }))
      const results = (await together(storage, commits)).map(fulfilled)
      const document = await present(storage, 'a')
      assert.equal(document.value, callers - 1)
      const last = results.at(-1)
      assert.equal(last?.superseded, false)
      assert.equal(last?.revision, document.revision)
      expectHonest(results)
    })

    check('never stands in the way of a document of its own', async ({ storage }) => {
      const commits = Array.from({ length: 10 }, (_, n) => ({
        writes: [{ address: at(`k${n}`), change: putting(n) }],
      }))
      const results = (await together(storage, commits)).map(fulfilled)
      assert.deepEqual(
        results.map(({ superseded }) => superseded),
        results.map(() => false),
      )
    })

    check('does not split a commit of several documents', async ({ storage }) => {
      const both = (value: string) => ({
        writes: ['a', 'b'].map((key) => ({ address: at(key), change: putting(value) })),
      })
      const results = (
        await together(storage, [
          both('first'),
          { writes: [{ address: at('a'), change: putting('between') }] },
          both('second'),
          { writes: [{ address: at('b'), change: putting('last') }] },
        ])
      ).map(fulfilled)
      await expectDocuments(storage, { a: 'second', b: 'last' })
      assert.equal(results[2]?.superseded, false)
      assert.equal((await present(storage, 'a')).revision, results[2]?.revision)
      expectHonest(results)
    })

    check('leaves nothing when a delete came last', async ({ storage }) => {
      const remove = { writes: [{ address: at('a'), change: { kind: 'delete' } as const }] }
      const write = { writes: [{ address: at('a'), change: putting(1) }] }
      const outcomes = await together(storage, [write, remove, write, remove])
      for (const outcome of outcomes) fulfilled(outcome)
      await expectDocuments(storage, {})
    })
  },
}

/** One that was superseded has the revision of a later one that was not. */
function expectHonest(
  results: readonly { readonly revision: string; readonly superseded: boolean }[],
): void {
  for (const [index, { revision, superseded }] of results.entries()) {
    if (!superseded) continue
    const later = results.slice(index + 1)
    assert.ok(
      later.some((other) => !other.superseded && other.revision === revision),
      `${revision} is that of a later commit`,
    )
  }
  const own = results.filter(({ superseded }) => !superseded).map(({ revision }) => revision)
  assert.equal(new Set(own).size, own.length)
}
