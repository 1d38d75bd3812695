import { describe, expect, it } from 'vitest'
import { type GenerationRecord, type Liveness, SilenceObserver } from '../../src/file-lock/index.js'

function setUp(liveness: Liveness = 'unknown') {
  let nowMs = 1_000
  const processes = { self: { pid: 1, host: 'here' }, liveness: () => liveness }
  return {
    observer: new SilenceObserver(processes, () => nowMs),
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

const record = (more: Partial<GenerationRecord> = {}): GenerationRecord => ({
  generation: 3,
  state: 'busy',
  owner: { pid: 7, ttlMs: 100 },
  content: 'busy 1',
  ...more,
})

describe('a holder', () => {
  it('is not gone before its time of silence has passed', () => {
    const { observer, pass } = setUp()
    expect(observer.verdict(record(), 5)).toBeUndefined()
    pass(99)
    expect(observer.verdict(record(), 5)).toBeUndefined()
    pass(1)
    expect(observer.verdict(record(), 5)).toBe('silent for 100 ms')
  })

  it('is given the usual time when it names none', () => {
    const { observer, pass } = setUp()
    const nameless = record({ owner: {} })
    observer.verdict(nameless, 5)
    pass(4)
    expect(observer.verdict(nameless, 5)).toBeUndefined()
    pass(1)
    expect(observer.verdict(nameless, 5)).toBe('silent for 5 ms')
  })

  it('is heard when its file changes', () => {
    const { observer, pass } = setUp()
    observer.verdict(record(), 5)
    pass(100)
    expect(observer.verdict(record({ content: 'busy 2' }), 5)).toBeUndefined()
    pass(99)
    expect(observer.verdict(record({ content: 'busy 2' }), 5)).toBeUndefined()
  })

  it('is not taken for the one before it', () => {
    const { observer, pass } = setUp()
    observer.verdict(record(), 5)
    pass(100)
    expect(observer.verdict(record({ generation: 4 }), 5)).toBeUndefined()
    expect(observer.verdict(record(), 5)).toBe('silent for 100 ms')
  })

  it('is observed anew in another wait', () => {
    const { observer, pass } = setUp()
    observer.verdict(record(), 5)
    pass(100)
    observer.reset()
    expect(observer.verdict(record(), 5)).toBeUndefined()
  })

  it('is gone at once when its process is, and when a power cut took its file', () => {
    expect(setUp('dead').observer.verdict(record(), 5)).toBe('process 7 no longer exists')
    expect(setUp('alive').observer.verdict(record({ content: '\0\0' }), 5)).toBe(
      'its file is empty',
    )
    expect(setUp().observer.verdict(record({ content: '' }), 5)).toBe('its file is empty')
    expect(setUp().observer.verdict(record({ content: '\0b' }), 5)).toBeUndefined()
    expect(setUp().observer.verdict(record({ content: 'b\0' }), 5)).toBeUndefined()
  })
})
