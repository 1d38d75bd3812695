import assert from 'node:assert/strict'
import { isStateStoreError } from '../../errors/index.js'
import { jsonSerializer } from '../../serializer/index.js'
import { compareRevisions } from '../../storage/index.js'
import {
  at,
  counting,
  expectDocuments,
  keysOf,
  present,
  put,
  putting,
  refused,
  refusedBlocking,
  remove,
  start,
  valueAt,
  writing,
} from './expectations.js'
import type { Group } from './group.js'
import { take } from './leases.js'
import { append, recordsOf } from './log-records.js'

export const closing: Group = {
  name: 'closing',
  define({ check, supports }) {
    check('refuses everything afterwards', async ({ storage }) => {
      await put(storage, 'a', 1)
      await storage.close()
      const operations: Readonly<Record<string, () => Promise<unknown>>> = {
        read: () => storage.read(at('a')),
        list: () => keysOf(storage),
        collections: () => storage.collections(),
        commit: () => put(storage, 'a', 2),
        acquireLease: () => take(storage),
        leases: () => storage.leases(),
        readLog: () => recordsOf(storage, { log: 'events' }),
        logs: () => storage.logs(),
        'commit of records': () => append(storage, 'events', 1),
        verify: () => storage.verify({ repair: false }),
        'verify with repair': () => storage.verify({ repair: true }),
        ...(supports.backups
          ? {
              backups: () => storage.backups(at('a')),
              readBackup: () => storage.readBackup(at('a'), 'any'),
            }
          : {}),
      }
      for (const [name, operation] of Object.entries(operations)) {
        const error = await refused('STATE_CLOSED', operation)
        assert.equal(error.code, 'STATE_CLOSED', name)
      }
      if (!supports.blockingCommit) return
      refusedBlocking('STATE_CLOSED', () =>
        storage.commitBlocking({ writes: [writing('a', 2)] }, 0),
      )
      refusedBlocking('STATE_CLOSED', () => storage.flushBlocking(0))
    })

    check('is done once, however often it is asked for', async ({ storage }) => {
      await Promise.all([storage.close(), storage.close()])
      await storage.close()
    })

    check('completes what was asked for', async ({ storage }) => {
      const commits = Array.from({ length: 30 }, () =>
        start(storage, { writes: [{ address: at('a'), change: counting }] }),
      )
      let settled = 0
      const counted = Promise.all(
        commits.map(async (commit) => {
          await commit
          settled += 1
        }),
      )
      counted.catch(() => undefined)
      await storage.close()
      assert.equal(settled, 30)
      await counted
    })

    check('lets go of leases, whose release is then harmless', async ({ storage }) => {
      const lease = await take(storage)
      await storage.close()
      await lease.release()
      await lease.release()
    })

    check('aborts the signals of leases that were not given back', async ({ storage }) => {
      const held = await take(storage)
      const unread = await storage.acquireLease({ name: 'unread' })
      const released = await storage.acquireLease({ name: 'released' })
      const signals = [held.signal, released.signal]
      await released.release()
      await storage.close()
      assert.deepEqual(
        [...signals, unread.signal].map(({ aborted }) => aborted),
        [true, false, true],
      )
      assert.ok(isStateStoreError(held.signal.reason, 'STATE_LEASE_LOST'))
    })

    check('refuses those who wait for a lease', async ({ storage }) => {
      await take(storage)
      const waiting = [1, 2].map(() =>
        refused('STATE_CLOSED', () => storage.acquireLease({ name: 'deploy', waitMs: 2_000 })),
      )
      await storage.close()
      await Promise.all(waiting)
    })
  },
}

export const serializers: Group = {
  name: 'serializers',
  applies: ({ serializers }) => serializers,
  define({ check }) {
    check('can be chosen for a collection before its first use', async ({ storage }) => {
      const chosen = at('a', 'chosen')
      storage.useSerializer('chosen', jsonSerializer({ sortKeys: true }))
      await storage.commit({ writes: [{ address: chosen, change: putting({ b: 1, a: [2] }) }] })
      await put(storage, 'a', { b: 1, a: [2] })
      const read = (await present(storage, chosen)).value
      assert.deepEqual(Object.entries(read as object), [
        ['a', [2]],
        ['b', 1],
      ])
      assert.equal(JSON.stringify(await valueAt(storage, 'a')), '{"b":1,"a":[2]}')
      assert.deepEqual(await keysOf(storage, { collection: 'chosen' }), ['a'])
    })

    check('may be named again, but not replaced by another format', async ({ storage }) => {
      const other = { ...jsonSerializer(), name: 'other', extension: 'other' }
      storage.useSerializer('chosen', other)
      storage.useSerializer('chosen', { ...other })
      refusedBlocking('STATE_INVALID_OPTION', () =>
        storage.useSerializer('chosen', jsonSerializer()),
      )
      await put(storage, 'a', 1)
      refusedBlocking('STATE_INVALID_OPTION', () => storage.useSerializer('things', other))
      await expectDocuments(storage, { a: 1 })
    })
  },
}

export const reopening: Group = {
  name: 'reopening',
  applies: ({ durability }) => durability !== 'none',
  define({ check, supports }) {
    check('finds the documents as they were', async ({ storage, open }) => {
      const change = { kind: 'put', value: { n: 1 }, schemaVersion: 2 } as const
      await storage.commit({ writes: [{ address: at('a'), change }] })
      const elsewhere = at('b/c', 'else/where')
      await storage.commit({ writes: [{ address: elsewhere, change: putting(['é', null]) }] })
      const before = [await present(storage, 'a'), await present(storage, elsewhere)]
      await storage.close()
      const again = await open()
      assert.deepEqual([await present(again, 'a'), await present(again, elsewhere)], before)
      assert.deepEqual((await again.collections()).sort(), ['else/where', 'things'])
    })

    check('finds what was committed when close was called', async ({ storage, open }) => {
      const commits = Array.from({ length: 30 }, () =>
        start(storage, { writes: [{ address: at('a'), change: counting }] }),
      )
      await storage.close()
      await Promise.all(commits)
      await expectDocuments(await open(), { a: { n: 30 } })
    })

    check('goes on with higher revisions, also of what was deleted', async ({ storage, open }) => {
      const seen = [(await put(storage, 'a', 1)).revision, (await put(storage, 'b', 1)).revision]
      seen.push((await remove(storage, 'a')).revision)
      await storage.close()
      for (let round = 0; round < 3; round++) {
        const again = await open()
        seen.push((await put(again, 'a', 1)).revision, (await remove(again, 'a')).revision)
        await again.close()
      }
      for (const [index, revision] of seen.entries()) {
        const before = seen[index - 1]
        if (before !== undefined) assert.ok(compareRevisions(before, revision) < 0)
      }
    })

    check('keeps conditions: a revision from before still counts', async ({ storage, open }) => {
      const a = await put(storage, 'a', 1)
      const b = await put(storage, 'b', 1)
      await put(storage, 'b', 2)
      await storage.close()
      const again = await open()
      await again.commit({ writes: [{ ...writing('a', 2), expected: a.revision }] })
      await refused('STATE_REVISION_CONFLICT', () =>
        again.commit({ writes: [{ ...writing('b', 3), expected: b.revision }] }),
      )
      await expectDocuments(again, { a: 2, b: 2 })
    })

    check('goes on with higher tokens, and finds leases free', async ({ storage, open }) => {
      const tokens = [(await take(storage)).token]
      await storage.close()
      for (let round = 0; round < 3; round++) {
        const again = await open()
        const lease = await take(again)
        tokens.push(lease.token)
        await again.close()
      }
      for (const [index, token] of tokens.entries()) {
        assert.ok(token > (tokens[index - 1] ?? 0))
      }
    })

    check('refuses leases from before', async ({ storage, open }) => {
      const lease = await take(storage)
      await storage.close()
      const again = await open()
      await refused('STATE_LEASE_LOST', () =>
        again.commit({ writes: [writing('a', 1)], leases: [lease] }),
      )
      await expectDocuments(again, {})
    })

    if (!supports.backups) return
    check('finds the backups', async ({ storage, open }) => {
      await put(storage, 'a', 1)
      await put(storage, 'a', 2)
      const before = await storage.backups(at('a'))
      await storage.close()
      const again = await open()
      assert.deepEqual(await again.backups(at('a')), before)
      await put(again, 'a', 3)
      const [first, second] = await again.backups(at('a'))
      assert.equal((await again.readBackup(at('a'), first?.id ?? '')).value, 1)
      assert.equal((await again.readBackup(at('a'), second?.id ?? '')).value, 2)
    })
  },
}
