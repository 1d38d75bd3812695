import assert from 'node:assert/strict'
import type { Commit } from '../../storage/index.js'
import {
  at,
  counting,
  expectDocuments,
  numberIn,
  present,
  put,
  putting,
  refusedBlocking,
  start,
  writing,
} from './expectations.js'
import type { Group } from './group.js'
import { take } from './leases.js'

const waitMs = 10_000

export const blockingCommits: Group = {
  name: 'commits that block',
  applies: ({ blockingCommit }) => blockingCommit,
  define({ check }) {
    check('are made when the call returns', async ({ storage }) => {
      const { revision, outcomes, superseded } = storage.commitBlocking(
        { writes: [writing('a', { n: 1 }), writing('b', 2)] },
        waitMs,
      )
      assert.equal(superseded, false)
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['put', 'put'],
      )
      assert.equal((await present(storage, 'a')).revision, revision)
      await expectDocuments(storage, { a: { n: 1 }, b: 2 })
    })

    check('delete, and take functions and conditions', async ({ storage }) => {
      const { revision } = await put(storage, 'a', { n: 1 })
      storage.commitBlocking(
        { writes: [{ address: at('a'), change: counting, expected: revision }] },
        waitMs,
      )
      await expectDocuments(storage, { a: { n: 2 } })
      const { outcomes } = storage.commitBlocking(
        { writes: [{ address: at('a'), change: { kind: 'delete' } }] },
        waitMs,
      )
      assert.equal(outcomes[0]?.kind, 'delete')
      await expectDocuments(storage, {})
    })

    check('are refused like others, by throwing', async ({ storage }) => {
      await put(storage, 'a', 1)
      const older = await take(storage)
      await older.release()
      const problem = new Error('no')
      refusedBlocking('STATE_REVISION_CONFLICT', () =>
        storage.commitBlocking({ writes: [{ ...writing('a', 2), expected: null }] }, waitMs),
      )
      refusedBlocking('STATE_INVALID_VALUE', () =>
        storage.commitBlocking({ writes: [writing('a', new Date(0))] }, waitMs),
      )
      refusedBlocking('STATE_INVALID_KEY', () =>
        storage.commitBlocking({ writes: [writing('', 1)] }, waitMs),
      )
      refusedBlocking('STATE_LEASE_LOST', () =>
        storage.commitBlocking({ writes: [writing('a', 2)], leases: [older] }, waitMs),
      )
      refusedBlocking('STATE_ABORTED', () =>
        storage.commitBlocking({ writes: [writing('a', 2)], signal: AbortSignal.abort() }, waitMs),
      )
      const throwing: Commit = {
        writes: [
          {
            address: at('a'),
            change: () => {
              throw problem
            },
          },
        ],
      }
      assert.throws(
        () => storage.commitBlocking(throwing, waitMs),
        (error) => error === problem,
      )
      await expectDocuments(storage, { a: 1 })
    })

    check('come after those that were asked for before, which settle', async ({ storage }) => {
      const count: Commit = { writes: [{ address: at('a'), change: counting }] }
      const before = Array.from({ length: 10 }, () => start(storage, count))
      const { outcomes } = storage.commitBlocking(count, waitMs)
      assert.equal(numberIn(outcomes[0]?.document?.value), 11)
      const told = await Promise.all(before)
      assert.deepEqual(
        told.map((result) => numberIn(result.outcomes[0]?.document?.value)),
        Array.from({ length: 10 }, (_, index) => index + 1),
      )
      await expectDocuments(storage, { a: { n: 11 } })
    })
  },
}

/** Lets commits get as far as they do in so many turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
  }
}

/**
 * A writer that does not fence may still be at work on what a flush has written anew, and shows it
 * afterwards. In an exit handler nothing of it goes on; here it would, so it is not let begin.
 */
const momentsFor = (fencing: boolean): readonly number[] =>
  fencing ? [0, 1, 2, 3, 5, 8, 13, 21] : [0]

export const blockingFlush: Group = {
  name: 'blocking flushes',
  applies: ({ blockingCommit }) => blockingCommit,
  define({ check, supports }) {
    const moments = momentsFor(supports.fencing)

    check('do nothing when there is nothing', async ({ storage }) => {
      storage.flushBlocking(waitMs)
      await put(storage, 'a', 1)
      storage.flushBlocking(waitMs)
      storage.flushBlocking(waitMs)
      await expectDocuments(storage, { a: 1 })
    })

    for (const moment of moments) {
      check(
        `complete what is under way after ${moment} turns of the event loop`,
        async ({ storage }) => {
          await put(storage, 'deleted', 'old')
          const commits: Commit[] = [
            { writes: [writing('a', 1)] },
            { writes: [{ address: at('n'), change: counting }] },
            { writes: [writing('pair', 1), writing('other', 1)] },
            { writes: [{ address: at('deleted'), change: { kind: 'delete' } }] },
            { writes: [{ address: at('n'), change: counting }] },
          ]
          const committing = commits.map((commit) => start(storage, commit))
          await turns(moment)
          storage.flushBlocking(waitMs)
          const results = await Promise.all(committing)
          assert.equal(numberIn(results[1]?.outcomes[0]?.document?.value), 1)
          assert.equal(numberIn(results[4]?.outcomes[0]?.document?.value), 2)
          const expected = { a: 1, n: { n: 2 }, pair: 1, other: 1 }
          await expectDocuments(storage, expected)
          await put(storage, 'later', 1)
          await expectDocuments(storage, { ...expected, later: 1 })
        },
      )

      check(
        `keep the order of one document's changes after ${moment} turns`,
        async ({ storage }) => {
          const change = (key: string, kind: 'put' | 'delete'): Commit => ({
            writes: [{ address: at(key), change: kind === 'put' ? putting('last') : { kind } }],
          })
          const commits = [
            change('made', 'put'),
            change('made', 'delete'),
            change('kept', 'put'),
            change('kept', 'delete'),
            change('kept', 'put'),
            change('gone', 'delete'),
            change('gone', 'put'),
            change('gone', 'delete'),
          ]
          await put(storage, 'kept', 'first')
          await put(storage, 'gone', 'first')
          const committing = commits.map((commit) => start(storage, commit))
          await turns(moment)
          storage.flushBlocking(waitMs)
          await Promise.all(committing)
          await expectDocuments(storage, { kept: 'last' })
        },
      )
    }

    for (const moment of moments) {
      check(`are not undone by what was under way ${moment} turns before`, async ({ storage }) => {
        const committing = start(storage, { writes: [writing('a', 'asynchronous')] })
        await turns(moment)
        storage.commitBlocking({ writes: [writing('a', 'blocking')] }, waitMs)
        await committing
        await put(storage, 'b', 1)
        await expectDocuments(storage, { a: 'blocking', b: 1 })
      })
    }
  },
}
