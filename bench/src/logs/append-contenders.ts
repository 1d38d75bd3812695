import { openHoldfast } from '../holdfast.js'
import { type AppendContender, appendNames, type Survival } from './append-contender.js'
import { appendPeers } from './append-peers.js'
import type { BenchEvent } from './events.js'

const logName = 'events'

const holdfast = (
  name: string,
  survival: Survival,
  durability: 'power' | 'process',
): AppendContender => ({
  name,
  own: true,
  survival,
  async open(directory) {
    const store = await openHoldfast(directory, { durability })
    const log = store.log<BenchEvent['data']>(logName)
    return {
      append: ({ type, agent, data }) => log.append(type, data, { agent }),
      close: () => store.close(),
    }
  },
  async read(directory) {
    const store = await openHoldfast(directory, { readOnly: true })
    const events = await store.log<BenchEvent['data']>(logName).query().toArray()
    await store.close()
    return events.map(({ data }) => data.sequence)
  },
})

/** All that append events. */
export const appendContenders: readonly AppendContender[] = [
  holdfast(appendNames.holdfast, 'power cut', 'power'),
  holdfast(appendNames.holdfastProcess, 'kill -9', 'process'),
  ...appendPeers,
]
