import assert from 'node:assert/strict'
import type { Change, Commit } from '../../storage/index.js'
import {
  at,
  expectDocuments,
  expectRefusal,
  fulfilled,
  present,
  put,
  putting,
  refused,
  together,
  valueAt,
  writing,
} from './expectations.js'
import type { Group } from './group.js'
import { storableValues, unstorableValues, withKey } from './sample-values.js'

export const values: Group = {
  name: 'values',
  define({ check }) {
    for (const [name, value] of Object.entries(storableValues)) {
      check(`come back as they went in: ${name}`, async ({ storage }) => {
        const { outcomes } = await put(storage, 'a', value)
        const read = await valueAt(storage, 'a')
        assert.deepEqual(read, value)
        // Tells -0, the order of properties and lone surrogates as well.
        assert.equal(JSON.stringify(read), JSON.stringify(value))
        assert.deepEqual(outcomes[0]?.document?.value, value)
      })
    }

    check('do not reach the prototype by way of __proto__', async ({ storage }) => {
      await put(storage, 'a', withKey('__proto__', { polluted: true }))
      const read = (await valueAt(storage, 'a')) as { polluted?: unknown }
      assert.equal(read.polluted, undefined)
      assert.equal(Object.getPrototypeOf(read), Object.prototype)
      assert.deepEqual(Object.keys(read), ['__proto__'])
    })

    check(
      'lose what JSON does not tell: undefined properties and the sign of 0',
      async ({ storage }) => {
        const { outcomes } = await put(storage, 'a', { zero: -0, gone: undefined, in: [-0] })
        for (const value of [await valueAt(storage, 'a'), outcomes[0]?.document?.value]) {
          assert.deepEqual(value, { zero: 0, in: [0] })
          assert.deepEqual(Object.keys(value as object), ['zero', 'in'])
        }
      },
    )

    check('may come without a prototype, and with shared parts', async ({ storage }) => {
      const part = { n: 1 }
      const value = Object.assign(Object.create(null), { first: part, second: [part, part] })
      await put(storage, 'a', value)
      assert.deepEqual(await valueAt(storage, 'a'), {
        first: { n: 1 },
        second: [{ n: 1 }, { n: 1 }],
      })
    })

    for (const [name, [value, path]] of Object.entries(unstorableValues)) {
      check(`are refused with their path: ${name}`, async ({ storage }) => {
        await put(storage, 'a', 'before')
        const error = await refused('STATE_INVALID_VALUE', () => put(storage, 'a', value))
        assert.equal(error.details.path, path)
        assert.ok(error.message.includes(path), error.message)
        await expectDocuments(storage, { a: 'before' })
      })
    }

    check('are refused from change functions as well, which fail alone', async ({ storage }) => {
      const outcomes = await together(storage, [
        { writes: [writing('a', 1)] },
        { writes: [{ address: at('b'), change: () => putting({ when: new Date(0) }) }] },
        { writes: [writing('c', 3)] },
      ])
      const [, second] = outcomes
      assert.equal(second?.status, 'rejected')
      const { details } = expectRefusal(second.reason, 'STATE_INVALID_VALUE')
      assert.equal(details.path, '$.when')
      await expectDocuments(storage, { a: 1, c: 3 })
    })

    check('are refused for the whole commit', async ({ storage }) => {
      await refused('STATE_INVALID_VALUE', () =>
        storage.commit({ writes: [writing('a', 1), writing('b', Number.NaN)] }),
      )
      await expectDocuments(storage, {})
    })
  },
}

export const ownership: Group = {
  name: 'ownership of values',
  define({ check }) {
    check('what was given may be changed once the call has returned', async ({ storage }) => {
      const value = { n: 1, list: [1] }
      const committing = put(storage, 'a', value)
      value.n = 2
      value.list.push(2)
      const { outcomes } = await committing
      value.n = 3
      assert.deepEqual(outcomes[0]?.document?.value, { n: 1, list: [1] })
      await expectDocuments(storage, { a: { n: 1, list: [1] } })
    })

    check('what a change function returned may be changed afterwards', async ({ storage }) => {
      const value = { n: 1, list: [1] }
      const { outcomes } = await storage.commit({
        writes: [{ address: at('a'), change: () => putting(value) }],
      })
      value.n = 2
      value.list.push(2)
      assert.deepEqual(outcomes[0]?.document?.value, { n: 1, list: [1] })
      await expectDocuments(storage, { a: { n: 1, list: [1] } })
    })

    check('what was read may be changed', async ({ storage }) => {
      await put(storage, 'a', { n: 1, list: [1] })
      listIn((await present(storage, 'a')).value).push(2)
      await expectDocuments(storage, { a: { n: 1, list: [1] } })
    })

    check('what the outcome of a commit holds may be changed', async ({ storage }) => {
      const { outcomes } = await put(storage, 'a', { list: [1] })
      listIn(outcomes[0]?.document?.value).push(2)
      await expectDocuments(storage, { a: { list: [1] } })
    })

    check('two who read at once share nothing', async ({ storage }) => {
      await put(storage, 'a', { list: [1] })
      const [first, second] = await Promise.all([valueAt(storage, 'a'), valueAt(storage, 'a')])
      assert.notEqual(first, second)
      listIn(first).push(2)
      assert.deepEqual(second, { list: [1] })
    })

    check('commits that were made at once share nothing', async ({ storage }) => {
      const keeping = { writes: [{ address: at('a'), change: { kind: 'keep' } as const }] }
      const outcomes = await together(storage, [
        { writes: [writing('a', { list: [1] })] },
        keeping,
        keeping,
      ])
      const told = outcomes.map((outcome) => fulfilled(outcome).outcomes[0]?.document?.value)
      assert.equal(new Set(told).size, 3)
      assert.equal(new Set(told.map(listIn)).size, 3)
    })

    check('a change function may change what it is given', async ({ storage }) => {
      await put(storage, 'a', { list: [1] })
      const problem = new Error('changed its mind')
      const spoiling = (end: () => Change): Commit => ({
        writes: [
          {
            address: at('a'),
            change: (current) => {
              listIn(current?.value).push(99)
              return end()
            },
          },
        ],
      })
      const outcomes = await together(storage, [
        spoiling(() => {
          throw problem
        }),
        spoiling(() => ({ kind: 'keep' })),
        {
          writes: [{ address: at('a'), change: (c) => putting({ list: listIn(c?.value) }) }],
        },
      ])
      assert.equal((outcomes[0] as PromiseRejectedResult).reason, problem)
      assert.deepEqual(fulfilled(outcomes[1]).outcomes[0]?.document?.value, { list: [1] })
      fulfilled(outcomes[2])
      await expectDocuments(storage, { a: { list: [1] } })
    })
  },
}

const listIn = (value: unknown): number[] => (value as { list: number[] }).list
