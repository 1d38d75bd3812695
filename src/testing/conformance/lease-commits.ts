import assert from 'node:assert/strict'
import type { LeaseClaim } from '../../storage/index.js'
import {
  at,
  counting,
  expectDocuments,
  expectRefusal,
  put,
  refused,
  together,
  writing,
} from './expectations.js'
import type { Group } from './group.js'
import { take } from './leases.js'

const claimOf = ({ name, token }: LeaseClaim): LeaseClaim => ({ name, token })

export const leaseCommits: Group = {
  name: 'commits under leases',
  define({ check }) {
    check('are made while the lease is held', async ({ storage }) => {
      const lease = await take(storage)
      await storage.commit({ writes: [writing('a', 1)], leases: [lease] })
      await storage.commit({ writes: [writing('b', 2)], leases: [claimOf(lease)] })
      await lease.release()
      await expectDocuments(storage, { a: 1, b: 2 })
    })

    check('are refused once it was released', async ({ storage }) => {
      await put(storage, 'a', 'before')
      const lease = await take(storage)
      await lease.release()
      const error = await refused('STATE_LEASE_LOST', () =>
        storage.commit({ writes: [writing('a', 'late')], leases: [lease] }),
      )
      assert.equal(error.details.name, lease.name)
      assert.equal(error.details.token, lease.token)
      assert.equal(error.retryable, false)
      await expectDocuments(storage, { a: 'before' })
    })

    check('are refused with an older token', async ({ storage }) => {
      const older = await take(storage)
      await older.release()
      const newer = await take(storage)
      await refused('STATE_LEASE_LOST', () =>
        storage.commit({ writes: [writing('a', 'late')], leases: [claimOf(older)] }),
      )
      await storage.commit({ writes: [writing('b', 1)], leases: [claimOf(newer)] })
      await newer.release()
      await expectDocuments(storage, { b: 1 })
    })

    check('are refused with a token that was never given', async ({ storage }) => {
      const lease = await take(storage)
      const claims = [
        { name: lease.name, token: lease.token + 1 },
        { name: lease.name, token: 0 },
        { name: lease.name, token: -1 },
        { name: 'never held', token: 1 },
        { name: 'never held', token: 0 },
      ]
      for (const claim of claims) {
        await refused('STATE_LEASE_LOST', () =>
          storage.commit({ writes: [writing('a', 1)], leases: [claim] }),
        )
      }
      await lease.release()
      await expectDocuments(storage, {})
    })

    check('need every lease they claim', async ({ storage }) => {
      const held = await take(storage, 'held')
      const gone = await take(storage, 'gone')
      await storage.commit({ writes: [writing('a', 1)], leases: [held, gone] })
      await gone.release()
      await refused('STATE_LEASE_LOST', () =>
        storage.commit({ writes: [writing('b', 1), writing('c', 1)], leases: [held, gone] }),
      )
      await held.release()
      await expectDocuments(storage, { a: 1 })
    })

    check('fail alone among others that are made at once', async ({ storage }) => {
      const older = claimOf(await take(storage, 'older').then(released))
      const held = await take(storage, 'held')
      const count = { address: at('a'), change: counting }
      const outcomes = await together(storage, [
        { writes: [count] },
        { writes: [count], leases: [older] },
        { writes: [count], leases: [held] },
      ])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      expectRefusal((outcomes[1] as PromiseRejectedResult).reason, 'STATE_LEASE_LOST')
      await held.release()
      await expectDocuments(storage, { a: { n: 2 } })
    })

    check('are waited for by release', async ({ storage }) => {
      const lease = await take(storage)
      const settled: string[] = []
      const commits = ['a', 'b', 'c'].map((key) =>
        storage
          .commit({ writes: [writing(key, key)], leases: [lease] })
          .then(() => settled.push(key)),
      )
      await lease.release()
      assert.deepEqual(settled.sort(), ['a', 'b', 'c'])
      await Promise.all(commits)
      await expectDocuments(storage, { a: 'a', b: 'b', c: 'c' })
    })

    check('that fail do not keep release from releasing', async ({ storage }) => {
      const lease = await take(storage)
      const failing = refused('STATE_REVISION_CONFLICT', () =>
        storage.commit({
          writes: [{ ...writing('a', 1), expected: '1.999999' }],
          leases: [lease],
        }),
      )
      await lease.release()
      await failing
      await (await take(storage)).release()
    })
  },
}

async function released<T extends { release(): Promise<void> }>(lease: T): Promise<T> {
  await lease.release()
  return lease
}

export const aborting: Group = {
  name: 'aborting',
  define({ check }) {
    check('refuses a commit whose signal is aborted, with the reason', async ({ storage }) => {
      await put(storage, 'a', 'before')
      const reason = new Error('stop')
      const signal = AbortSignal.abort(reason)
      const error = await refused('STATE_ABORTED', () =>
        storage.commit({ writes: [writing('a', 'late')], signal }),
      )
      assert.equal(error.cause, reason)
      await expectDocuments(storage, { a: 'before' })
    })

    check('ends the wait of a commit or comes too late, and says which', async ({ storage }) => {
      const controller = new AbortController()
      const { signal } = controller
      const before = together(storage, [{ writes: [writing('a', 1)] }])
      const commits = ['b', 'c', 'd'].map((key) => ({ writes: [writing(key, 1)], signal }))
      const waiting = together(storage, commits)
      const after = together(storage, [{ writes: [writing('e', 1)] }])
      controller.abort()
      const written: Record<string, unknown> = { a: 1, e: 1 }
      for (const [index, outcome] of (await waiting).entries()) {
        if (outcome.status === 'rejected') expectRefusal(outcome.reason, 'STATE_ABORTED')
        else written[['b', 'c', 'd'][index] ?? ''] = 1
      }
      for (const outcome of [...(await before), ...(await after)]) {
        assert.equal(outcome.status, 'fulfilled')
      }
      await expectDocuments(storage, written)
    })

    check('after the commit changes nothing', async ({ storage }) => {
      const controller = new AbortController()
      await storage.commit({ writes: [writing('a', 1)], signal: controller.signal })
      controller.abort()
      await put(storage, 'b', 2)
      await expectDocuments(storage, { a: 1, b: 2 })
    })
  },
}
