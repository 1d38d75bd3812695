import assert from 'node:assert/strict'
import { compareRevisions } from '../../storage/index.js'
import {
  at,
  counting,
  expectDocuments,
  fulfilled,
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

function expectRising(revisions: readonly string[]): void {
  for (const [index, revision] of revisions.entries()) {
    const before = revisions[index - 1]
    if (before === undefined) continue
    assert.ok(compareRevisions(before, revision) < 0, `${before} is before ${revision}`)
    assert.notEqual(before, revision)
  }
}

export const revisions: Group = {
  name: 'revisions',
  define({ check }) {
    check('rise with every write, over all documents', async ({ storage }) => {
      const seen: string[] = []
      for (const key of ['a', 'b', 'a', 'c', 'b', 'a']) {
        seen.push((await put(storage, key, seen.length)).revision)
      }
      expectRising(seen)
    })

    check('are not used again after delete and re-creation', async ({ storage }) => {
      const seen: string[] = []
      for (let round = 0; round < 4; round++) {
        seen.push((await put(storage, 'a', 'the same')).revision)
        seen.push((await remove(storage, 'a')).revision)
      }
      expectRising(seen)
    })

    check('rise in the order of commits that were made at once', async ({ storage }) => {
      const commits = Array.from({ length: 20 }, (_, n) => ({ writes: [writing(`k${n}`, n)] }))
      const results = (await together(storage, commits)).map(fulfilled)
      expectRising(results.map(({ revision }) => revision))
      for (const [n, { revision }] of results.entries()) {
        assert.equal((await present(storage, `k${n}`)).revision, revision)
      }
    })

    check('stay the same while nothing is written', async ({ storage }) => {
      const { revision } = await put(storage, 'a', 1)
      await put(storage, 'b', 1)
      await storage.commit({ writes: [{ address: at('a'), change: { kind: 'keep' } }] })
      assert.equal((await present(storage, 'a')).revision, revision)
      assert.equal((await present(storage, 'a')).revision, revision)
    })
  },
}

export const conditions: Group = {
  name: 'conditions',
  define({ check }) {
    check('write where the revision is the expected one', async ({ storage }) => {
      const { revision } = await put(storage, 'a', 1)
      await storage.commit({ writes: [{ ...writing('a', 2), expected: revision }] })
      assert.equal(await valueAt(storage, 'a'), 2)
    })

    check('refuse another revision, and tell both', async ({ storage }) => {
      const first = await put(storage, 'a', 1)
      const second = await put(storage, 'a', 2)
      const error = await refused('STATE_REVISION_CONFLICT', () =>
        storage.commit({ writes: [{ ...writing('a', 3), expected: first.revision }] }),
      )
      assert.equal(error.retryable, true)
      assert.equal(error.details.expected, first.revision)
      assert.equal(error.details.actual, second.revision)
      assert.equal(error.details.key, 'a')
      await expectDocuments(storage, { a: 2 })
      assert.equal((await present(storage, 'a')).revision, second.revision)
    })

    check('create with null, once', async ({ storage }) => {
      await storage.commit({ writes: [{ ...writing('a', 1), expected: null }] })
      const error = await refused('STATE_REVISION_CONFLICT', () =>
        storage.commit({ writes: [{ ...writing('a', 2), expected: null }] }),
      )
      assert.equal(error.details.expected, null)
      await expectDocuments(storage, { a: 1 })
    })

    check('refuse a revision where there is no document', async ({ storage }) => {
      const { revision } = await put(storage, 'other', 1)
      const error = await refused('STATE_REVISION_CONFLICT', () =>
        storage.commit({ writes: [{ ...writing('a', 1), expected: revision }] }),
      )
      assert.equal(error.details.actual, null)
      await expectDocuments(storage, { other: 1 })
    })

    check(
      'refuse the revision of a document that was deleted and made again',
      async ({ storage }) => {
        const { revision } = await put(storage, 'a', 'same')
        await remove(storage, 'a')
        await put(storage, 'a', 'same')
        await refused('STATE_REVISION_CONFLICT', () =>
          storage.commit({ writes: [{ ...writing('a', 'late'), expected: revision }] }),
        )
        await expectDocuments(storage, { a: 'same' })
      },
    )

    check('hold for deletes and keeps too', async ({ storage }) => {
      const { revision } = await put(storage, 'a', 1)
      await put(storage, 'a', 2)
      for (const kind of ['delete', 'keep'] as const) {
        await refused('STATE_REVISION_CONFLICT', () =>
          storage.commit({ writes: [{ address: at('a'), change: { kind }, expected: revision }] }),
        )
      }
      const present = await storage.read(at('a'))
      const change = { kind: 'delete' } as const
      await storage.commit({
        writes: [{ address: at('a'), change, expected: present?.revision }],
      })
      await expectDocuments(storage, {})
    })

    check('hold for change functions, which are then not called', async ({ storage }) => {
      await put(storage, 'a', { n: 1 })
      let calls = 0
      const change = (): ReturnType<typeof putting> => {
        calls += 1
        return putting({ n: 2 })
      }
      await refused('STATE_REVISION_CONFLICT', () =>
        storage.commit({ writes: [{ address: at('a'), change, expected: null }] }),
      )
      assert.equal(calls, 0)
      assert.deepEqual(await valueAt(storage, 'a'), { n: 1 })
    })

    check('let one of several through that expect the same', async ({ storage }) => {
      const { revision } = await put(storage, 'a', { n: 0 })
      const commits = Array.from({ length: 10 }, (_, n) => ({
        writes: [{ ...writing('a', { n: n + 1 }), expected: revision }],
      }))
      const outcomes = await together(storage, commits)
      const winners = outcomes.filter(({ status }) => status === 'fulfilled')
      assert.equal(winners.length, 1)
      const winner = outcomes.findIndex(({ status }) => status === 'fulfilled')
      assert.deepEqual(await valueAt(storage, 'a'), { n: winner + 1 })
    })

    check('see what was committed just before', async ({ storage }) => {
      await put(storage, 'a', { n: 0 })
      const { revision } = await present(storage, 'a')
      const outcomes = await together(storage, [
        { writes: [{ address: at('a'), change: counting, expected: revision }] },
        { writes: [{ address: at('a'), change: counting, expected: revision }] },
        { writes: [{ address: at('a'), change: counting }] },
        { writes: [{ address: at('b'), change: counting, expected: null }] },
        { writes: [{ address: at('b'), change: counting, expected: null }] },
      ])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'rejected'],
      )
      await expectDocuments(storage, { a: { n: 2 }, b: { n: 1 } })
    })
  },
}

export const checks: Group = {
  name: 'checks',
  define({ check }) {
    check('let a commit through while the documents are as expected', async ({ storage }) => {
      const { revision } = await put(storage, 'a', 1)
      await storage.commit({
        writes: [writing('b', 2)],
        checks: [
          { address: at('a'), expected: revision },
          { address: at('absent'), expected: null },
        ],
      })
      await expectDocuments(storage, { a: 1, b: 2 })
      assert.equal((await present(storage, 'a')).revision, revision)
    })

    check('refuse the whole commit when one document has changed', async ({ storage }) => {
      const { revision } = await put(storage, 'a', 1)
      await put(storage, 'a', 2)
      const error = await refused('STATE_REVISION_CONFLICT', () =>
        storage.commit({
          writes: [writing('b', 2), writing('c', 3)],
          checks: [{ address: at('a'), expected: revision }],
        }),
      )
      assert.equal(error.details.key, 'a')
      await expectDocuments(storage, { a: 2 })
    })

    check('refuse when a document has appeared or gone', async ({ storage }) => {
      const { revision } = await put(storage, 'gone', 1)
      await remove(storage, 'gone')
      await put(storage, 'appeared', 1)
      for (const checked of [
        { address: at('gone'), expected: revision },
        { address: at('appeared'), expected: null },
      ]) {
        await refused('STATE_REVISION_CONFLICT', () =>
          storage.commit({ writes: [writing('b', 2)], checks: [checked] }),
        )
      }
      await expectDocuments(storage, { appeared: 1 })
    })

    check('are made also when nothing is written', async ({ storage }) => {
      const { revision } = await put(storage, 'a', 1)
      const checked = { address: at('a'), expected: revision }
      await storage.commit({ writes: [], checks: [checked] })
      await put(storage, 'a', 2)
      await refused('STATE_REVISION_CONFLICT', () =>
        storage.commit({ writes: [], checks: [checked] }),
      )
    })

    check('prevent two commits from each ignoring the other', async ({ storage }) => {
      const a = await put(storage, 'a', 'on call')
      const b = await put(storage, 'b', 'on call')
      const outcomes = await together(storage, [
        { writes: [writing('a', 'off')], checks: [{ address: at('b'), expected: b.revision }] },
        { writes: [writing('b', 'off')], checks: [{ address: at('a'), expected: a.revision }] },
      ])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected'],
      )
      await expectDocuments(storage, { a: 'off', b: 'on call' })
    })
  },
}
