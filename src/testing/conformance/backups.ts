import assert from 'node:assert/strict'
import { at, expectDocuments, present, put, refused, remove } from './expectations.js'
import type { Group } from './group.js'

export const backups: Group = {
  name: 'backups',
  applies: ({ backups }) => backups,
  define({ check }) {
    check('are none of a document that was never replaced', async ({ storage }) => {
      assert.deepEqual(await storage.backups(at('absent')), [])
      await put(storage, 'a', 1)
      assert.deepEqual(await storage.backups(at('a')), [])
    })

    check('are the versions before, oldest first', async ({ storage }) => {
      const written = []
      for (const n of [1, 2, 3]) written.push(await put(storage, 'a', { n }))
      await put(storage, 'other', 1)
      const kept = await storage.backups(at('a'))
      assert.equal(kept.length, 2)
      for (const [index, { id, replacedAt }] of kept.entries()) {
        const document = await storage.readBackup(at('a'), id)
        assert.deepEqual(document.value, { n: index + 1 })
        assert.equal(document.revision, written[index]?.revision)
        assert.equal(document.savedAt, written[index]?.savedAt)
        assert.equal(replacedAt, written[index + 1]?.savedAt)
      }
      assert.equal(new Set(kept.map(({ id }) => id)).size, 2)
      await expectDocuments(storage, { a: { n: 3 }, other: 1 })
    })

    check('outlive the document', async ({ storage }) => {
      await put(storage, 'a', 'gone')
      await remove(storage, 'a')
      const [kept, ...others] = await storage.backups(at('a'))
      assert.deepEqual(others, [])
      assert.ok(kept !== undefined)
      assert.equal((await storage.readBackup(at('a'), kept.id)).value, 'gone')
      await expectDocuments(storage, {})
      assert.deepEqual(await storage.collections(), [])
    })

    check('are kept of every document of a commit', async ({ storage }) => {
      const both = (value: string) => ({
        writes: ['a', 'b'].map((key) => ({
          address: at(key),
          change: { kind: 'put', value } as const,
        })),
      })
      await storage.commit(both('first'))
      await storage.commit(both('second'))
      for (const key of ['a', 'b']) {
        const [kept] = await storage.backups(at(key))
        assert.ok(kept !== undefined)
        assert.equal((await storage.readBackup(at(key), kept.id)).value, 'first')
      }
    })

    check('are read as copies', async ({ storage }) => {
      await put(storage, 'a', { list: [1] })
      await put(storage, 'a', 2)
      const [kept] = await storage.backups(at('a'))
      assert.ok(kept !== undefined)
      const read = async (): Promise<{ list: number[] }> =>
        (await storage.readBackup(at('a'), kept.id)).value as { list: number[] }
      ;(await read()).list.push(2)
      assert.deepEqual(await read(), { list: [1] })
    })

    check('can be written again as a new revision', async ({ storage }) => {
      await put(storage, 'a', 'first')
      const { revision } = await put(storage, 'a', 'second')
      const [kept] = await storage.backups(at('a'))
      assert.ok(kept !== undefined)
      const { value } = await storage.readBackup(at('a'), kept.id)
      await put(storage, 'a', value)
      assert.notEqual((await present(storage, 'a')).revision, revision)
      await expectDocuments(storage, { a: 'first' })
      assert.equal((await storage.backups(at('a'))).length, 2)
    })

    check('that are not there are refused', async ({ storage }) => {
      await put(storage, 'a', 1)
      await put(storage, 'a', 2)
      const [kept] = await storage.backups(at('a'))
      assert.ok(kept !== undefined)
      for (const [key, id] of [
        ['a', 'no such'],
        ['a', ''],
        ['a', '..'],
        ['a', '../b/x'],
        ['b', kept.id],
        ['absent', kept.id],
      ] as const) {
        await refused('STATE_CORRUPT', () => storage.readBackup(at(key), id))
      }
    })
  },
}

export const verification: Group = {
  name: 'verification',
  define({ check }) {
    check('finds nothing where nothing is wrong', async ({ storage }) => {
      assert.deepEqual(await storage.verify({ repair: false }), {
        documents: 0,
        intact: 0,
        records: 0,
        findings: [],
      })
      for (const key of ['a', 'b', 'c', 'a']) await put(storage, key, { key })
      const elsewhere = at('d', 'elsewhere')
      await storage.commit({ writes: [{ address: elsewhere, change: { kind: 'put', value: 1 } }] })
      await remove(storage, 'b')
      for (const repair of [false, true]) {
        assert.deepEqual(await storage.verify({ repair }), {
          documents: 3,
          intact: 3,
          records: 0,
          findings: [],
        })
      }
      await expectDocuments(storage, { a: { key: 'a' }, c: { key: 'c' } })
    })
  },
}
