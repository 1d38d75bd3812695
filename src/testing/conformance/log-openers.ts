import assert from 'node:assert/strict'
import type { Storage } from '../../storage/index.js'
import { refused, start } from './expectations.js'
import type { Group } from './group.js'
import { take } from './leases.js'
import {
  append,
  appending,
  dataOf,
  expectLogs,
  expectRising,
  idsOf,
  log,
  recordsOf,
} from './log-records.js'

const waitMs = 10_000

/** Appends one by one, each with its name and number. */
async function appendFrom(storage: Storage, opener: string, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < count; n++) {
    const records = [{ agent: opener, data: n }]
    ids.push(...idsOf(await storage.commit({ writes: [], appends: [{ log, records }] })))
  }
  return ids
}

export const reopenedLogs: Group = {
  name: 'reopening of logs',
  applies: ({ durability }) => durability !== 'none',
  define({ check }) {
    check('finds the records as they were, and appends after them', async ({ storage, open }) => {
      await storage.commit(appending([{ type: 't', agent: 'a', data: { n: 1 } }, { data: 'é' }]))
      await append(storage, 'other/log', 1)
      const before = await recordsOf(storage)
      await storage.close()
      const again = await open()
      assert.deepEqual(await recordsOf(again), before)
      await append(again, log, 'later')
      const after = await recordsOf(again)
      assert.deepEqual(after.slice(0, 2), before)
      assert.deepEqual(after[2]?.data, 'later')
      assert.deepEqual(await recordsOf(again, { after: before[1]?.id }), after.slice(2))
      await expectLogs(again, { [log]: [{ n: 1 }, 'é', 'later'], 'other/log': [1] })
    })

    check('goes on with higher ids, also in another log', async ({ storage, open }) => {
      const ids = idsOf(await append(storage, log, 0, 0))
      await storage.close()
      for (let round = 1; round <= 3; round++) {
        const again = await open()
        ids.push(...idsOf(await append(again, `log ${round}`, round)))
        ids.push(...idsOf(await append(again, log, round)))
        await again.close()
      }
      expectRising(ids)
      assert.deepEqual(await dataOf(await open()), [0, 0, 1, 2, 3])
    })

    check('finds what was asked for when close was called', async ({ storage, open }) => {
      const commits = Array.from({ length: 30 }, (_, n) => start(storage, appending([{ data: n }])))
      await storage.close()
      await Promise.all(commits)
      assert.deepEqual(await dataOf(await open()), [...commits.keys()])
    })
  },
}

export const severalAppenders: Group = {
  name: 'several openers of logs',
  applies: ({ processes }) => processes,
  define({ check, supports }) {
    check('see what the others have appended', async ({ storage, open }) => {
      const other = await open()
      const ids: string[] = []
      for (let round = 0; round < 4; round++) {
        ids.push(...idsOf(await append(storage, log, 'one')))
        ids.push(...idsOf(await append(other, log, 'other')))
        assert.deepEqual(
          (await recordsOf(other)).map(({ id }) => id),
          ids,
        )
        assert.deepEqual(await recordsOf(storage), await recordsOf(other))
      }
      expectRising(ids)
    })

    check('lose no record, and each keeps its order', async ({ storage, open }) => {
      const openers = [storage, await open(), await open()]
      const count = 20
      const given = await Promise.all(
        openers.map((opener, index) => appendFrom(opener, `opener ${index}`, count)),
      )
      const records = await recordsOf(storage)
      assert.equal(records.length, openers.length * count)
      expectRising(records.map(({ id }) => id))
      for (const [index, ids] of given.entries()) {
        const own = records.filter(({ agent }) => agent === `opener ${index}`)
        assert.deepEqual(
          own.map(({ id, data }) => [id, data]),
          ids.map((id, n) => [id, n]),
        )
      }
    })

    check('have the records of a commit stand together', async ({ storage, open }) => {
      const openers = [storage, await open()]
      await Promise.all(
        openers.map(async (opener, index) => {
          for (let n = 0; n < 10; n++) await append(opener, log, [index, n, 0], [index, n, 1])
        }),
      )
      const data = (await dataOf(storage)) as number[][]
      assert.equal(data.length, 40)
      for (let place = 0; place < data.length; place += 2) {
        const [index, n] = data[place] ?? []
        assert.deepEqual(data.slice(place, place + 2), [
          [index, n, 0],
          [index, n, 1],
        ])
      }
    })

    check('refuse records under a lease that another has taken', async ({ storage, open }) => {
      const other = await open()
      const first = await take(storage)
      await first.release()
      const second = await take(other)
      await refused('STATE_LEASE_LOST', () =>
        storage.commit({ ...appending([{ data: 'late' }]), leases: [first] }),
      )
      await other.commit({ ...appending([{ data: 'held' }]), leases: [second] })
      await second.release()
      await expectLogs(storage, { [log]: ['held'] })
    })

    if (!supports.blockingCommit) return
    check('take turns with one that blocks', async ({ storage, open }) => {
      const other = await open()
      const expected: unknown[] = []
      for (let round = 0; round < 5; round++) {
        storage.commitBlocking(appending([{ data: ['one', round] }]), waitMs)
        other.commitBlocking(appending([{ data: ['other', round] }]), waitMs)
        await append(storage, log, ['then', round])
        expected.push(['one', round], ['other', round], ['then', round])
      }
      await expectLogs(other, { [log]: expected })
    })
  },
}
