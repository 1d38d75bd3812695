/** Records that wait for their turn at the store. */
import { openStateStore } from 'holdfast'
import { ManualClock, MemoryFileSystem } from 'holdfast/testing'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/clock/index.js'
import { closedAtEnd, holdNextSync } from '../store/homes.js'

it('a record counts from its turn, not from when it was asked for', async () => {
  const fileSystem = new MemoryFileSystem()
  const time = new ManualClock()
  const clock = { ...systemClock, now: () => time.now() }
  const store = closedAtEnd(await openStateStore('/state', { clock, fileSystem }))
  const start = time.now()
  const gate = holdNextSync(fileSystem)
  const first = store.health.record('mail', 'error')
  await gate.reached
  const second = store.health.record('mail', 'ok')
  time.advance(60_000)
  gate.open()
  await Promise.all([first, second])
  const at = start + 60_000
  expect(await store.health.latest('mail')).toMatchObject({ status: 'ok', since: at, at })
  expect(await store.health.transitions()).toMatchObject([
    { to: 'error', at: start },
    { from: 'error', to: 'ok', at },
  ])
  expect(await store.health.uptime('mail', { since: start })).toMatchObject({ error: 1 })
})
