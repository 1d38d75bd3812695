import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../src/testing/index.js'

describe('ManualClock', () => {
  it('stands still until it is advanced', () => {
    const clock = new ManualClock({ startAt: 1_000 })
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_000, 0])
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_000, 0])
    clock.advance(250)
    clock.advance(0)
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_250, 250])
  })

  it('begins at a fixed date', () => {
    expect(new Date(new ManualClock().now()).toISOString()).toBe('2026-01-01T00:00:00.000Z')
  })

  it('does not go back', () => {
    const clock = new ManualClock()
    expect(() => clock.advance(-1)).toThrow(RangeError)
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError)
    expect(clock.monotonicMs()).toBe(0)
  })

  it('wakes sleepers when they are due, and not before', async () => {
    const clock = new ManualClock()
    const woken: string[] = []
    const sleep = (name: string, durationMs: number): Promise<void> =>
      clock.sleep(durationMs).then(() => {
        woken.push(name)
      })
    const sleeping = [sleep('late', 30), sleep('early', 10), sleep('middle', 20)]
    expect(clock.waiting).toBe(3)
    clock.advance(9)
    await Promise.resolve()
    expect(woken).toEqual([])
    clock.advance(1)
    await sleeping[1]
    expect(woken).toEqual(['early'])
    clock.advance(100)
    await Promise.all(sleeping)
    expect(woken).toEqual(['early', 'middle', 'late'])
    expect(clock.waiting).toBe(0)
  })

  it('wakes those due together in the order they fell asleep', async () => {
    const clock = new ManualClock()
    const woken: number[] = []
    const sleeping = [1, 2, 3].map((n) => clock.sleep(5).then(() => woken.push(n)))
    clock.advance(5)
    await Promise.all(sleeping)
    expect(woken).toEqual([1, 2, 3])
  })

  it('lets a sleep of no time pass with the event loop', async () => {
    const clock = new ManualClock()
    let isOver = false
    const sleeping = clock.sleep(0).then(() => {
      isOver = true
    })
    await Promise.resolve()
    expect(isOver).toBe(false)
    await sleeping
    await clock.sleep(-1)
    expect(clock.monotonicMs()).toBe(0)
  })

  it('calls actions every period, each at its own time, until stopped', () => {
    const clock = new ManualClock({ startAt: 0 })
    const calls: string[] = []
    const stop = clock.every(10, () => calls.push(`a${clock.now()}`))
    clock.advance(9)
    expect(calls).toEqual([])
    clock.every(15, () => calls.push(`b${clock.monotonicMs()}`))
    clock.advance(26)
    expect(calls).toEqual(['a10', 'a20', 'b24', 'a30'])
    stop()
    stop()
    clock.advance(5)
    expect(calls).toEqual(['a10', 'a20', 'b24', 'a30', 'b39'])
    expect(clock.waiting).toBe(1)
  })

  it('lets an action stop itself and start others, which fire in the same advance', () => {
    const clock = new ManualClock()
    const calls: number[] = []
    const stop = clock.every(10, () => {
      calls.push(clock.monotonicMs())
      stop()
      clock.every(3, () => calls.push(clock.monotonicMs()))
    })
    clock.advance(20)
    expect(calls).toEqual([10, 13, 16, 19])
  })

  it('does not hang on a period of no time', () => {
    const clock = new ManualClock()
    let calls = 0
    clock.every(0, () => {
      calls += 1
    })
    clock.advance(5)
    expect(calls).toBe(5)
  })

  it('passes time while blocked, and fires what became due afterwards', () => {
    const clock = new ManualClock({ startAt: 0 })
    const calls: number[] = []
    clock.every(10, () => calls.push(clock.monotonicMs()))
    clock.sleepSync(25)
    clock.sleepSync(-5)
    expect([clock.now(), calls]).toEqual([25, []])
    clock.advance(0)
    expect(calls).toEqual([25, 25])
    clock.advance(5)
    expect(calls).toEqual([25, 25, 30])
  })

  it('jumps on the wall without anybody noticing', () => {
    const clock = new ManualClock({ startAt: 1_000 })
    let calls = 0
    clock.every(10, () => {
      calls += 1
    })
    clock.jump(-500)
    expect([clock.now(), clock.monotonicMs(), calls]).toEqual([500, 0, 0])
    clock.jump(10_000)
    clock.advance(10)
    expect([clock.now(), clock.monotonicMs(), calls]).toEqual([10_510, 10, 1])
  })

  it('gives the same ids for the same seed, and others otherwise', () => {
    const ids = (seed?: number): string[] => {
      const clock = new ManualClock(seed === undefined ? {} : { seed })
      return [clock.randomId(8), clock.randomId(8), clock.randomId(40)]
    }
    expect(ids(1)).toEqual(ids())
    expect(ids(2)).not.toEqual(ids(1))
    const [first, second, long] = ids(7)
    expect(first).not.toBe(second)
    expect(first).toMatch(/^[0-9a-f]{16}$/)
    expect(long).toMatch(/^[0-9a-f]{80}$/)
    expect(long?.slice(0, 40)).not.toBe(long?.slice(40))
  })
})
