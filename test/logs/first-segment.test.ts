import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { Machine } from '../faults/machine.js'
import { openStore } from '../faults/opened-store.js'
import { type Call, overBlocking, watched } from '../faults/operations.js'
import { SimulatedClock } from '../faults/simulated-clock.js'

const isManifest = ({ path }: Call): boolean => path.endsWith('/.holdfast/logs/sent.json')

describe('a log whose first segment is closed while it is read', () => {
  it.each([false, true])(
    'is read whole, and nothing of it twice (reverse: %s)',
    async (reverse) => {
      const clock = new SimulatedClock()
      const { blocking } = new MemoryFileSystem({ clock })
      const machine = new Machine()
      const open = (watch: (call: Call) => unknown) => {
        const fileSystem = overBlocking(watched(blocking, watch), clock.touch)
        return openStore({ clock, fileSystem, processes: machine.start(), logSegmentBytes: 4096 })
      }
      const writer = await open(({ perform }) => perform())
      let strikes = 1
      const reader = await open((call) => {
        try {
          return call.perform()
        } finally {
          if (call.operation === 'readFile' && isManifest(call) && strikes > 0) {
            strikes -= 1
            for (let count = 0; count < 3; count++) {
              writer.store.log('sent').appendSync('meanwhile', 'long '.repeat(1000))
            }
          }
        }
      })
      const damage: unknown[] = []
      reader.store.on('log:damaged', (place) => damage.push(place))
      const { id } = await writer.store.log('sent').append('first')
      const found = await reader.store.log('sent').query({ reverse }).toArray()
      expect(strikes).toBe(0)
      expect(damage).toEqual([])
      const ids = found.map((event) => event.id)
      expect(new Set(ids).size).toBe(ids.length)
      expect(reverse ? ids.at(-1) : ids[0]).toBe(id)
      await writer.store.close()
      await reader.store.close()
    },
  )
})
