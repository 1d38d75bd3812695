import { describe, expect, it } from 'vitest'
import {
  GenerationCeiling,
  GenerationDirectory,
  type GenerationRecord,
  numberName,
} from '../../src/file-lock/index.js'
import { type FileOperations, MemoryFileSystem } from '../../src/file-system/index.js'
import {
  type Alteration,
  alteredFileSystem,
  type FileSystemCall,
  refusing,
  writingAtMost,
} from '../atomic-write/altered-file-system.js'

const owner = { pid: 7, incarnation: 'one' }

/** A directory of generations, and calls to it that can be altered once it stands. */
function setUp({ bootId }: { bootId: string | undefined } = { bootId: 'boot' }) {
  const fileSystem = new MemoryFileSystem()
  const raw = fileSystem.blocking
  for (const path of ['/durable', '/staging']) raw.makeDirectory(path, 0o700)
  let alter: Alteration = ({ args }) => args
  const altered = alteredFileSystem(fileSystem, (call) => alter(call)).blocking
  let drafts = 0
  const draft = (): string => {
    drafts += 1
    return `/staging/${drafts}`
  }
  const directoryOver = (fs: FileOperations): GenerationDirectory =>
    new GenerationDirectory(
      fs,
      '/lease',
      new GenerationCeiling(raw, '/durable', '/durable', bootId),
    )
  return {
    raw,
    draft,
    directory: directoryOver(altered),
    other: directoryOver(raw),
    alterWith: (wanted: Alteration) => {
      alter = wanted
    },
    staged: () => raw.readDirectory('/staging').map(({ name }) => name),
    text: (generation: number) =>
      Buffer.from(raw.readFile(`/lease/${numberName(generation)}`)).toString(),
  }
}

function begun(boot?: { bootId: string | undefined }) {
  const set = setUp(boot)
  set.directory.initialise(set.draft())
  const first = set.directory.newest()
  if (first === undefined) throw new Error('There is no first generation')
  return { ...set, first }
}

function taken(set: ReturnType<typeof begun>, seen: GenerationRecord = set.first) {
  const own = set.directory.take(seen, 'busy', owner, set.draft())
  if (own === undefined) throw new Error('It was not to be had')
  return own
}

const at =
  (operation: string, then: () => void): Alteration =>
  (call: FileSystemCall) => {
    if (call.operation === operation) then()
    return call.args
  }

describe('a directory of generations', () => {
  it('begins with one that is free', () => {
    const { directory, draft, staged } = setUp()
    expect(directory.initialise(draft())).toBe(true)
    expect(directory.newest()).toMatchObject({ generation: 0, state: 'free' })
    expect(directory.initialise(draft())).toBe(false)
    expect(directory.numbers()).toEqual([0])
    expect(staged()).toEqual([])
  })

  it('is begun once, by whoever is faster', () => {
    const { alterWith, directory, draft, other, staged } = setUp()
    let hasBegun: boolean | undefined
    alterWith(
      at('rename', () => {
        hasBegun ??= other.initialise('/staging/other')
      }),
    )
    expect(directory.initialise(draft())).toBe(false)
    expect(hasBegun).toBe(true)
    expect(directory.newest()?.state).toBe('free')
    expect(staged()).toEqual([])
  })

  it.each([
    ['readDirectory', 'EIO'],
    ['open', 'EMFILE'],
    ['write', 'ENOSPC'],
    ['rename', 'EIO'],
  ])('is not begun by half when %s fails', (operation, errno) => {
    const { alterWith, directory, draft, raw, staged } = setUp()
    alterWith(refusing(errno, (call) => call.operation === operation))
    expect(() => directory.initialise(draft())).toThrow(expect.objectContaining({ errno }))
    expect(staged()).toEqual([])
    expect(raw.status('/lease')).toBeUndefined()
  })

  it('tells who has the newest', () => {
    const set = begun()
    const own = taken(set)
    expect(own.generation).toBe(1)
    expect(set.directory.newest()).toMatchObject({ generation: 1, state: 'busy', owner })
    expect(set.text(1)).toBe(`busy 000000000000\n${JSON.stringify(owner)}\n`)
    expect(set.staged()).toEqual([])
  })

  it.each([
    ['busy 000000000000\n{"pid"', { state: 'busy', owner: {} }],
    ['busy 000000000000\nnull', { state: 'busy', owner: {} }],
    ['busy', { state: 'busy', owner: {} }],
    ['gone 000000000000\n{"pid":7}\n', { state: 'unreadable', owner: { pid: 7 } }],
    ['', { state: 'unreadable', owner: {} }],
  ])('makes the best of a damaged file: %j', (content, expected) => {
    const { directory, raw } = begun()
    const file = raw.open(`/lease/${numberName(4)}`, 'create')
    raw.write(file, Buffer.from(content), 0, content.length, 0)
    expect(directory.newest()).toEqual({ generation: 4, content, ...expected })
  })

  it.each(['release', 'abandon', 'close'] as const)('keeps no file open after %s', (way) => {
    const set = begun()
    let open = 0
    set.alterWith(({ operation, args }) => {
      if (operation === 'open') open += 1
      if (operation === 'close') open -= 1
      return args
    })
    const own = taken(set)
    expect(set.directory.take(set.first, 'busy', owner, set.draft())).toBeUndefined()
    expect(open).toBe(1)
    own[way]()
    expect(open).toBe(0)
  })

  it('passes over what is none, and what has gone', () => {
    const { directory, raw } = begun()
    raw.close(raw.open('/lease/readme.txt', 'create'))
    expect(directory.numbers()).toEqual([0])
    expect(directory.read(9)).toBeUndefined()
  })

  it('fails when a file cannot be read', () => {
    const { alterWith, directory } = begun()
    alterWith(refusing('EIO', ({ operation }) => operation === 'readFile'))
    expect(() => directory.newest()).toThrow(expect.objectContaining({ errno: 'EIO' }))
  })

  it('loses none but those below the one that is held', () => {
    const set = begun()
    const own = taken(set)
    taken(set, { ...set.first, generation: own.generation })
    set.directory.removeBelow(2)
    expect(set.directory.numbers()).toEqual([2])
    expect(own.isLinked()).toBe(false)
    expect(own.isSuperseded()).toBe(true)
  })
})

describe('who takes a generation', () => {
  it('gets none when another was faster', () => {
    const set = begun()
    taken(set)
    expect(set.directory.take(set.first, 'busy', { pid: 8 }, set.draft())).toBeUndefined()
    expect(set.directory.newest()?.owner).toEqual(owner)
    expect(set.staged()).toEqual([])
  })

  it('withdraws from a number that was used before', () => {
    const set = begun()
    const second = { ...set.first, generation: 1 }
    taken(set)
    const third = taken(set, second)
    set.directory.removeBelow(third.generation)
    expect(set.directory.take(set.first, 'busy', { pid: 8 }, set.draft())).toBeUndefined()
    expect(set.directory.numbers()).toEqual([2])
    expect(third.isSuperseded()).toBe(false)
  })

  it('withdraws from a number jumped to over one that another took', () => {
    const set = begun()
    const jumping = { ...set.first, owner: { bootId: 'another boot' } }
    const ceiling = new GenerationCeiling(set.raw, '/durable', '/durable', 'later')
    ceiling.cover(1)
    const late = new GenerationDirectory(
      set.raw,
      '/lease',
      new GenerationCeiling(set.raw, '/durable', '/durable', 'latest'),
    )
    taken(set)
    expect(late.take(jumping, 'busy', { pid: 8 }, set.draft())).toBeUndefined()
    expect(set.directory.numbers()).toEqual([0, 1])
  })

  it('jumps over all numbers that may have been used before the boot', () => {
    const set = begun()
    taken(set)
    const later = new GenerationCeiling(set.raw, '/durable', '/durable', 'later')
    const seen = { ...set.first, generation: 1 }
    const own = new GenerationDirectory(set.raw, '/lease', later).take(
      seen,
      'busy',
      owner,
      set.draft(),
    )
    expect(own?.generation).toBe(later.base + 1)
    expect(later.base).toBeGreaterThan(1)
  })

  it.each(['link', 'open', 'write'])('leaves nothing behind when %s fails', (operation) => {
    const set = begun()
    set.alterWith(refusing('EIO', (call) => call.operation === operation))
    expect(() => taken(set)).toThrow(expect.objectContaining({ errno: 'EIO' }))
    expect(set.staged()).toEqual([])
    expect(set.directory.numbers()).toEqual([0])
  })

  it.each(['unlink', 'readDirectory', 'statusOf'])('gives it back when %s fails', (operation) => {
    const set = begun()
    set.alterWith(refusing('EIO', (call) => call.operation === operation))
    expect(() => taken(set)).toThrow(expect.objectContaining({ errno: 'EIO' }))
    expect(set.other.newest()).toMatchObject({ generation: 1, state: 'free' })
  })

  it('writes its file whole, however little the disk takes at once', () => {
    const set = begun()
    set.alterWith((call) => {
      const [, bytes, offset, length] = call.args
      if (call.operation === 'write') {
        expect((offset as number) + (length as number)).toBe((bytes as Uint8Array).byteLength)
      }
      return writingAtMost(3)(call)
    })
    const own = taken(set)
    own.beat()
    own.beat()
    own.mark('idle')
    expect(set.text(1)).toBe(`idle 000000000002\n${JSON.stringify(owner)}\n`)
  })

  it('fails when the disk takes nothing', () => {
    const set = begun()
    const own = taken(set)
    set.alterWith(writingAtMost(0))
    const refusal = { errno: 'ENOSPC', operation: 'write' }
    expect(() => own.mark('idle')).toThrow(expect.objectContaining(refusal))
    expect(() => taken(set, { ...set.first, generation: 1 })).toThrow(
      expect.objectContaining(refusal),
    )
    expect(set.staged()).toEqual([])
  })

  it.each([
    ['release', 'free'],
    ['abandon', 'torn'],
  ] as const)('can %s it once', (way, state) => {
    const set = begun()
    const own = taken(set)
    own[way]()
    expect(set.directory.newest()?.state).toBe(state)
    own.mark('busy')
    own.beat()
    own.release()
    expect(set.text(1)).toBe(`${state} 000000000000\n${JSON.stringify(owner)}\n`)
    expect(own.isLinked()).toBe(false)
    expect(own.isSuperseded()).toBe(true)
  })
})

describe('who takes a generation again', () => {
  it('has the next, in the same file', () => {
    const set = begun()
    const own = taken(set)
    const again = set.directory.retake(own, 'busy', { ...owner, pid: 8 })
    expect(again?.generation).toBe(2)
    expect(set.directory.numbers()).toEqual([0, 2])
    expect(set.directory.newest()).toMatchObject({ state: 'busy', owner: { pid: 8 } })
    again?.release()
    expect(set.directory.newest()?.state).toBe('free')
  })

  it.each([
    ['the file would have another length', 'boot', { pid: 4711 }],
    ['boots cannot be told apart', undefined, owner],
  ])('has none when %s', (_, bootId, next) => {
    const set = begun({ bootId })
    const own = taken(set)
    own.mark('free')
    const newest = set.directory.newest()?.generation
    expect(set.directory.retake(own, 'busy', next)).toBeUndefined()
    expect(set.directory.newest()).toMatchObject({ generation: newest, state: 'free', owner })
    expect(own.isLinked()).toBe(false)
  })

  it('has none when another took it', () => {
    const set = begun()
    const own = taken(set)
    const second = set.other.take({ ...set.first, generation: 1 }, 'busy', { pid: 9 }, set.draft())
    expect(set.directory.retake(own, 'busy', owner)).toBeUndefined()
    expect(set.directory.newest()).toMatchObject({ generation: 2, owner: { pid: 9 } })
    expect(second?.isSuperseded()).toBe(false)
    expect(set.directory.read(1)?.state).toBe('free')
  })

  it('has none when it was removed', () => {
    const set = begun()
    const own = taken(set)
    const second = taken(set, { ...set.first, generation: 1 })
    taken(set, { ...set.first, generation: 2 })
    set.directory.removeBelow(3)
    expect(second.isLinked()).toBe(false)
    expect(set.directory.retake(own, 'busy', owner)).toBeUndefined()
    expect(set.directory.numbers()).toEqual([3])
  })

  it.each(['link', 'statusOf', 'unlink'])('gives it back when %s fails', (operation) => {
    const set = begun()
    const own = taken(set)
    set.alterWith(refusing('EIO', (call) => call.operation === operation))
    expect(() => set.directory.retake(own, 'busy', owner)).toThrow(
      expect.objectContaining({ errno: 'EIO' }),
    )
    expect(set.other.newest()?.state).toBe('free')
  })
})
