import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { describeContract, expectFailure, utf8 } from './contract-subjects.js'

describeContract(({ fs, at, symlink, writeWhole }) => {
  describe('spaceOf', () => {
    it('tells the free and the total bytes of the disk, of a directory as of a file in it', async () => {
      await writeWhole(at('file'), 'content')
      symlink('file', at('link'))
      for (const path of [at(), at('file'), at('link')]) {
        const space = await fs.spaceOf(path)
        if (space === undefined) continue
        expect(space.totalBytes).toBeGreaterThan(0)
        expect(Number.isSafeInteger(space.freeBytes)).toBe(true)
        expect(space.freeBytes).toBeGreaterThanOrEqual(0)
        expect(space.freeBytes).toBeLessThanOrEqual(space.totalBytes)
      }
    })

    it('needs something at the path', async () => {
      await expectFailure(fs.spaceOf(at('missing')), 'NotFound')
      symlink('nothing', at('dangling'))
      await expectFailure(fs.spaceOf(at('dangling')), 'NotFound')
    })
  })
})

describe('the space of a file system in memory', () => {
  it('is untold without a capacity', async () => {
    const memory = new MemoryFileSystem()
    expect(memory.blocking.spaceOf('/')).toBeUndefined()
    expect(await memory.spaceOf('/')).toBeUndefined()
  })

  it('is what of the capacity is not used', async () => {
    const memory = new MemoryFileSystem({ capacityBytes: 10_000 })
    expect(memory.blocking.spaceOf('/')).toEqual({ freeBytes: 10_000, totalBytes: 10_000 })
    const file = memory.blocking.open('/file', 'create')
    memory.blocking.write(file, utf8('x'.repeat(1000)), 0, 1000, 0)
    const freeBytes = 10_000 - memory.usedBytes
    expect(await memory.spaceOf('/file')).toEqual({ freeBytes, totalBytes: 10_000 })
    memory.setCapacity(100)
    expect(await memory.spaceOf('/')).toEqual({ freeBytes: 0, totalBytes: 100 })
  })
})
