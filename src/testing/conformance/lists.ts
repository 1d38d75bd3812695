import assert from 'node:assert/strict'
import {
  at,
  collection,
  keysOf,
  present,
  put,
  putting,
  refused,
  remove,
  together,
  writing,
} from './expectations.js'
import type { Group } from './group.js'
import { hostileKeys, hostileNames, invalidKeys } from './hostile-keys.js'

export const lists: Group = {
  name: 'lists',
  define({ check }) {
    check('are empty where there is nothing', async ({ storage }) => {
      assert.deepEqual(await keysOf(storage), [])
      assert.deepEqual(await keysOf(storage, { pattern: '**' }), [])
      await put(storage, 'a', 1)
      await remove(storage, 'a')
      assert.deepEqual(await keysOf(storage), [])
    })

    check('name every key once, of one collection', async ({ storage }) => {
      for (const key of ['b', 'a', 'c', 'a']) await put(storage, key, 1)
      await storage.commit({ writes: [{ address: at('d', 'elsewhere'), change: putting(1) }] })
      assert.deepEqual(await keysOf(storage), ['a', 'b', 'c'])
      assert.deepEqual(await keysOf(storage, { collection: 'elsewhere' }), ['d'])
      await remove(storage, 'b')
      assert.deepEqual(await keysOf(storage), ['a', 'c'])
    })

    check('can be left early and made again', async ({ storage }) => {
      for (const key of ['a', 'b', 'c']) await put(storage, key, 1)
      for await (const key of storage.list({ collection })) {
        assert.ok(['a', 'b', 'c'].includes(key))
        break
      }
      assert.deepEqual(await keysOf(storage), ['a', 'b', 'c'])
    })

    check(
      'tell every key that was there all the time once, whatever else is written',
      async ({ storage }) => {
        const stable = Array.from({ length: 20 }, (_, n) => `stable ${n}`)
        await storage.commit({ writes: stable.map((key) => writing(key, 1)) })
        const others = (async () => {
          for (let n = 0; n < 10; n++) {
            await put(storage, `other ${n}`, n)
            await put(storage, 'stable 0', n)
            if (n % 2 === 0) await remove(storage, `other ${n}`)
          }
        })()
        for (let round = 0; round < 5; round++) {
          const listed = await keysOf(storage)
          assert.deepEqual(
            listed.filter((key) => key.startsWith('stable')),
            [...stable].sort(),
          )
          assert.equal(new Set(listed).size, listed.length)
        }
        await others
      },
    )

    check('match patterns against keys, with / between their parts', async ({ storage }) => {
      const keys = [
        'task_1',
        'task_2',
        'task_10',
        'Task_1',
        'note',
        '2026/01/a',
        '2026/02/a',
        '2026/02/b',
        '2026/x',
        '2026',
        '.hidden',
        'dir/.hidden',
      ]
      await storage.commit({
        writes: keys.map((key) => ({ address: at(key), change: putting(key) })),
      })
      const cases: Readonly<Record<string, readonly string[]>> = {
        'task_*': ['task_1', 'task_10', 'task_2'],
        'task_?': ['task_1', 'task_2'],
        'task_{1,2}': ['task_1', 'task_2'],
        'task_{1,2}*': ['task_1', 'task_10', 'task_2'],
        'task_[12]': ['task_1', 'task_2'],
        '[tT]ask_1': ['Task_1', 'task_1'],
        '*': ['.hidden', '2026', 'Task_1', 'note', 'task_1', 'task_10', 'task_2'],
        '2026/*': ['2026/x'],
        '2026/*/a': ['2026/01/a', '2026/02/a'],
        '2026/**': ['2026/01/a', '2026/02/a', '2026/02/b', '2026/x'],
        '**/a': ['2026/01/a', '2026/02/a'],
        '**': [...keys].sort(),
        '{note,2026/x}': ['2026/x', 'note'],
        note: ['note'],
        'no*such': [],
        NOTE: [],
      }
      for (const [pattern, expected] of Object.entries(cases)) {
        assert.deepEqual(await keysOf(storage, { pattern }), expected, pattern)
      }
    })

    check('match any key with **', async ({ storage }) => {
      await storage.commit({
        writes: hostileKeys.map((key, n) => ({ address: at(key), change: putting(n) })),
      })
      const matched = await keysOf(storage, { pattern: '**' })
      assert.deepEqual(matched, [...hostileKeys].sort())
    })

    check('refuse a signal that is aborted', async ({ storage }) => {
      await put(storage, 'a', 1)
      await refused('STATE_ABORTED', () => keysOf(storage, { signal: AbortSignal.abort() }))
    })

    check('end when the signal aborts', async ({ storage }) => {
      for (const key of ['a', 'b', 'c']) await put(storage, key, 1)
      const controller = new AbortController()
      const reason = new Error('enough')
      const seen: string[] = []
      const error = await refused('STATE_ABORTED', async () => {
        for await (const key of storage.list({ collection, signal: controller.signal })) {
          seen.push(key)
          controller.abort(reason)
        }
      })
      assert.equal(seen.length, 1)
      assert.equal(error.cause, reason)
    })
  },
}

export const collections: Group = {
  name: 'collections',
  define({ check }) {
    check('are none at first', async ({ storage }) => {
      assert.deepEqual(await storage.collections(), [])
    })

    check('are those that hold a document', async ({ storage }) => {
      await put(storage, 'a', 1)
      const elsewhere = at('b', 'elsewhere')
      await storage.commit({ writes: [{ address: elsewhere, change: putting(1) }] })
      assert.deepEqual((await storage.collections()).sort(), ['elsewhere', 'things'])
      await remove(storage, 'a')
      assert.deepEqual(await storage.collections(), ['elsewhere'])
      await storage.commit({ writes: [{ address: elsewhere, change: { kind: 'delete' } }] })
      assert.deepEqual(await storage.collections(), [])
    })

    check('do not come about by reading', async ({ storage }) => {
      await storage.read(at('a', 'read'))
      await keysOf(storage, { collection: 'listed' })
      await refused('STATE_REVISION_CONFLICT', () =>
        storage.commit({
          writes: [{ address: at('a', 'refused'), change: putting(1), expected: '1.999999' }],
        }),
      )
      assert.deepEqual(await storage.collections(), [])
    })

    check('have any name, and do not collide', async ({ storage }) => {
      await together(
        storage,
        hostileNames.map((name) => ({
          writes: [{ address: at('key', name), change: putting(name) }],
        })),
      )
      for (const name of hostileNames) {
        assert.equal((await present(storage, at('key', name))).value, name)
        assert.deepEqual(await keysOf(storage, { collection: name }), ['key'])
      }
      assert.deepEqual((await storage.collections()).sort(), [...hostileNames].sort())
    })

    for (const [what, name] of Object.entries(invalidKeys)) {
      check(`refuse a name that is ${what}`, async ({ storage }) => {
        const address = { collection: name as string, key: 'a' }
        await refused('STATE_INVALID_KEY', () => storage.read(address))
        await refused('STATE_INVALID_KEY', () =>
          storage.commit({ writes: [{ address, change: putting(1) }] }),
        )
        await refused('STATE_INVALID_KEY', () => keysOf(storage, { collection: name as string }))
        assert.deepEqual(await storage.collections(), [])
      })
    }
  },
}

export const keys: Group = {
  name: 'keys',
  define({ check, supports }) {
    check(
      `of every kind neither collide nor lead elsewhere (${hostileKeys.length})`,
      async ({ storage }) => {
        const outcomes = await together(
          storage,
          hostileKeys.map((key, n) => ({ writes: [{ address: at(key), change: putting({ n }) }] })),
        )
        for (const [n, { status }] of outcomes.entries()) {
          assert.equal(status, 'fulfilled', JSON.stringify(hostileKeys[n]))
        }
        for (const [n, key] of hostileKeys.entries()) {
          assert.deepEqual((await present(storage, key)).value, { n }, JSON.stringify(key))
        }
        assert.deepEqual(await keysOf(storage), [...hostileKeys].sort())
        assert.deepEqual(await storage.collections(), [collection])
      },
    )

    check('of every kind can be deleted one by one', async ({ storage }) => {
      await storage.commit({
        writes: hostileKeys.map((key, n) => ({ address: at(key), change: putting(n) })),
      })
      const deleted = hostileKeys.filter((_, n) => n % 2 === 0)
      const left = hostileKeys.filter((_, n) => n % 2 === 1)
      const outcomes = await together(
        storage,
        deleted.map((key) => ({ writes: [{ address: at(key), change: { kind: 'delete' } }] })),
      )
      for (const outcome of outcomes) {
        assert.equal(outcome.status, 'fulfilled')
        assert.equal(outcome.value.outcomes[0]?.kind, 'delete')
      }
      assert.deepEqual(await keysOf(storage), [...left].sort())
    })

    check('are told apart from collections', async ({ storage }) => {
      const pairs = [
        at('b/c', 'a'),
        at('c', 'a/b'),
        at('b\0c', 'a'),
        at('c', 'a\0b'),
        at('c', 'a.b'),
        at('b.c', 'a'),
        at('","c', 'a","b'),
        at('c', 'a","b","'),
      ]
      await together(
        storage,
        pairs.map((address, n) => ({ writes: [{ address, change: putting(n) }] })),
      )
      for (const [n, address] of pairs.entries()) {
        assert.equal((await present(storage, address)).value, n, JSON.stringify(address))
      }
    })

    for (const [what, key] of Object.entries(invalidKeys)) {
      check(`are refused: ${what}`, async ({ storage }) => {
        const address = at(key as string)
        await refused('STATE_INVALID_KEY', () => storage.read(address))
        for (const change of [putting(1), () => putting(1), { kind: 'delete' } as const]) {
          await refused('STATE_INVALID_KEY', () =>
            storage.commit({ writes: [{ address, change }] }),
          )
        }
        await refused('STATE_INVALID_KEY', () =>
          storage.commit({ writes: [], checks: [{ address, expected: null }] }),
        )
        if (supports.backups) {
          await refused('STATE_INVALID_KEY', () => storage.backups(address))
        }
        assert.deepEqual(await keysOf(storage), [])
      })
    }
  },
}
