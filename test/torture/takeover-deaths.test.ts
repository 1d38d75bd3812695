import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { StateStore } from '../../src/store/index.js'
import { isLong, report } from '../support/campaign.js'
import { type Life, Population } from './population.js'

const keys = ['left', 'right'] as const

/** Both lists, all or none. */
async function markBoth(store: StateStore, mark: string): Promise<void> {
  const lists = store.collection<string[]>('lists')
  await store.transaction(async (transaction) => {
    for (const key of keys) {
      transaction.set(lists, key, [...((await transaction.get(lists, key)) ?? []), mark])
    }
  })
}

async function openFor(life: Life): Promise<StateStore> {
  const storage = life.storage({ directory: '/store', backups: 1 })
  return await new StateStore({ storage, clock: life.clock }).open()
}

async function readBoth(store: StateStore): Promise<(string[] | undefined)[]> {
  const lists = store.collection<string[]>('lists')
  return await store.transaction((transaction) =>
    Promise.all(keys.map((key) => transaction.get(lists, key))),
  )
}

/** When the successor opens the store: that decides where it meets what the victim left. */
type Arrival = 'opened before' | 'opens after'

interface Trial {
  readonly arrival: Arrival
  /** The call, of its second transaction, at which the victim dies. */
  readonly victimAt: number
  /** The call at which the successor dies, counted from when it meets what the victim left. */
  readonly successorAt: number
}

interface Ending {
  readonly victimDied: boolean
  readonly successorDied: boolean
}

async function run({ arrival, victimAt, successorAt }: Trial): Promise<Ending> {
  const fileSystem = new MemoryFileSystem()
  const { blocking } = fileSystem
  const population = new Population(fileSystem)
  const victim = population.born()
  const successor = population.born()

  const opened = arrival === 'opened before' ? await openFor(successor) : undefined
  await opened?.collection('lists').set('warm', [])
  const first = await openFor(victim)
  await markBoth(first, 'first')
  victim.dieAt(victimAt)
  const told = await victim.until(markBoth(first, 'victim').then(() => true))
  const victimDied = victim.isDead
  victim.dieAt(Number.POSITIVE_INFINITY)
  if (!victimDied) await first.close()
  const shown = keys.filter((key) =>
    Buffer.from(blocking.readFile(`/store/lists/${key}.json`)).includes('"victim"'),
  )
  const hasIntent = blocking.readDirectory('/store/.holdfast/intents').length > 0
  const committed = told === true || hasIntent || shown.length === keys.length
  expect(committed || shown.length === 0).toBe(true)

  successor.dieAt(successorAt)
  const succeeded = await successor.until(
    (async () => {
      const store = opened ?? (await openFor(successor))
      await markBoth(store, 'successor')
      return store
    })(),
  )
  const successorDied = successor.isDead
  successor.dieAt(Number.POSITIVE_INFINITY)

  const last = await openFor(population.born())
  await markBoth(last, 'last')
  const [left = [], right] = await readBoth(last)
  expect(right).toEqual(left)
  const rest = left.filter((mark) => mark !== 'successor')
  expect(rest).toEqual(['first', ...(committed ? ['victim'] : []), 'last'])
  const times = left.filter((mark) => mark === 'successor').length
  expect(times).toBeLessThanOrEqual(1)
  if (!successorDied) expect(times).toBe(1)
  await last.close()
  if (!successorDied) await succeeded?.close()
  expect(blocking.readDirectory('/store/.holdfast/intents')).toEqual([])
  expect(blocking.readDirectory('/store/.holdfast/quarantine')).toEqual([])
  const [domain] = blocking.readDirectory('/store/.holdfast/domains')
  expect(blocking.readDirectory(`/store/.holdfast/domains/${domain?.name}/writers`)).toEqual([])
  return { victimDied, successorDied }
}

describe.each<Arrival>(['opened before', 'opens after'])('a successor that %s', (arrival) => {
  it('may die at each call of its takeover', async () => {
    let deaths = 0
    let victims = 0
    for (let victimAt = 0; ; victimAt += isLong ? 1 : 7) {
      let victimDied = false
      for (let successorAt = 0; ; successorAt += isLong ? 1 : 4) {
        const trial: Trial = { arrival, victimAt, successorAt }
        try {
          const ending = await run(trial)
          victimDied = ending.victimDied
          if (!ending.successorDied) break
          deaths += 1
        } catch (error) {
          throw new Error(JSON.stringify(trial), { cause: error })
        }
      }
      if (!victimDied) break
      victims += 1
    }
    expect(victims).toBeGreaterThan(5)
    report('deaths in takeovers', { arrival, 'points of the victim': victims, deaths })
  })
})
