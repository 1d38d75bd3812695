import assert from 'node:assert/strict'
import type { Commit } from '../../storage/index.js'
import {
  at,
  expectDocuments,
  expectRefusal,
  fulfilled,
  numberIn,
  present,
  put,
  putting,
  refused,
  refusedBlocking,
  start,
  together,
  writing,
} from './expectations.js'
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

const noting = (data: unknown, to = log) => ({ log: to, records: [{ data }] })

export const logCommits: Group = {
  name: 'commits with records',
  define({ check }) {
    check('make documents and records', async ({ storage }) => {
      await put(storage, 'b', 'old')
      const result = await storage.commit({
        writes: [writing('a', 1), { address: at('b'), change: { kind: 'delete' } }],
        appends: [noting('first'), noting('aside', 'other'), noting('second')],
      })
      await expectDocuments(storage, { a: 1 })
      await expectLogs(storage, { [log]: ['first', 'second'], other: ['aside'] })
      assert.equal((await present(storage, 'a')).revision, result.revision)
      expectRising(idsOf(result))
    })

    check('may be decided by a function, and change no document', async ({ storage }) => {
      await storage.commit({
        writes: [
          { address: at('a'), change: () => putting(1) },
          { address: at('b'), change: { kind: 'keep' } },
          { address: at('c'), change: { kind: 'delete' } },
        ],
        appends: [noting('told')],
      })
      await storage.commit({
        writes: [{ address: at('a'), change: { kind: 'keep' } }],
        appends: [noting('told again')],
      })
      await expectDocuments(storage, { a: 1 })
      await expectLogs(storage, { [log]: ['told', 'told again'] })
    })

    check('that are refused leave no record', async ({ storage }) => {
      await put(storage, 'a', 'old')
      const lost = await take(storage)
      await lost.release()
      const wrong: readonly (Partial<Commit> & { code: Parameters<typeof refused>[0] })[] = [
        { code: 'STATE_REVISION_CONFLICT', writes: [{ ...writing('a', 'new'), expected: null }] },
        { code: 'STATE_REVISION_CONFLICT', checks: [{ address: at('a'), expected: '1.999999' }] },
        { code: 'STATE_LEASE_LOST', leases: [lost] },
        { code: 'STATE_INVALID_VALUE', writes: [writing('b', Number.NaN)] },
        { code: 'STATE_INVALID_KEY', writes: [writing('', 1)] },
        { code: 'STATE_INVALID_VALUE', appends: [noting('more'), noting(1n, 'other')] },
        { code: 'STATE_INVALID_KEY', appends: [noting('more'), noting('more', '')] },
        { code: 'STATE_INVALID_OPTION', appends: [noting(1), { log, records: [] }] },
        { code: 'STATE_ABORTED', signal: AbortSignal.abort() },
      ]
      for (const { code, ...more } of wrong) {
        const whole = { writes: [writing('c', 1)], appends: [noting('lost')], ...more }
        await refused(code, () => storage.commit(whole))
      }
      const problem = new Error('no')
      const failing = start(storage, {
        writes: [
          {
            address: at('a'),
            change: () => {
              throw problem
            },
          },
        ],
        appends: [noting('lost')],
      })
      await assert.rejects(failing, (error) => error === problem)
      await expectDocuments(storage, { a: 'old' })
      await expectLogs(storage, {})
    })

    check('fail alone among others that are made at once', async ({ storage }) => {
      const outcomes = await together(storage, [
        { writes: [writing('a', 1)], appends: [noting('one')] },
        { writes: [{ ...writing('a', 2), expected: '1.999999' }], appends: [noting('two')] },
        appending([{ data: 'three' }, { data: Symbol('no') }]),
        appending([{ data: 'four' }]),
      ])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
      )
      await expectDocuments(storage, { a: 1 })
      await expectLogs(storage, { [log]: ['one', 'four'] })
    })

    check('keep their records when their documents are superseded', async ({ storage }) => {
      const commits = [1, 2, 3].map((n) => ({
        writes: [writing('a', n)],
        appends: [noting(n)],
      }))
      for (const outcome of await together(storage, commits)) fulfilled(outcome)
      await expectDocuments(storage, { a: 3 })
      await expectLogs(storage, { [log]: [1, 2, 3] })
    })

    check('that wait together all land, in the order they were asked for', async ({ storage }) => {
      const commits = Array.from({ length: 100 }, (_, n) => appending([{ data: n }]))
      const outcomes = await together(storage, commits)
      const ids = outcomes.flatMap((outcome) => idsOf(fulfilled(outcome)))
      expectRising(ids)
      const records = await recordsOf(storage)
      assert.deepEqual(
        records.map(({ id, data }) => [id, data]),
        ids.map((id, n) => [id, n]),
      )
    })

    check('have their records stand together', async ({ storage }) => {
      const commits = Array.from({ length: 30 }, (_, n) =>
        appending([0, 1, 2].map((part) => ({ data: [n, part] }))),
      )
      await Promise.all(commits.map((commit) => storage.commit(commit)))
      assert.deepEqual(
        await dataOf(storage),
        commits.flatMap((_, n) => [0, 1, 2].map((part) => [n, part])),
      )
    })

    check(
      'are made under a lease while it is held, and refused afterwards',
      async ({ storage }) => {
        const lease = await take(storage)
        const commit = { ...appending([{ data: 'held' }]), leases: [lease] }
        await storage.commit(commit)
        await lease.release()
        const error = await refused('STATE_LEASE_LOST', () => storage.commit(commit))
        assert.equal(error.details.name, lease.name)
        await expectLogs(storage, { [log]: ['held'] })
      },
    )

    check('are waited for by the release of their lease', async ({ storage }) => {
      const lease = await take(storage)
      const commits = [1, 2, 3].map((data) =>
        start(storage, { ...appending([{ data }]), leases: [lease] }),
      )
      await lease.release()
      await expectLogs(storage, { [log]: [1, 2, 3] })
      await Promise.all(commits)
    })

    check('are completed by close', async ({ storage }) => {
      const commits = [1, 2, 3].map((data) => start(storage, appending([{ data }])))
      await storage.close()
      for (const commit of commits) assert.equal(idsOf(await commit).length, 1)
    })
  },
}

export const blockingLogCommits: Group = {
  name: 'commits with records that block',
  applies: ({ blockingCommit }) => blockingCommit,
  define({ check, supports }) {
    // One that does not fence may still be at work on what a flush has written anew.
    const moments = supports.fencing ? [0, 1, 2, 3, 5, 8] : [0]

    check('are made when the call returns', async ({ storage }) => {
      const before = idsOf(await append(storage, log, 'before'))
      const result = storage.commitBlocking(
        { writes: [writing('a', 1)], appends: [noting('blocking'), noting('aside', 'other')] },
        waitMs,
      )
      assert.deepEqual(
        result.appended.map((each) => each.log),
        [log, 'other'],
      )
      const after = idsOf(await append(storage, log, 'after'))
      expectRising([...before, ...idsOf(result), ...after])
      await expectLogs(storage, { [log]: ['before', 'blocking', 'after'], other: ['aside'] })
      await expectDocuments(storage, { a: 1 })
    })

    check('are refused like others, by throwing', async ({ storage }) => {
      const conflict = { writes: [{ ...writing('a', 1), expected: '1.9' }], appends: [noting(1)] }
      refusedBlocking('STATE_REVISION_CONFLICT', () => storage.commitBlocking(conflict, waitMs))
      const wrong = appending([{ data: 1 }, { data: new Date(0) }])
      refusedBlocking('STATE_INVALID_VALUE', () => storage.commitBlocking(wrong, waitMs))
      await expectLogs(storage, {})
    })

    check('come after those that were asked for before, which settle once', async ({ storage }) => {
      const before = Array.from({ length: 10 }, (_, n) => start(storage, appending([{ data: n }])))
      storage.commitBlocking(appending([{ data: 'last' }]), waitMs)
      const ids = (await Promise.all(before)).flatMap(idsOf)
      expectRising(ids)
      await expectLogs(storage, { [log]: [...before.keys(), 'last'] })
      assert.deepEqual((await recordsOf(storage)).map(({ id }) => id).slice(0, 10), ids)
    })

    check('leave what is flushed there once, whenever the flush comes', async ({ storage }) => {
      const expected: unknown[] = []
      for (const turns of moments) {
        const committing = [1, 2].map((n) => {
          expected.push([turns, n])
          return start(storage, {
            writes: [writing(`k${n}`, { n: turns })],
            appends: [noting([turns, n])],
          })
        })
        for (let turn = 0; turn < turns; turn++) await nextTurn()
        storage.flushBlocking(waitMs)
        await Promise.all(committing)
        assert.equal(numberIn((await present(storage, 'k2')).value), turns)
        await expectLogs(storage, { [log]: expected })
      }
    })
  },
}

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

export const recordSizeLimit: Group = {
  name: 'the size limit of records',
  applies: (_supports, subject) => subject.createLimited !== undefined,
  define({ checkLimited }) {
    const limit = 4096
    const large = 'x'.repeat(limit + 1)

    checkLimited(limit, 'counts each record for itself', async ({ storage }) => {
      const data = Array.from({ length: 10 }, () => 'x'.repeat(limit / 2))
      await append(storage, log, ...data)
      assert.deepEqual(await dataOf(storage), data)
    })

    checkLimited(limit, 'refuses the whole commit, and tells the sizes', async ({ storage }) => {
      const error = await refused('STATE_DOCUMENT_TOO_LARGE', () =>
        storage.commit({ writes: [writing('a', 1)], appends: [noting(1), noting(large)] }),
      )
      assert.equal(error.details.maxDocumentBytes, limit)
      assert.ok(Number(error.details.bytes) > limit)
      assert.equal(error.details.log, log)
      await expectDocuments(storage, {})
      await expectLogs(storage, {})
    })

    checkLimited(limit, 'counts bytes and not characters', async ({ storage }) => {
      const wide = '漢'.repeat(limit / 2)
      await refused('STATE_DOCUMENT_TOO_LARGE', () => append(storage, log, wide))
      await expectLogs(storage, {})
    })

    checkLimited(limit, 'fails what is too large alone', async ({ storage }) => {
      const outcomes = await together(
        storage,
        [1, large, 3].map((data) => appending([{ data }])),
      )
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      expectRefusal((outcomes[1] as PromiseRejectedResult).reason, 'STATE_DOCUMENT_TOO_LARGE')
      await expectLogs(storage, { [log]: [1, 3] })
    })
  },
}
