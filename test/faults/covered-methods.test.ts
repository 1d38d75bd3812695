/** That nothing a user can call is left out when the disk fails. */
import { afterEach, describe, expect, it } from 'vitest'
import { Counters } from '../../src/counter/index.js'
import { Health } from '../../src/health/index.js'
import { Lock } from '../../src/lock/index.js'
import { Log } from '../../src/log/index.js'
import { Collection, StateStore } from '../../src/store/index.js'
import { Transaction } from '../../src/store/transaction.js'
import { operations } from './store-operations.js'
import { benchOn, diskBefore, openOn } from './trial-bench.js'

const classes = { StateStore, Collection, Transaction, Lock, Log, Counters, Health }

/** Public and not operated with a failing disk, each with the reason. */
const exempt: Readonly<Record<string, string>> = {
  'StateStore.open': 'has trials of its own: one call that goes wrong in opening',
  'StateStore.on': 'touches no file',
  'StateStore.recovery': 'touches no file',
  'StateStore.supports': 'touches no file',
  'Transaction.refuseWrites': 'is internal and touches no file',
  'Transaction.verifyReads':
    'is internal: reads as a get does, in stores that are opened read-only',
}

type Descriptors = [name: string, descriptor: PropertyDescriptor][]

const membersOf = (prototype: object): Descriptors =>
  Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(
    ([name]) => name !== 'constructor',
  )

const restore: (() => void)[] = []
afterEach(() => {
  for (const undo of restore.splice(0)) undo()
})

/** Tells of each use of a method or property of the classes, until the end of the test. */
function watchUses(used: (name: string) => void): string[] {
  const names: string[] = []
  for (const [className, { prototype }] of Object.entries(classes)) {
    for (const [member, descriptor] of membersOf(prototype)) {
      const name = `${className}.${member}`
      names.push(name)
      const { get, value } = descriptor
      const watched = (original: (...args: unknown[]) => unknown) =>
        function (this: unknown, ...args: unknown[]): unknown {
          used(name)
          return original.apply(this, args)
        }
      Object.defineProperty(prototype, member, {
        ...descriptor,
        ...(get === undefined ? { value: watched(value) } : { get: watched(get) as () => unknown }),
      })
      restore.push(() => Object.defineProperty(prototype, member, descriptor))
    }
  }
  return names
}

describe('every public method', () => {
  it('is operated with a failing disk, or exempt with a reason', async () => {
    const used = new Set<string>()
    let isActing = false
    const names = watchUses((name) => {
      if (isActing) used.add(name)
    })
    for (const operation of Object.values(operations)) {
      const bench = benchOn(await diskBefore(operation))
      const { store } = await openOn(bench, bench.sound)
      const positioned = await operation.position?.(store)
      isActing = true
      await operation.act(store, positioned)
      isActing = false
      await store.close()
    }
    expect(names.length).toBeGreaterThan(60)
    expect(names.filter((name) => !used.has(name)).sort()).toEqual(Object.keys(exempt).sort())
  })
})
