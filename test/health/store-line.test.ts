/** The status line of a store: where its facts come from. How they are put is in status-line.test.ts. */
import { openStateStore } from 'holdfast'
import { MemoryFileSystem } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { closedAtEnd, failure } from '../store/homes.js'
import { everyHome } from './homes.js'

const minute = 60_000

describe.each(everyHome)('the status line of a store on $name', ({ home: makeHome }) => {
  it('tells locks and components, and how old the newest of it is', async () => {
    const home = await makeHome()
    const store = await home.open()
    const { location } = await store.health.check()
    const state = location === undefined ? '' : `state ${location} | `
    home.time.advance(minute)
    const line = () => store.health.statusLine({ color: false })
    expect(await line()).toBe(`${state}no locks | no health recorded | as of 1m ago`)
    const lock = await store.lock('post')
    await (await store.lock('released')).release()
    await store.health.record('web', 'ok')
    home.time.advance(minute)
    await store.health.record('mail\u001b[2J', 'error', 'time\nout')
    home.time.advance(2000)
    const health = 'error mail?[2J 2s (time?out) | ok web'
    expect(await line()).toBe(`${state}locks post | ${health} | as of 2s ago`)
    await lock.release()
    expect(await store.health.statusLine({ color: true, session: 's', workspace: 'w' })).toBe(
      `session s | workspace w | ${state}no locks | \u001b[31merror\u001b[0m mail?[2J 2s (time?out) | \u001b[32mok\u001b[0m web | as of 2s ago`,
    )
    expect(await store.health.statusLine({ color: false, maxWidth: 10, session: 'abcdef' })).toBe(
      'session a…',
    )
    await failure('STATE_INVALID_OPTION', store.health.statusLine({ maxWidth: 0 }))
  })

  it('has checked nothing before the first check or record', async () => {
    const store = await (await makeHome()).open()
    expect(await store.health.statusLine({ color: false })).toMatch(/ \| never checked$/)
  })

  it('does not show the locks of the library', async () => {
    const store = await (await makeHome()).open()
    const numbers = store.collection<number>('numbers')
    const add = async (n: number): Promise<number> => n + 1
    await Promise.all(Array.from({ length: 5 }, () => numbers.update('a', add, { initial: 0 })))
    expect(await store.health.statusLine({ color: false })).toContain('no locks')
  })
})

describe('the status line of a store that was opened read-only', () => {
  it('does without the locks', async () => {
    const fileSystem = new MemoryFileSystem()
    closedAtEnd(await openStateStore('/state', { fileSystem }))
    const store = closedAtEnd(await openStateStore('/state', { fileSystem, readOnly: true }))
    expect(await store.health.statusLine({ color: false })).toBe(
      'state /state | no health recorded | never checked',
    )
    await failure('STATE_READ_ONLY', store.health.record('mail', 'ok'))
  })
})
