import { describe, expect, it } from 'vitest'
import { until } from '../support/campaign.js'
import type { InterceptedCall } from '../torture/intercepted-file-system.js'
import { SharedDisk } from '../torture/shared-disk.js'

const names = ['sent', 'seen']

/** A call that waits until it is let go. */
class Held {
  isThere = false
  letGo: () => void = () => {}

  wait(): Promise<void> {
    this.isThere = true
    return new Promise((resolve) => {
      this.letGo = resolve
    })
  }
}

const startsWith = ({ args }: InterceptedCall, byte: number): boolean =>
  Buffer.from(args[1] as Uint8Array)[0] === byte

describe('a transaction whose writer is superseded before it writes to its last log', () => {
  it('is carried out by the successor, for whom the intent is left', async () => {
    const disk = new SharedDisk()
    const late = await disk.start({ isSlow: true })
    const successor = await disk.start({ isSlow: true })
    for (const name of names) await late.store.log(name).append('first')

    const [write, recovery] = [new Held(), new Held()]
    let isPublished = false
    let writes = 0
    late.watch = ({ operation, args }) => {
      isPublished ||= operation === 'rename' && String(args[1]).includes('/intents/')
    }
    late.hold = (call) => {
      if (!isPublished || call.operation !== 'write' || !startsWith(call, 123)) return undefined
      writes += 1
      return writes === names.length ? write.wait() : undefined
    }
    const transaction = late.store.transaction((tx) => {
      for (const name of names) tx.append(late.store.log(name), 'late')
    })
    await until(() => write.isThere)

    // The logs are sealed before the intents are looked at.
    successor.hold = ({ operation, args }) =>
      operation === 'readDirectory' && String(args[0]).endsWith('/intents')
        ? recovery.wait()
        : undefined
    late.looksDead()
    const next = successor.store.log('sent').append('next')
    await until(() => recovery.isThere)
    let isOver = false
    late.watch = ({ operation, args }) => {
      // It has lost its turn and registers again, or forgets the intent.
      isOver ||= operation === 'makeDirectory' || String(args[0]).includes('/intents/')
    }
    write.letGo()
    await until(() => isOver)
    successor.hold = () => undefined
    recovery.letGo()
    await Promise.all([transaction, next])
    for (const name of names) {
      const types = (await successor.store.log(name).query().toArray()).map(({ type }) => type)
      expect(types).toEqual(name === 'sent' ? ['first', 'late', 'next'] : ['first', 'late'])
    }
    expect(disk.damage).toEqual([])
  })
})

describe('a transaction whose writer is superseded before it writes to a log that was nearly full', () => {
  it('stands once, though the log was sealed with space taken in it', async () => {
    const disk = new SharedDisk()
    const late = await disk.start({ isSlow: true })
    const successor = await disk.start()
    await late.store.log('sent').append('first', 'x'.repeat(3800))
    const write = new Held()
    let isPublished = false
    late.watch = ({ operation, args }) => {
      isPublished ||= operation === 'rename' && String(args[1]).includes('/intents/')
    }
    late.hold = (call) =>
      isPublished && call.operation === 'write' && startsWith(call, 123) ? write.wait() : undefined
    const transaction = late.store.transaction((tx) => {
      for (const name of names) tx.append(late.store.log(name), 'late', 'x'.repeat(300))
    })
    await until(() => write.isThere)
    late.hold = () => undefined
    late.looksDead()
    await successor.store.log('sent').append('next')
    write.letGo()
    await transaction
    const types = (await successor.store.log('sent').query().toArray()).map(({ type }) => type)
    expect(types).toEqual(['first', 'late', 'next'])
    expect(disk.damage).toEqual([])
  })
})
