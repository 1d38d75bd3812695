/** How a query reads: by and by, no further than it must, and whatever its consumer does. */
import type { Log, LogEvent } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { type Desk, dataOf, failure, microtasks, openDesk } from './log-stores.js'

async function filled(count: number, groupLength = 10): Promise<Desk & { log: Log<number> }> {
  const desk = await openDesk({ groupLength })
  const log = desk.store.log<number>('events')
  await log.appendAll(Array.from({ length: count }, (_, n) => ({ data: n })))
  return { ...desk, log }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

const iterate = (log: Log<number>): AsyncIterableIterator<LogEvent<number>> =>
  log.query()[Symbol.asyncIterator]()

describe('reading', () => {
  it('reads nothing before it is iterated', async () => {
    const { log, readings } = await filled(5)
    const query = log.query()
    query[Symbol.asyncIterator]()
    await Promise.resolve()
    expect(readings).toEqual([])
  })

  it('holds one group at a time', async () => {
    const { log, readings } = await filled(35)
    let seen = 0
    for await (const { data } of log.query()) {
      expect(data).toBe(seen)
      expect(readings[0]?.groups).toBe(Math.floor(seen / 10) + 1)
      seen += 1
    }
    expect(seen).toBe(35)
    expect(readings[0]?.isOver).toBe(true)
  })

  it.each([1, 9, 10, 11, 25])('stops reading when the consumer stops, after %i', async (count) => {
    const { log, readings } = await filled(100)
    let seen = 0
    for await (const _ of log.query()) {
      seen += 1
      if (seen === count) break
    }
    expect(readings[0]).toMatchObject({ groups: Math.ceil(count / 10), isOver: true })
  })

  it('stops reading when the consumer throws', async () => {
    const { log, readings } = await filled(100)
    const problem = new Error('enough')
    const consume = async (): Promise<void> => {
      for await (const _ of log.query()) throw problem
    }
    await expect(consume()).rejects.toBe(problem)
    expect(readings[0]).toMatchObject({ groups: 1, isOver: true })
  })

  it.each([1, 9, 10, 11, 25])('has stopped with the last event of a limit of %i', async (limit) => {
    const { log, readings } = await filled(100)
    const iterator = log.query({ limit })[Symbol.asyncIterator]()
    for (let n = 0; n < limit; n++) {
      expect(readings[0]?.isOver ?? false).toBe(false)
      expect((await iterator.next()).value?.data).toBe(n)
    }
    expect(readings[0]).toMatchObject({ groups: Math.ceil(limit / 10), isOver: true })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    await log.query({ limit }).toArray()
    await log.last(limit)
    for (const { groups, isOver } of readings) {
      expect({ groups, isOver }).toEqual({ groups: Math.ceil(limit / 10), isOver: true })
    }
    expect(await log.query({ limit: 0 }).toArray()).toEqual([])
    expect(readings).toHaveLength(3)
  })

  it('stops reading when a condition throws, and throws that', async () => {
    const { log, readings } = await filled(100)
    const problem = new Error('no')
    const where = ({ data }: LogEvent<number>): boolean => {
      if (data === 14) throw problem
      return true
    }
    await expect(dataOf(log.query({ where }))).rejects.toBe(problem)
    await expect(log.query({ where }).toArray()).rejects.toBe(problem)
    await expect(log.count({ where, limit: 50 })).rejects.toBe(problem)
    for (const reading of readings) expect(reading).toMatchObject({ groups: 2, isOver: true })
    const iterator = log.query({ where })[Symbol.asyncIterator]()
    for (let n = 0; n < 14; n++) await iterator.next()
    await expect(iterator.next()).rejects.toBe(problem)
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  it('calls a condition for no more than it must', async () => {
    const { log } = await filled(100)
    const seen: number[] = []
    const where = ({ data }: LogEvent<number>): boolean => {
      seen.push(data)
      return data >= 3
    }
    expect(await dataOf(log.query({ where, limit: 2 }))).toEqual([3, 4])
    expect(seen).toEqual([0, 1, 2, 3, 4])
  })

  it('serves those who ask at once in their order', async () => {
    for (const groupLength of [1, 2, 3, 10]) {
      const { log } = await filled(12, groupLength)
      const iterator = iterate(log)
      const settled: unknown[] = []
      const asked = Array.from({ length: 15 }, () =>
        iterator.next().then(({ value }) => settled.push(value?.data)),
      )
      await Promise.all(asked)
      expect(settled).toEqual([...numbers(12), undefined, undefined, undefined])
    }
  })

  it('may be asked at once while it goes on one by one', async () => {
    const { log } = await filled(60, 3)
    const iterator = iterate(log)
    const seen: number[] = []
    let asked = 0
    const ask = async (): Promise<void> => {
      for (;;) {
        const ticket = asked++
        const { done, value } = await iterator.next()
        if (done === true) return
        seen[ticket] = value.data
      }
    }
    await Promise.all([ask(), ask(), ask()])
    expect(seen).toEqual(numbers(60))
  })

  it('is over once it was ended, also while somebody waits', async () => {
    const { log, readings } = await filled(30)
    const iterator = iterate(log)
    await iterator.next()
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    expect(readings[0]).toMatchObject({ groups: 1, isOver: true })

    for (let moment = 0; moment < 20; moment++) {
      const other = iterate(log)
      const waiting = other.next()
      await microtasks(moment)
      await other.return?.()
      const { done, value } = await waiting
      expect(done === true || value.data === 0).toBe(true)
      expect(await other.next()).toEqual({ done: true, value: undefined })
    }
    expect(readings.every(({ isOver }) => isOver)).toBe(true)
  })

  it('ends with the signal, at the next event', async () => {
    const { log, readings } = await filled(30)
    const controller = new AbortController()
    const reason = new Error('stop')
    const seen: number[] = []
    const consume = async (): Promise<void> => {
      for await (const { data } of log.query({ signal: controller.signal })) {
        seen.push(data)
        if (data === 4) controller.abort(reason)
      }
    }
    expect((await failure('STATE_ABORTED', consume())).cause).toBe(reason)
    expect(seen).toEqual(numbers(5))
    expect(readings[0]).toMatchObject({ groups: 1, isOver: true })
    await failure('STATE_ABORTED', log.query({ signal: controller.signal }).toArray())
    await failure('STATE_ABORTED', log.count({ signal: controller.signal }))
  })

  it('gives copies of the reader’s own', async () => {
    const { store } = await openDesk()
    const log = store.log<{ list: number[] }>('events')
    await log.append({ list: [1] })
    const [first, second] = [await log.last(), await log.last()]
    first[0]?.data.list.push(2)
    expect(second[0]?.data).toEqual({ list: [1] })
    expect((await log.last())[0]?.data).toEqual({ list: [1] })
  })

  it('is refused when the store is closed', async () => {
    const { log, store } = await filled(3)
    await store.close()
    await failure('STATE_CLOSED', log.query().toArray())
    await failure('STATE_CLOSED', log.append('a'))
    await failure('STATE_CLOSED', store.logs())
  })
})
