import assert from 'node:assert/strict'
import { at, expectDocuments, present, put, putting, remove, valueAt } from './expectations.js'
import type { Group } from './group.js'

export const documents: Group = {
  name: 'documents',
  define({ check, supports }) {
    check('reads undefined where there is none', async ({ storage }) => {
      assert.equal(await storage.read(at('absent')), undefined)
      await put(storage, 'a', 1)
      assert.equal(await storage.read(at('absent')), undefined)
      assert.equal(await storage.read(at('a', 'elsewhere')), undefined)
    })

    check('tells of a put what it then reads', async ({ storage }) => {
      const value = { status: 'pending', tags: ['x'] }
      const before = await put(storage, 'other', 0)
      const { revision, savedAt, superseded, outcomes } = await put(storage, 'a', value)
      assert.equal(superseded, false)
      assert.equal(typeof revision, 'string')
      assert.ok(Number.isInteger(savedAt) && savedAt >= before.savedAt)
      assert.equal(outcomes.length, 1)
      const [outcome] = outcomes
      assert.deepEqual(outcome?.address, at('a'))
      assert.equal(outcome?.kind, 'put')
      const read = await present(storage, 'a')
      assert.deepEqual(read.value, value)
      assert.equal(read.revision, revision)
      assert.equal(read.savedAt, savedAt)
      assert.equal(read.origin, 'store')
      assert.equal(read.schemaVersion, undefined)
      assert.deepEqual(plain(outcome?.document), plain(read))
    })

    check('replaces the whole document', async ({ storage }) => {
      await put(storage, 'a', { one: 1, two: 2 })
      await put(storage, 'a', { three: 3 })
      await expectDocuments(storage, { a: { three: 3 } })
    })

    check(
      'shows those who read meanwhile a whole version, and never an older one after a newer',
      async ({ storage }) => {
        const versionOf = (n: number) => ({ n, copies: Array.from({ length: 200 }, () => n) })
        await put(storage, 'a', versionOf(0))
        const writing = (async () => {
          for (let n = 1; n <= 20; n++) await put(storage, 'a', versionOf(n))
        })()
        let newest = 0
        while (newest < 20) {
          const { value } = await present(storage, 'a')
          const { n } = value as { n: number }
          assert.deepEqual(value, versionOf(n))
          assert.ok(n >= newest)
          newest = n
        }
        await writing
      },
    )

    check('keeps the schema version with the document', async ({ storage }) => {
      const change = { kind: 'put', value: 1, schemaVersion: 3 } as const
      const { outcomes } = await storage.commit({ writes: [{ address: at('a'), change }] })
      assert.equal(outcomes[0]?.document?.schemaVersion, 3)
      assert.equal((await present(storage, 'a')).schemaVersion, 3)
      await put(storage, 'a', 2)
      assert.equal((await present(storage, 'a')).schemaVersion, undefined)
    })

    check('removes with delete', async ({ storage }) => {
      await put(storage, 'a', 1)
      await put(storage, 'b', 2)
      const { outcomes } = await remove(storage, 'a')
      assert.deepEqual(plain(outcomes), [{ address: at('a'), kind: 'delete' }])
      assert.equal(await storage.read(at('a')), undefined)
      await expectDocuments(storage, { b: 2 })
    })

    check('takes deleting what is not there as keeping it so', async ({ storage }) => {
      const { outcomes } = await remove(storage, 'a')
      assert.deepEqual(plain(outcomes), [{ address: at('a'), kind: 'keep' }])
      await expectDocuments(storage, {})
    })

    check('leaves a document as it is with keep', async ({ storage }) => {
      const { revision } = await put(storage, 'a', { n: 1 })
      const { outcomes } = await storage.commit({
        writes: [
          { address: at('a'), change: { kind: 'keep' } },
          { address: at('absent'), change: { kind: 'keep' } },
        ],
      })
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['keep', 'keep'],
      )
      assert.equal(outcomes[0]?.document?.revision, revision)
      assert.deepEqual(outcomes[0]?.document?.value, { n: 1 })
      assert.equal(outcomes[1]?.document, undefined)
      assert.equal((await present(storage, 'a')).revision, revision)
    })

    check('keeps collections apart', async ({ storage }) => {
      await put(storage, 'a', 'here')
      const elsewhere = at('a', 'elsewhere')
      await storage.commit({ writes: [{ address: elsewhere, change: putting('there') }] })
      assert.equal(await valueAt(storage, 'a'), 'here')
      assert.equal((await present(storage, elsewhere)).value, 'there')
      await remove(storage, 'a')
      assert.equal((await present(storage, elsewhere)).value, 'there')
    })

    check('tells every document of one commit the same time', async ({ storage }) => {
      const writes = ['a', 'b'].map((key) => ({ address: at(key), change: putting(key) }))
      const { savedAt, revision } = await storage.commit({ writes })
      for (const key of ['a', 'b']) {
        const document = await present(storage, key)
        assert.equal(document.savedAt, savedAt)
        assert.equal(document.revision, revision)
      }
    })

    check('takes every durability that it can promise', async ({ storage }) => {
      const promised = { power: ['power', 'process'], process: ['process'], none: [] } as const
      for (const durability of promised[supports.durability]) {
        const writes = [{ address: at(durability), change: putting(durability) }]
        await storage.commit({ writes, durability })
        assert.equal(await valueAt(storage, durability), durability)
      }
    })

    check('takes a commit of nothing', async ({ storage }) => {
      const { outcomes, superseded } = await storage.commit({ writes: [] })
      assert.deepEqual(outcomes, [])
      assert.equal(superseded, false)
    })
  },
}

/** Without properties that are undefined, which count as absent. */
const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value))
