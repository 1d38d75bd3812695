import assert from 'node:assert/strict'
import type { StorageStatus } from '../../storage/index.js'
import { at, present, put, remove } from './expectations.js'
import type { Group } from './group.js'

export const status: Group = {
  name: 'status',
  define({ check, supports }) {
    check(
      'counts nothing in a store that is empty, which can be written to',
      async ({ storage }) => {
        const { backups, documents, exists, logBytes, logs, quarantined, reason, writable } =
          await storage.status()
        assert.deepEqual(
          { backups, documents, exists, logBytes, logs, quarantined, reason, writable },
          {
            backups: 0,
            documents: 0,
            exists: true,
            logBytes: 0,
            logs: 0,
            quarantined: 0,
            reason: undefined,
            writable: true,
          },
        )
      },
    )

    check('counts documents over collections, and not what was deleted', async ({ storage }) => {
      for (const key of ['a', 'b', 'A', 'a/b', '..', 'x'.repeat(500)]) await put(storage, key, key)
      const elsewhere = at('a', `elsewhere ${'y'.repeat(500)}`)
      await storage.commit({ writes: [{ address: elsewhere, change: { kind: 'put', value: 1 } }] })
      await remove(storage, 'b')
      const { documents, quarantined } = await storage.status()
      assert.deepEqual({ documents, quarantined }, { documents: 6, quarantined: 0 })
    })

    if (supports.backups) {
      check('counts the backups of all documents', async ({ storage }) => {
        for (const n of [1, 2, 3]) await put(storage, 'a', n)
        await put(storage, 'b', 1)
        await remove(storage, 'b')
        await put(storage, 'c', 1)
        const { backups, documents } = await storage.status()
        assert.deepEqual({ backups, documents }, { backups: 3, documents: 2 })
      })
    }

    check('counts logs and what they take', async ({ storage }) => {
      const append = (log: string) =>
        storage.commit({ writes: [], appends: [{ log, records: [{ data: { text: 'x' } }] }] })
      for (const log of ['a', 'b', 'a', 'a/b']) await append(log)
      const { documents, logBytes, logs } = await storage.status()
      const listed = await storage.logs()
      const bytes = listed.reduce((sum, each) => sum + each.bytes, 0)
      assert.deepEqual({ documents, logBytes, logs }, { documents: 0, logBytes: bytes, logs: 3 })
      assert.ok(logBytes > 0)
    })

    check('leaves everything as it is', async ({ storage }) => {
      const { revision } = await put(storage, 'a', 1)
      const before = await storage.status()
      for (let turn = 0; turn < 3; turn++) await storage.status()
      assert.deepEqual(countsOf(await storage.status()), countsOf(before))
      assert.equal((await present(storage, 'a')).revision, revision)
      assert.deepEqual(await storage.collections(), ['things'])
    })

    check('may be asked for many times at once, also while writing', async ({ storage }) => {
      const asking = Array.from({ length: 10 }, () => storage.status())
      const writing = Array.from({ length: 10 }, (_, n) => put(storage, `k${n}`, n))
      for (const { writable } of await Promise.all(asking)) assert.equal(writable, true)
      await Promise.all(writing)
      assert.equal((await storage.status()).documents, 10)
    })

    check('tells of the space what can be', async ({ storage }) => {
      const { freeBytes, totalBytes } = await storage.status()
      assert.equal(freeBytes === undefined, totalBytes === undefined)
      if (freeBytes === undefined || totalBytes === undefined) return
      assert.ok(freeBytes >= 0 && freeBytes <= totalBytes)
    })

    check('tells where the storage is, in the words of the storage', async ({ storage }) => {
      assert.equal((await storage.status()).location, storage.location)
    })
  },
}

const countsOf = ({ documents, backups, quarantined, logs, logBytes }: StorageStatus) => ({
  documents,
  backups,
  quarantined,
  logs,
  logBytes,
})
