import { describe, expect, it } from 'vitest'
import { report } from '../support/campaign.js'
import { type Fault, possibleFaults } from './faulty-disk.js'
import {
  callsOf,
  callsOfOpening,
  diskBefore,
  tryFault,
  tryFaultInOpening,
} from './single-faults.js'
import { operations } from './store-operations.js'

describe('one call that goes wrong', () => {
  it.each(Object.entries(operations))('in %s', async (name, operation) => {
    const image = await diskBefore(operation)
    const calls = await callsOf(operation, image)
    const wrong: string[] = []
    let trials = 0
    for (const [index, call] of calls.entries()) {
      for (const fault of possibleFaults(call.operation)) {
        trials += 1
        const found = await tryFault(operation, image, {
          at: index + 1,
          fault,
          leavesFiles: ['unlink', 'close'].includes(call.operation),
        })
        const where = `${fault} in ${call.operation} ${call.path} (call ${index + 1})`
        wrong.push(...found.map((each) => `${where}: ${each}`))
      }
    }
    report('single faults', { operation: name, calls: calls.length, faults: trials })
    expect(wrong).toEqual([])
  })
})

describe('a disk that fails for good in the middle', () => {
  const kinds: readonly Fault[] = ['EIO', 'ENOSPC', 'EROFS']

  it.each(Object.entries(operations))('in %s, and is mended afterwards', async (_, operation) => {
    const image = await diskBefore(operation)
    const calls = await callsOf(operation, image)
    const wrong: string[] = []
    for (const [index, call] of calls.entries()) {
      const fault = kinds[index % kinds.length] ?? 'EIO'
      const trial = { at: index + 1, fault, persists: 'everything', leavesFiles: true } as const
      const found = await tryFault(operation, image, trial)
      const where = `${fault} from ${call.operation} ${call.path} (call ${index + 1}) on`
      wrong.push(...found.map((each) => `${where}: ${each}`))
    }
    expect(wrong).toEqual([])
  })
})

describe('one kind of call that fails for good', () => {
  it.each(Object.entries(operations))('in %s', async (_name, operation) => {
    const image = await diskBefore(operation)
    const wrong: string[] = []
    const seen = new Set<string>()
    for (const [index, call] of (await callsOf(operation, image)).entries()) {
      if (seen.has(call.operation)) continue
      seen.add(call.operation)
      for (const fault of possibleFaults(call.operation)) {
        const trial = { at: index + 1, fault, persists: 'operation', leavesFiles: true } as const
        const found = await tryFault(operation, image, trial)
        wrong.push(...found.map((each) => `${fault} in every ${call.operation}: ${each}`))
      }
    }
    expect(wrong).toEqual([])
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
  ])('%s', async (_name, operation) => {
    if (operation === undefined) throw new Error('no such operation')
    const image = await diskBefore(operation)
    const wrong: string[] = []
    for (const [index, call] of (await callsOfOpening(image)).entries()) {
      for (const fault of possibleFaults(call.operation)) {
        const found = await tryFaultInOpening(operation, image, { at: index + 1, fault })
        const where = `${fault} in ${call.operation} ${call.path} (call ${index + 1})`
        wrong.push(...found.map((each) => `${where}: ${each}`))
      }
    }
    expect(wrong).toEqual([])
  })
})

describe('every write that takes nothing', () => {
  it('is an end, also in opening', async () => {
    const { 'the first set of all': first } = operations
    if (first === undefined) throw new Error('no such operation')
    const image = await diskBefore(first)
    const calls = await callsOfOpening(image)
    for (const [index, { operation }] of calls.entries()) {
      if (operation !== 'write') continue
      const trial = { at: index + 1, fault: 0, persists: 'operation' } as const
      expect(await tryFaultInOpening(first, image, trial), `from call ${index + 1} on`).toEqual([])
    }
  })
})
