import assert from 'node:assert/strict'
import { compareRevisions, type NewRecord } from '../../storage/index.js'
import { fulfilled, put, refused, together } from './expectations.js'
import type { Group } from './group.js'
import { hostileKeys, hostileNames, invalidKeys } from './hostile-keys.js'
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
import { storableValues, unstorableValues } from './sample-values.js'

export const logs: Group = {
  name: 'logs',
  define({ check }) {
    check('are empty where there is nothing', async ({ storage }) => {
      assert.deepEqual(await recordsOf(storage), [])
      assert.deepEqual(await recordsOf(storage, { reverse: true }), [])
      assert.deepEqual(await storage.logs(), [])
    })

    check('give back what was appended, in its order', async ({ storage }) => {
      const first = await storage.commit(
        appending([{ type: 'started', agent: 'planner', data: { n: 1 } }, { data: [2] }]),
      )
      const second = await storage.commit(appending([{ type: 'ended' }]))
      const [a, b] = idsOf(first)
      const [c] = idsOf(second)
      const records = await recordsOf(storage)
      const expected = [
        { id: a, at: first.savedAt, type: 'started', agent: 'planner', data: { n: 1 } },
        { id: b, at: first.savedAt, type: undefined, agent: undefined, data: [2] },
        { id: c, at: second.savedAt, type: 'ended', agent: undefined, data: undefined },
      ]
      assert.deepEqual(
        records.map(({ id, at, type, agent, data }) => ({ id, at, type, agent, data })),
        expected,
      )
      assert.deepEqual(new Set(records.map(({ origin }) => origin)), new Set(['store']))
    })

    check('tell ids that rise, over all logs and documents', async ({ storage }) => {
      const seen: string[] = []
      for (let round = 0; round < 3; round++) {
        const one = await append(storage, 'one', 1, 2)
        seen.push(...idsOf(one))
        assert.ok(compareRevisions(seen.at(-1) ?? '', one.revision) <= 0)
        seen.push(...idsOf(await append(storage, 'other', 3)))
        seen.push((await put(storage, 'a', round)).revision)
        seen.push((await storage.commit({ writes: [] })).revision)
      }
      expectRising(seen)
      expectRising((await recordsOf(storage, { log: 'one' })).map(({ id }) => id))
    })

    check('tell in a commit what each of its appends was given', async ({ storage }) => {
      const { appended, revision } = await storage.commit({
        writes: [],
        appends: [
          { log: 'one', records: [{ data: 1 }, { data: 2 }] },
          { log: 'other', records: [{ data: 3 }] },
          { log: 'one', records: [{ data: 4 }] },
        ],
      })
      assert.deepEqual(
        appended.map((each) => [each.log, each.ids.length]),
        [
          ['one', 2],
          ['other', 1],
          ['one', 1],
        ],
      )
      expectRising(appended.flatMap(({ ids }) => ids))
      const ids = (await recordsOf(storage, { log: 'one' })).map(({ id }) => id)
      assert.deepEqual(ids, [...(appended[0]?.ids ?? []), ...(appended[2]?.ids ?? [])])
      for (const id of appended.flatMap((each) => each.ids)) {
        assert.ok(compareRevisions(id, revision) <= 0)
      }
      await expectLogs(storage, { one: [1, 2, 4], other: [3] })
      assert.deepEqual((await put(storage, 'a', 1)).appended, [])
    })

    check('take data of every kind', async ({ storage }) => {
      const values = Object.values(storableValues)
      await append(storage, log, ...values)
      const read = await dataOf(storage)
      for (const [index, [name, value]] of Object.entries(storableValues).entries()) {
        assert.deepEqual(read[index], value, name)
        assert.equal(JSON.stringify(read[index]), JSON.stringify(value), name)
      }
      assert.equal(read.length, values.length)
    })

    check('take a record without data, and data on many lines', async ({ storage }) => {
      const data = [undefined, null, '', 'a\nb\r\nc\u2028d\u2029e\u0085f', '🦀\n', '{"id":"1.1"}\n']
      await append(storage, log, ...data)
      const records = await recordsOf(storage)
      assert.deepEqual(
        records.map((record) => record.data),
        data,
      )
    })

    check('take any string as type and agent', async ({ storage }) => {
      const odd = ['', ' ', 'a b', '\n', '\u2028', '"', '\\', '🦀', '__proto__', '\ud800', 'null']
      await storage.commit(appending(odd.map((text) => ({ type: text, agent: text }))))
      const records = await recordsOf(storage)
      assert.deepEqual(
        records.map(({ type, agent }) => [type, agent]),
        odd.map((text) => [text, text]),
      )
    })

    check('refuse a type or an agent that is no string', async ({ storage }) => {
      for (const wrong of [null, 1, {}, ['a'], Symbol('a')]) {
        for (const record of [{ type: wrong }, { agent: wrong }]) {
          await refused('STATE_INVALID_OPTION', () =>
            storage.commit(appending([{ data: 1 }, record as unknown as NewRecord])),
          )
        }
      }
      await expectLogs(storage, {})
    })

    check('refuse data that cannot be stored, with their path', async ({ storage }) => {
      for (const [name, [value, path]] of Object.entries(unstorableValues)) {
        // That is a record without data.
        if (value === undefined) continue
        const error = await refused('STATE_INVALID_VALUE', () =>
          append(storage, log, 'before', value, 'after'),
        )
        assert.equal(error.details.path, path, name)
      }
      await expectLogs(storage, {})
    })

    check('refuse an append of nothing', async ({ storage }) => {
      await refused('STATE_INVALID_OPTION', () => storage.commit(appending([])))
      await expectLogs(storage, {})
    })

    check('are told with their size', async ({ storage }) => {
      await append(storage, 'one', 'x'.repeat(1000))
      await append(storage, 'other', 1)
      await append(storage, 'other', 2)
      const statuses = (await storage.logs()).sort((a, b) => (a.log < b.log ? -1 : 1))
      assert.deepEqual(
        statuses.map((status) => status.log),
        ['one', 'other'],
      )
      for (const { bytes, segments } of statuses) {
        assert.ok(Number.isSafeInteger(bytes) && bytes > 0)
        assert.ok(Number.isSafeInteger(segments) && segments > 0)
      }
      assert.ok((statuses[0]?.bytes ?? 0) > 1000)
      assert.deepEqual(await storage.collections(), [])
    })

    check('are counted by a verification', async ({ storage }) => {
      await append(storage, 'one', 1, 2)
      await append(storage, 'other', 3)
      await put(storage, 'a', 1)
      const report = await storage.verify({ repair: false })
      assert.deepEqual(report, { documents: 1, intact: 1, records: 3, findings: [] })
    })

    check('share nothing with what was given', async ({ storage }) => {
      const data = { n: 1, list: [1] }
      const records = [{ type: 'a', data }]
      const committing = storage.commit(appending(records))
      data.n = 2
      data.list.push(2)
      records.push({ type: 'b', data })
      await committing
      data.list.push(3)
      assert.deepEqual(await dataOf(storage), [{ n: 1, list: [1] }])
    })

    check('share nothing among those who read', async ({ storage }) => {
      await append(storage, log, { list: [1] })
      const [first, second] = await Promise.all([dataOf(storage), dataOf(storage)])
      ;(first[0] as { list: number[] }).list.push(2)
      assert.deepEqual(second, [{ list: [1] }])
      assert.deepEqual(await dataOf(storage), [{ list: [1] }])
    })
  },
}

export const logNames: Group = {
  name: 'names of logs',
  define({ check }) {
    check(
      `of every kind neither collide nor lead elsewhere (${hostileKeys.length})`,
      async ({ storage }) => {
        const commits = hostileKeys.map((name, n) => appending([{ data: n }], name))
        for (const [n, outcome] of (await together(storage, commits)).entries()) {
          assert.equal(outcome.status, 'fulfilled', JSON.stringify(hostileKeys[n]))
        }
        for (const [n, name] of hostileKeys.entries()) {
          assert.deepEqual(await dataOf(storage, { log: name }), [n], JSON.stringify(name))
        }
        const names = (await storage.logs()).map((status) => status.log)
        assert.deepEqual(names.sort(), [...hostileKeys].sort())
        assert.deepEqual(await storage.collections(), [])
      },
    )

    check('are told apart from collections', async ({ storage }) => {
      for (const name of hostileNames) {
        const [outcome] = await together(storage, [
          {
            writes: [
              { address: { collection: name, key: name }, change: { kind: 'put', value: 'd' } },
            ],
            appends: [{ log: name, records: [{ data: 'r' }] }],
          },
        ])
        fulfilled(outcome)
      }
      for (const name of hostileNames) {
        assert.deepEqual(await dataOf(storage, { log: name }), ['r'], JSON.stringify(name))
        const document = await storage.read({ collection: name, key: name })
        assert.equal(document?.value, 'd', JSON.stringify(name))
      }
      assert.deepEqual((await storage.collections()).sort(), [...hostileNames].sort())
    })

    for (const [what, name] of Object.entries(invalidKeys)) {
      check(`are refused: ${what}`, async ({ storage }) => {
        const appends = [{ log: name as string, records: [{ data: 1 }] }]
        await refused('STATE_INVALID_KEY', () => storage.commit({ writes: [], appends }))
        await refused('STATE_INVALID_KEY', () => recordsOf(storage, { log: name as string }))
        assert.deepEqual(await storage.logs(), [])
      })
    }
  },
}
