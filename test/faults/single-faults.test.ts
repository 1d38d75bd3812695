import { describe, expect, it } from 'vitest'
import type { Mishap, SeenCall } from '../../src/testing/index.js'
import { campaignSeed, rounds } from '../support/campaign.js'
import { seededRandom } from '../support/random.js'
import { mayLeaveFiles, nameOf, placeOf, possibleMishaps, someOf } from './fault-table.js'
import { tryFaults, tryFaultsInOpening } from './fault-trials.js'
import { operations } from './store-operations.js'
import { Tally } from './tally.js'
import { callsOf, callsOfOpening, diskBefore } from './trial-bench.js'

const random = seededRandom(campaignSeed)
/** In the bounded form, chance decides what goes wrong with a call, and the call is never left out. */
const mishapsFor = (call: SeenCall): Mishap[] =>
  someOf(possibleMishaps(call.operation), rounds(1, 99), random)

describe('one call that goes wrong', () => {
  it.each(Object.entries(operations))('in %s', async (name, operation) => {
    const image = await diskBefore(operation)
    const tally = new Tally()
    for (const call of await callsOf(operation, image)) {
      for (const mishap of mishapsFor(call)) {
        const faults = [{ nth: call.number, ...mishap }]
        const trial = { faults, leavesFiles: mayLeaveFiles(call) }
        const verdict = await tryFaults(operation, image, trial)
        tally.add(`${nameOf(mishap)} in ${placeOf(call)}`, verdict)
      }
    }
    tally.report('one call', name)
    expect(tally.wrong).toEqual([])
  })
})

describe('a disk that fails for good in the middle', () => {
  const errnos = ['EIO', 'ENOSPC', 'EROFS']

  it.each(Object.entries(operations))(
    'in %s, and is mended afterwards',
    async (name, operation) => {
      const image = await diskBefore(operation)
      const tally = new Tally()
      for (const call of someOf(await callsOf(operation, image), rounds(8, 9999), random)) {
        const errno = errnos[call.number % errnos.length] ?? 'EIO'
        const faults = [{ nth: call.number, errno, persists: 'everything' } as const]
        const verdict = await tryFaults(operation, image, { faults, leavesFiles: true })
        tally.add(`${errno} from ${placeOf(call)} on`, verdict)
      }
      tally.report('everything from one call on', name)
      expect(tally.wrong).toEqual([])
    },
  )
})

describe('one kind of call that fails for good', () => {
  it.each(Object.entries(operations))('in %s', async (name, operation) => {
    const image = await diskBefore(operation)
    const tally = new Tally()
    const kinds = new Set((await callsOf(operation, image)).map((call) => call.operation))
    for (const kind of kinds) {
      for (const mishap of someOf(possibleMishaps(kind), rounds(1, 99), random)) {
        const faults = [{ operation: kind, ...mishap, persists: 'operation' } as const]
        const verdict = await tryFaults(operation, image, { faults, leavesFiles: true })
        tally.add(`${nameOf(mishap)} in every ${kind}`, verdict)
      }
    }
    tally.report('one kind of call', name)
    expect(tally.wrong).toEqual([])
  })
})

describe('one call that goes wrong in opening', () => {
  const {
    'the first set of all': first,
    'a set over a document': later,
    'an append after a writer died': sealing,
  } = operations

  it.each([
    ['a new store', first],
    ['a store that is there', later],
    ['a store with logs whose writer died', sealing],
  ])('%s', async (name, operation) => {
    if (operation === undefined) throw new Error('no such operation')
    const image = await diskBefore(operation)
    const tally = new Tally()
    for (const call of await callsOfOpening(image)) {
      for (const mishap of mishapsFor(call)) {
        const faults = [{ nth: call.number, ...mishap }]
        const verdict = await tryFaultsInOpening(operation, image, { faults })
        tally.add(`${nameOf(mishap)} in ${placeOf(call)}`, verdict)
      }
    }
    tally.report('one call', `opening ${name}`)
    expect(tally.wrong).toEqual([])
  })
})

describe('every write that takes nothing', () => {
  it('is an end, also in opening', async () => {
    const { 'the first set of all': first } = operations
    if (first === undefined) throw new Error('no such operation')
    const image = await diskBefore(first)
    const tally = new Tally()
    for (const call of await callsOfOpening(image)) {
      if (call.operation !== 'write') continue
      const faults = [{ nth: call.number, atMostBytes: 0, persists: 'operation' } as const]
      tally.add(`from ${placeOf(call)} on`, await tryFaultsInOpening(first, image, { faults }))
    }
    tally.report('one kind of call', 'opening a new store')
    expect(tally.wrong).toEqual([])
  })
})
