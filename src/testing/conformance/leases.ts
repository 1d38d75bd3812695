import assert from 'node:assert/strict'
import type { Lease, Storage } from '../../storage/index.js'
import { put, refused } from './expectations.js'
import type { Group } from './group.js'
import { hostileNames, invalidKeys } from './hostile-keys.js'

const name = 'deploy'

/** Takes the lease if it is free this very moment. */
export const take = (storage: Storage, of = name): Promise<Lease> =>
  storage.acquireLease({ name: of, waitMs: 0 })

export const leases: Group = {
  name: 'leases',
  define({ check }) {
    check('are had at once when they are free', async ({ storage }) => {
      const lease = await take(storage)
      assert.equal(lease.name, name)
      assert.ok(Number.isSafeInteger(lease.token) && lease.token > 0)
      assert.equal(lease.signal.aborted, false)
      await lease.release()
      assert.equal(lease.signal.aborted, false)
    })

    check('have a token that rises', async ({ storage }) => {
      let before = 0
      for (let round = 0; round < 5; round++) {
        const lease = await take(storage)
        assert.ok(lease.token > before)
        before = lease.token
        await lease.release()
      }
    })

    check('are exclusive, whatever the name, and names do not collide', async ({ storage }) => {
      const held: Lease[] = []
      for (const each of hostileNames) held.push(await take(storage, each))
      for (const each of hostileNames) {
        await refused('STATE_LEASE_TIMEOUT', () => take(storage, each))
      }
      const listed = (await storage.leases()).map((status) => status.name)
      assert.deepEqual(listed.sort(), [...hostileNames].sort())
      for (const lease of held) await lease.release()
      for (const each of hostileNames) await (await take(storage, each)).release()
    })

    check('let one caller in at a time', async ({ storage }) => {
      let inside = 0
      let entered = 0
      const visit = async (): Promise<void> => {
        const lease = await storage.acquireLease({ name })
        inside += 1
        entered += 1
        assert.equal(inside, 1)
        await storage.leases()
        assert.equal(inside, 1)
        inside -= 1
        await lease.release()
      }
      await Promise.all(Array.from({ length: 20 }, visit))
      assert.equal(entered, 20)
    })

    check('can be released twice, and late', async ({ storage }) => {
      const first = await take(storage)
      await Promise.all([first.release(), first.release()])
      await first.release()
      const second = await take(storage)
      await first.release()
      await refused('STATE_LEASE_TIMEOUT', () => take(storage))
      await second.release()
      await (await take(storage)).release()
    })

    check('are listed with their holder', async ({ storage }) => {
      assert.deepEqual(await storage.leases(), [])
      const purpose = 'rolling out'
      const lease = await storage.acquireLease({ name, purpose, ttlMs: 60_000 })
      const [held, ...others] = await storage.leases()
      assert.deepEqual(others, [])
      assert.equal(held?.name, name)
      assert.equal(held?.token, lease.token)
      assert.equal(held?.state, 'held')
      assert.equal(held?.purpose, purpose)
      assert.equal(held?.pid, process.pid)
      assert.ok(held?.since !== undefined && held.expiresAt !== undefined)
      assert.ok(held.expiresAt >= held.since + 60_000)
      await lease.release()
      const [free] = await storage.leases()
      assert.deepEqual(
        { name: free?.name, token: free?.token, state: free?.state },
        { name, token: lease.token, state: 'free' },
      )
      assert.equal(free?.purpose, undefined)
    })

    for (const [what, invalid] of Object.entries(invalidKeys)) {
      check(`refuse a name that is ${what}`, async ({ storage }) => {
        await refused('STATE_INVALID_KEY', () =>
          storage.acquireLease({ name: invalid as string, waitMs: 0 }),
        )
      })
    }

    for (const request of [
      { ttlMs: 49 },
      { ttlMs: 86_400_001 },
      { ttlMs: Number.NaN },
      { waitMs: -1 },
      { waitMs: Number.NaN },
    ]) {
      check(`refuse the times ${JSON.stringify(request)}`, async ({ storage }) => {
        await refused('STATE_INVALID_OPTION', () => storage.acquireLease({ name, ...request }))
        await (await take(storage)).release()
      })
    }
  },
}

export const waitingForLeases: Group = {
  name: 'waiting for leases',
  define({ check }) {
    check('ends in time, and tells who holds it', async ({ storage }) => {
      const lease = await take(storage)
      for (const waitMs of [0, 1, 5]) {
        const error = await refused('STATE_LEASE_TIMEOUT', () =>
          storage.acquireLease({ name, waitMs }),
        )
        assert.equal(error.retryable, true)
        assert.equal(error.details.name, name)
        assert.equal(error.details.pid, process.pid)
      }
      await lease.release()
      await (await take(storage)).release()
    })

    check('is in the order of asking', async ({ storage }) => {
      const first = await take(storage)
      const order: number[] = []
      const waiting = Array.from({ length: 20 }, async (_, index) => {
        const lease = await storage.acquireLease({ name })
        order.push(index)
        await lease.release()
      })
      await first.release()
      await Promise.all(waiting)
      assert.deepEqual(
        order,
        Array.from({ length: 20 }, (_, index) => index),
      )
    })

    check(
      'of a thousand callers gives each its turn and a token of its own',
      async ({ storage }) => {
        const first = await take(storage)
        const tokens: number[] = []
        const waiting = Array.from({ length: 1000 }, async () => {
          const lease = await storage.acquireLease({ name, waitMs: 600_000 })
          tokens.push(lease.token)
          await lease.release()
        })
        await first.release()
        await Promise.all(waiting)
        assert.equal(tokens.length, 1000)
        for (const [index, token] of tokens.entries()) {
          assert.ok(token > (tokens[index - 1] ?? first.token))
        }
      },
    )

    check('can be given up, with the reason told', async ({ storage }) => {
      const lease = await take(storage)
      const controller = new AbortController()
      const reason = new Error('changed my mind')
      const error = await refused('STATE_ABORTED', async () => {
        const waiting = storage.acquireLease({ name, signal: controller.signal })
        controller.abort(reason)
        return await waiting
      })
      assert.equal(error.cause, reason)
      await refused('STATE_LEASE_TIMEOUT', () => take(storage))
      await lease.release()
      await (await take(storage)).release()
    })

    check('that was given up does not hold up those behind', async ({ storage }) => {
      const lease = await take(storage)
      const controller = new AbortController()
      const givenUp = refused('STATE_ABORTED', () =>
        storage.acquireLease({ name, signal: controller.signal }),
      )
      const timedOut = refused('STATE_LEASE_TIMEOUT', () => take(storage))
      const behind = storage.acquireLease({ name })
      controller.abort()
      await givenUp
      await timedOut
      await lease.release()
      await (await behind).release()
      await (await take(storage)).release()
    })

    check('does not begin with a signal that is aborted', async ({ storage }) => {
      const signal = AbortSignal.abort()
      await refused('STATE_ABORTED', () => storage.acquireLease({ name, signal }))
      await (await take(storage)).release()
    })

    check('for one name has nothing to do with another', async ({ storage }) => {
      const lease = await take(storage)
      const waiting = storage.acquireLease({ name })
      const other = await take(storage, 'another')
      await put(storage, 'a', 1)
      await other.release()
      await lease.release()
      await (await waiting).release()
    })
  },
}
