import { describe, expect, it } from 'vitest'
import { FileSystemError } from '../../src/errors/index.js'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import type { StateStore } from '../../src/store/index.js'
import { Machine } from '../faults/machine.js'
import { openStore, refusalOf } from '../faults/opened-store.js'
import { type Call, overBlocking, watched } from '../faults/operations.js'
import { SimulatedClock } from '../faults/simulated-clock.js'

/** Processes on one disk, each with somebody who makes its calls, or does something else. */
class Office {
  readonly machine = new Machine()
  readonly #clock = new SimulatedClock()
  readonly #disk = new MemoryFileSystem({ clock: this.#clock }).blocking

  async hire(watch: (call: Call) => unknown = ({ perform }) => perform()) {
    const processes = this.machine.start()
    const fileSystem = overBlocking(watched(this.#disk, watch), this.#clock.touch)
    const options = { clock: this.#clock, fileSystem, processes, logSegmentBytes: 4096 }
    const { store } = await openStore(options)
    return { store, fire: () => this.machine.kill(processes) }
  }
}

const isInLog = ({ path }: Call): boolean => path.endsWith('/logs/sent.jsonl')

async function typesIn(store: StateStore): Promise<unknown[]> {
  const damage: unknown[] = []
  const stopListening = store.on('log:damaged', (place) => damage.push(place))
  const types = (await store.log('sent').query().toArray()).map(({ type }) => type)
  stopListening()
  expect(damage).toEqual([])
  return types
}

describe('a record that was written before its writer lost its turn', () => {
  it('is found, however much others have appended since', async () => {
    const office = new Office()
    let strike: (() => void) | undefined
    const late = await office.hire((call) => {
      const struck = call.operation === 'sync' && isInLog(call) ? strike : undefined
      if (struck !== undefined) strike = undefined
      struck?.()
      return call.perform()
    })
    const other = await office.hire()
    await late.store.log('sent').append('first')
    strike = () => {
      late.fire()
      for (let count = 0; count < 8; count++) {
        other.store.log('sent').appendSync('other', 'long '.repeat(1000))
      }
    }
    await late.store.log('sent').append('late')
    expect(await typesIn(other.store)).toEqual(['first', 'late', ...Array(8).fill('other')])
  })
})

describe('a record of which its writer cannot ask whether it stands', () => {
  it('is not said to be missing', async () => {
    const office = new Office()
    let strike: (() => void) | undefined
    let isBroken = false
    const late = await office.hire((call) => {
      const { operation, path, perform } = call
      if (isBroken && operation === 'readFile' && isInLog(call)) {
        throw new FileSystemError('EIO', operation, path)
      }
      const struck = operation === 'sync' && isInLog(call) ? strike : undefined
      if (struck !== undefined) strike = undefined
      struck?.()
      return perform()
    })
    const other = await office.hire()
    await late.store.log('sent').append('first')
    strike = () => {
      late.fire()
      other.store.log('sent').appendSync('other')
      isBroken = true
    }
    const refusal = await refusalOf(late.store.log('sent').append('late'))
    expect(refusal).toMatchObject({ code: 'STATE_IO', commitState: 'unknown' })
    expect(await typesIn(other.store)).toEqual(['first', 'late', 'other'])
  })
})

describe('a write to a log that is still on its way', () => {
  it('spoils nothing that another appends while its process blocks', async () => {
    const office = new Office()
    let armed = false
    let onTheWay: Call | undefined
    let result: unknown
    let meanwhile: (() => void) | undefined
    const blocking = await office.hire((call) => {
      if (armed && call.operation === 'write' && isInLog(call)) {
        armed = false
        onTheWay = call
        blocking.store.log('sent').appendSync('blocking')
        return result
      }
      // It registers again, for the turn it was in is lost.
      const registers = call.operation === 'makeDirectory' && /writers\/[^/]+$/.test(call.path)
      const told = call.perform()
      if (registers && onTheWay !== undefined) meanwhile?.()
      return told
    })
    const other = await office.hire()
    await blocking.store.log('sent').append('first')
    meanwhile = () => {
      meanwhile = undefined
      other.store.log('sent').appendSync('other', 'of another length')
      result = onTheWay?.perform()
    }
    armed = true
    await blocking.store.log('sent').append('on the way')
    expect(result).toBeGreaterThan(0)
    expect(await typesIn(other.store)).toEqual(['first', 'other', 'on the way', 'blocking'])
  })

  it('spoils nothing that another appends after a takeover that failed', async () => {
    const office = new Office()
    let strike: ((call: Call) => void) | undefined
    const late = await office.hire((call) => {
      const struck = call.operation === 'write' && isInLog(call) ? strike : undefined
      if (struck !== undefined) strike = undefined
      struck?.(call)
      return call.perform()
    })
    let isBroken = false
    const heir = await office.hire((call) => {
      const seals = isBroken && call.operation === 'open' && isInLog(call)
      if (seals) throw new FileSystemError('EIO', call.operation, call.path)
      return call.perform()
    })
    const other = await office.hire()
    await late.store.log('sent').append('first')
    strike = () => {
      late.fire()
      isBroken = true
      expect(() => heir.store.log('sent').appendSync('heir')).toThrow()
      other.store.log('sent').appendSync('other', 'of another length')
    }
    expect(await refusalOf(late.store.log('sent').append('late'))).toBeUndefined()
    expect(strike).toBeUndefined()
    expect(await typesIn(other.store)).toEqual(['first', 'other', 'late'])
  })
})
