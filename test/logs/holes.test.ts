import { describe, expect, it } from 'vitest'
import { FileSystemError } from '../../src/errors/index.js'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import type { StateStore } from '../../src/store/index.js'
import { damage } from '../faults/image.js'
import { Machine } from '../faults/machine.js'
import { openStore, refusalOf } from '../faults/opened-store.js'
import { overBlocking, watched } from '../faults/operations.js'
import { SimulatedClock } from '../faults/simulated-clock.js'
import { stateOf } from '../faults/states.js'

const path = '/store/logs/x.jsonl'
const domains = '/store/.holdfast/domains'

/** A disk on which somebody died in a transaction of three events, all of which had been written. */
async function leftInTransaction() {
  const clock = new SimulatedClock()
  const disk = new MemoryFileSystem({ clock })
  const machine = new Machine()
  const processes = machine.start()
  let isDead = false
  const mortal = watched(disk.blocking, ({ args, operation, path: at, perform }) => {
    // It ends when it is about to forget its intent.
    isDead ||= operation === 'unlink' && String(args[0]).includes('/intents/')
    if (isDead) throw new FileSystemError('EIO', operation, at)
    return perform()
  })
  const fileSystem = overBlocking(mortal, clock.touch)
  const { store } = await openStore({ clock, fileSystem, processes })
  await store.log('x').append({ n: 1 })
  await refusalOf(
    store.transaction((transaction) => {
      transaction.set(store.collection('tasks'), 'a', 1)
      for (const n of [2, 3, 4]) transaction.append(store.log('x'), { n })
    }),
  )
  machine.kill(processes)
  machine.reboot()
  // Who held which generation is not synced: a power cut leaves nobody to take over from.
  for (const { name } of disk.blocking.readDirectory(domains)) {
    const write = `${domains}/${name}/write`
    for (const each of disk.blocking.readDirectory(write)) {
      disk.blocking.unlink(`${write}/${each.name}`)
    }
  }
  const open = async (): Promise<StateStore> => {
    const options = { clock, fileSystem: overBlocking(disk.blocking), processes: machine.start() }
    return (await openStore(options)).store
  }
  return { fs: disk.blocking, open }
}

/** The file with zeros for some of its lines. */
function without(bytes: Uint8Array, ...lost: readonly number[]): Buffer {
  const lines = Buffer.from(bytes)
    .toString('utf8')
    .split(/(?<=\n)/)
  return Buffer.concat(
    lines.map((line, index) =>
      lost.includes(index) ? Buffer.alloc(line.length) : Buffer.from(line),
    ),
  )
}

describe('a transaction whose later events stand without its earlier ones', () => {
  it.each([[[1]], [[2]], [[1, 2]], [[1, 3]], [[1, 2, 3]]])(
    'is carried out as a whole (lost: lines %j)',
    async (lost) => {
      const { fs, open } = await leftInTransaction()
      damage(fs, path, without(fs.readFile(path), ...lost))
      const store = await open()
      expect(await stateOf(store)).toEqual({
        'tasks/a': 1,
        'log:x': [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }],
      })
      expect((await store.verify()).findings).toEqual([])
      await store.close()
    },
  )

  it('is carried out as a whole wherever its lines were cut off', async () => {
    const { fs } = await leftInTransaction()
    const whole = fs.readFile(path)
    const begin = Buffer.from(whole).indexOf(10) + 1
    for (let end = begin; end <= whole.byteLength; end += 7) {
      const cut = await leftInTransaction()
      damage(cut.fs, path, whole.subarray(0, end))
      const store = await cut.open()
      const data = (await store.log('x').query().toArray()).map((event) => event.data)
      expect(data, `cut at ${end}`).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }])
      await store.close()
    }
  })

  it('leaves alone what a person has written behind them', async () => {
    const { fs, open } = await leftInTransaction()
    const byHand = Buffer.from('{"note":"by hand"}\n')
    damage(fs, path, Buffer.concat([without(fs.readFile(path), 1), byHand]))
    const store = await open()
    const data = (await store.log('x').query().toArray()).map((event) => event.data)
    expect(data).toEqual([{ n: 1 }, { n: 3 }, { n: 4 }, { note: 'by hand' }])
    await store.close()
  })
})
