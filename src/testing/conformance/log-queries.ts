import assert from 'node:assert/strict'
import { systemClock } from '../../clock/index.js'
import type { LogQuery, LogRecord, Storage } from '../../storage/index.js'
import { refused } from './expectations.js'
import type { Group } from './group.js'
import { append, appending, dataOf, idsOf, log, recordsOf } from './log-records.js'

/** Several commits, with time between them. */
async function history(storage: Storage): Promise<LogRecord[]> {
  for (let round = 0; round < 5; round++) {
    await storage.commit(
      appending([
        { type: 'start', agent: 'a', data: { round } },
        { type: 'work', agent: round % 2 === 0 ? 'a' : 'b', data: { round } },
        { type: 'end', data: { round } },
        { agent: 'b', data: { round } },
      ]),
    )
    await systemClock.sleep(3, { keepAlive: true })
  }
  return recordsOf(storage)
}

const idsFor = async (storage: Storage, query: Partial<LogQuery>): Promise<string[]> =>
  (await recordsOf(storage, query)).map(({ id }) => id)

const idsIn = (records: readonly LogRecord[]): string[] => records.map(({ id }) => id)

const manyRecords = 3000

export const logQueries: Group = {
  name: 'queries of logs',
  define({ check }) {
    check('by time take since and leave out until', async ({ storage }) => {
      const all = await history(storage)
      const times = [...new Set(all.map(({ at }) => at))]
      for (const since of [undefined, ...times, Number.MAX_SAFE_INTEGER, 0]) {
        for (const until of [undefined, ...times, Number.MAX_SAFE_INTEGER, 0]) {
          const expected = all.filter(
            ({ at }) => at >= (since ?? 0) && at < (until ?? Number.MAX_SAFE_INTEGER),
          )
          assert.deepEqual(await idsFor(storage, { since, until }), idsIn(expected))
        }
      }
    })

    check('by id begin after it', async ({ storage }) => {
      const all = await history(storage)
      for (const [index, { id }] of all.entries()) {
        assert.deepEqual(await idsFor(storage, { after: id }), idsIn(all.slice(index + 1)))
      }
      assert.deepEqual(await idsFor(storage, { after: '0.0' }), idsIn(all))
      const { revision } = await storage.commit({ writes: [] })
      assert.deepEqual(await idsFor(storage, { after: revision }), [])
      const later = idsOf(await append(storage, log, 'later'))
      assert.deepEqual(await idsFor(storage, { after: revision }), later)
    })

    check('by type and agent', async ({ storage }) => {
      const all = await history(storage)
      const queries: readonly Pick<LogQuery, 'types' | 'agent'>[] = [
        { types: ['work'] },
        { types: ['start', 'end'] },
        { types: ['absent'] },
        { types: [] },
        { agent: 'a' },
        { agent: 'absent' },
        { types: ['work'], agent: 'b' },
        { types: ['end'], agent: 'a' },
      ]
      for (const { types, agent } of queries) {
        const expected = all.filter(
          (record) =>
            (types === undefined || types.some((type) => type === record.type)) &&
            (agent === undefined || agent === record.agent),
        )
        assert.deepEqual(await idsFor(storage, { types, agent }), idsIn(expected))
      }
    })

    check('in reverse tell the same, newest first', async ({ storage }) => {
      const all = await history(storage)
      const middle = all[Math.floor(all.length / 2)]
      const queries: readonly Partial<LogQuery>[] = [
        {},
        { since: middle?.at },
        { until: middle?.at },
        { after: middle?.id },
        { types: ['work'], agent: 'a', since: all[2]?.at },
      ]
      for (const query of queries) {
        const forward = await idsFor(storage, query)
        assert.ok(forward.length > 0)
        assert.deepEqual(await idsFor(storage, { ...query, reverse: true }), forward.reverse())
      }
    })

    check('of one log see nothing of another', async ({ storage }) => {
      await append(storage, log, 1)
      await append(storage, 'other', 2)
      assert.deepEqual(await dataOf(storage), [1])
      assert.deepEqual(await dataOf(storage, { log: 'other' }), [2])
      assert.deepEqual(await dataOf(storage, { log: 'absent' }), [])
    })

    check(`tell ${manyRecords} records, from anywhere and both ways`, async ({ storage }) => {
      const data = Array.from({ length: manyRecords }, (_, n) => ({ n, text: `record ${n}` }))
      const ids = idsOf(await append(storage, log, ...data))
      assert.equal(ids.length, manyRecords)
      assert.deepEqual(await dataOf(storage), data)
      assert.deepEqual(await dataOf(storage, { reverse: true }), [...data].reverse())
      for (const index of [0, 1, 255, 256, 1500, manyRecords - 2, manyRecords - 1]) {
        const after = ids[index]
        const rest = data.slice(index + 1)
        assert.deepEqual(await dataOf(storage, { after }), rest)
        assert.deepEqual(await dataOf(storage, { after, reverse: true }), rest.reverse())
      }
    })

    check('can be left early and made again', async ({ storage }) => {
      const data = Array.from({ length: manyRecords }, (_, n) => n)
      await append(storage, log, ...data)
      for (const reverse of [false, true]) {
        for await (const group of storage.readLog({ log, reverse })) {
          assert.equal(group[0]?.data, reverse ? manyRecords - 1 : 0)
          break
        }
      }
      await append(storage, log, manyRecords)
      assert.deepEqual(await dataOf(storage), [...data, manyRecords])
    })

    check('are refused when their signal is aborted', async ({ storage }) => {
      await append(storage, log, 1)
      const reason = new Error('enough')
      const error = await refused('STATE_ABORTED', () =>
        recordsOf(storage, { signal: AbortSignal.abort(reason) }),
      )
      assert.equal(error.cause, reason)
      assert.deepEqual(await dataOf(storage, { signal: new AbortController().signal }), [1])
    })
  },
}
