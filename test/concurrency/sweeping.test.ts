import { describe, expect, it } from 'vitest'
import { type FileOperations, MemoryFileSystem } from '../../src/file-system/index.js'
import { StateStore } from '../../src/store/index.js'
import { type Life, Population } from '../torture/population.js'

const internals = '/store/.holdfast'

function setUp() {
  const fileSystem = new MemoryFileSystem()
  const { blocking } = fileSystem
  const open = (life: Life): Promise<StateStore> =>
    new StateStore({ storage: life.storage({ directory: '/store' }), clock: life.clock }).open()
  const writers = (): string[] => {
    const [domain] = blocking.readDirectory(`${internals}/domains`)
    return blocking
      .readDirectory(`${internals}/domains/${domain?.name}/writers`)
      .map(({ name }) => name)
  }
  return { blocking, population: new Population(fileSystem), open, writers }
}

const pathsIn = (fs: FileOperations, directory: string): string[] =>
  fs.readDirectory(directory).flatMap(({ name, kind }) => {
    const path = `${directory}/${name}`
    return kind === 'directory' ? [path, ...pathsIn(fs, path)] : [path]
  })

describe('what dead writers left', () => {
  it('goes when the store is next opened, wherever in their opening they died', async () => {
    for (let dieAtCall = 0; ; dieAtCall++) {
      const { population, open, writers } = setUp()
      await (await open(population.born())).close()
      const mortal = population.born({ dieAtCall })
      const opened = await mortal.until(open(mortal))
      if (!mortal.isDead) {
        mortal.dieAt(Number.POSITIVE_INFINITY)
        await opened?.close()
        expect(dieAtCall).toBeGreaterThan(10)
        break
      }
      const next = await open(population.born())
      await next.close()
      expect(writers(), `died at call ${dieAtCall}`).toEqual([])
    }
  })

  it('goes also if they died while they made the store', async () => {
    for (let dieAtCall = 0; ; dieAtCall++) {
      const { blocking, population, open } = setUp()
      const mortal = population.born({ dieAtCall })
      await mortal.until(open(mortal))
      if (!mortal.isDead) break
      await (await open(population.born())).close()
      const left = pathsIn(blocking, '/store').filter((path) => /writers\/./.test(path))
      expect(left, `died at call ${dieAtCall}`).toEqual([])
    }
  })

  it('goes also if somebody else was sweeping while they registered', async () => {
    for (let at = 0; ; at++) {
      const { population, open, writers } = setUp()
      await (await open(population.born())).close()
      let calls = 0
      let sweeper: Promise<StateStore> | undefined
      const life = population.born({
        watch: () => {
          // Up to its first promise, opening is one piece, the sweep included.
          if (calls === at) sweeper = open(population.born())
          calls += 1
        },
      })
      const store = await open(life)
      if (sweeper === undefined) {
        await store.close()
        break
      }
      // It was not taken for dead.
      await store.collection('notes').set('note', 'text')
      life.die()
      await (await sweeper).close()
      await (await open(population.born())).close()
      expect(writers(), `swept at call ${at}`).toEqual([])
    }
  })

  it('goes if only its owner cannot be told any more, as after a power cut', async () => {
    const { blocking, population, open, writers } = setUp()
    const life = population.born()
    await open(life)
    const [domain] = blocking.readDirectory(`${internals}/domains`)
    const [owner] = writers().filter((name) => name.endsWith('.json'))
    const path = `${internals}/domains/${domain?.name}/writers/${owner}`
    blocking.truncate(blocking.open(path, 'update'), 0)
    life.die()
    population.bootId = 'boot-2'
    await (await open(population.born())).close()
    expect(writers()).toEqual([])
  })

  it('stays while it belongs to somebody who lives', async () => {
    const { population, open, writers } = setUp()
    const store = await open(population.born())
    const before = writers()
    await (await open(population.born())).close()
    expect(writers()).toEqual(before)
    expect(before).toHaveLength(2)
    await store.close()
    expect(writers()).toEqual([])
  })
})
