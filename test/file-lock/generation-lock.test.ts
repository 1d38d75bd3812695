import { describe, expect, it } from 'vitest'
import {
  GenerationCeiling,
  GenerationDirectory,
  GenerationLock,
  type GenerationOwner,
} from '../../src/file-lock/index.js'
import { MemoryFileSystem } from '../../src/file-system/index.js'

const ttlMs = 100
const patienceMs = 40

/** Locks of several openers over one directory. */
function setUp() {
  const fs = new MemoryFileSystem().blocking
  for (const path of ['/durable', '/staging']) fs.makeDirectory(path, 0o700)
  const ceiling = new GenerationCeiling(fs, '/durable', '/durable', 'boot')
  const revoked: GenerationOwner[] = []
  let nowMs = 0
  let drafts = 0
  const open = (incarnation: string, isRevoked = () => false): GenerationLock =>
    new GenerationLock({
      fs,
      directory: '/lock',
      ceiling,
      processes: { self: { pid: 1, host: 'here' }, liveness: () => 'unknown' },
      monotonicMs: () => nowMs,
      ttlMs,
      patienceMs,
      context: {
        owner: () => ({ incarnation, pid: 7 }),
        draftPath: () => {
          drafts += 1
          return `/staging/${drafts}`
        },
        isRevoked,
        revoke: (owner) => {
          revoked.push(owner)
        },
      },
    })
  return {
    open,
    revoked,
    directory: new GenerationDirectory(fs, '/lock', ceiling),
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

function begun() {
  const set = setUp()
  set.directory.initialise('/staging/first')
  const first = set.open('first')
  expect(first.tryEnter()).toEqual({ generation: 1, fresh: true, tookOver: false })
  return { ...set, first, second: set.open('second') }
}

describe('a lock of generations', () => {
  it('stays with who has it, until another comes', () => {
    const { directory, first, second } = begun()
    first.leave()
    expect(first.tryEnter()).toEqual({ generation: 1, fresh: false, tookOver: false })
    first.leave()
    expect(second.tryEnter()).toEqual({ generation: 2, fresh: true, tookOver: false })
    expect(first.tryEnter()).toBeUndefined()
    expect(first.blockedBy?.incarnation).toBe('second')
    second.leave()
    expect(first.tryEnter()).toEqual({ generation: 3, fresh: true, tookOver: false })
    expect(first.blockedBy).toBeUndefined()
    expect(directory.numbers()).toEqual([3])
  })

  it('is free at once when it was let go', () => {
    const { first, second } = begun()
    first.release()
    expect(second.tryEnter()).toEqual({ generation: 2, fresh: true, tookOver: false })
  })

  it('is stood in line for when patience has run out', () => {
    const { directory, first, pass, second } = begun()
    expect(second.tryEnter()).toBeUndefined()
    pass(patienceMs - 1)
    expect(second.tryEnter()).toBeUndefined()
    expect(directory.newest()?.generation).toBe(1)
    pass(1)
    expect(second.tryEnter()).toBeUndefined()
    expect(directory.newest()).toMatchObject({ generation: 2, state: 'wait' })
    first.leave()
    // Its next turn must wait: somebody stands in line.
    expect(first.tryEnter()).toBeUndefined()
    expect(second.tryEnter()).toEqual({ generation: 2, fresh: true, tookOver: false })
  })

  it('is left in line by who waits no more', () => {
    const { directory, pass, second } = begun()
    second.tryEnter()
    pass(patienceMs)
    second.tryEnter()
    second.stopWaiting()
    expect(directory.newest()).toMatchObject({ generation: 2, state: 'free' })
    expect(second.blockedBy).toBeUndefined()
    second.tryEnter()
    expect(directory.newest()?.generation, 'patience begins anew').toBe(3)
  })

  it('keeps what is held by who waits no more', () => {
    const { directory, first } = begun()
    first.stopWaiting()
    expect(directory.newest()).toMatchObject({ generation: 1, state: 'busy' })
  })

  it('is taken over from a silent holder, who is revoked', () => {
    const { first, pass, revoked, second } = begun()
    first.beat()
    expect(second.tryEnter()).toBeUndefined()
    pass(ttlMs)
    expect(second.tryEnter()).toEqual({ generation: 2, fresh: true, tookOver: true })
    expect(revoked).toEqual([{ incarnation: 'first', pid: 7 }])
    second.release()
    first.leave()
    expect(first.tryEnter()).toEqual({ generation: 3, fresh: true, tookOver: false })
  })

  it('is not taken over from a holder that beats', () => {
    const { first, pass, revoked, second } = begun()
    for (let beat = 0; beat < 5; beat++) {
      expect(second.tryEnter()).toBeUndefined()
      pass(ttlMs - 1)
      first.beat()
    }
    expect(revoked).toEqual([])
  })

  it('tells the next that it was abandoned, and nobody after', () => {
    const { directory, first, revoked, second } = begun()
    first.abandon()
    expect(directory.newest()?.state).toBe('torn')
    expect(second.tryEnter()).toEqual({ generation: 2, fresh: true, tookOver: true })
    second.leave()
    expect(first.tryEnter()).toEqual({ generation: 3, fresh: true, tookOver: false })
    expect(revoked).toEqual([])
  })

  it('is merely given back by who abandons it between turns', () => {
    const { directory, first } = begun()
    first.leave()
    first.abandon()
    expect(directory.newest()?.state).toBe('free')
  })

  it('is not entered by who was revoked', () => {
    const { directory, first, open } = begun()
    first.release()
    const late = open('late', () => true)
    expect(late.tryEnter()).toBeUndefined()
    expect(directory.newest()).toMatchObject({ generation: 2, state: 'free' })
  })

  it('says what it is', () => {
    expect(setUp().open('any')).toMatchObject({ name: 'generation', supports: { fencing: true } })
  })
})
