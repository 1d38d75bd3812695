/** Holds a lock, or a turn of the write lease, and beats when it is told to. */
import { NodeFileSystem } from '../../src/file-system/index.js'
import { openStateStore } from '../../src/store/index.js'
import { alteredFileSystem } from '../atomic-write/altered-file-system.js'
import { HastyClock } from './hasty-clock.js'

export interface HolderArguments {
  readonly directory: string
  readonly ttlMs: number
}

type Command = { readonly type: 'beat' | 'lock' | 'turn' | 'go on' | 'commit' }

const { directory, ttlMs } = JSON.parse(process.argv[2] ?? '{}') as HolderArguments
const clock = new HastyClock()

const tell = (message: object): void => {
  process.send?.(message)
}

// A turn lasts as long as its fsync does.
let isHeld = false
let goOn = (): void => {}
const real = new NodeFileSystem()
const altered = alteredFileSystem(real, ({ args }) => args)
const fileSystem = {
  ...altered,
  sync: async (file: number): Promise<void> => {
    if (isHeld) {
      isHeld = false
      tell({ type: 'in turn' })
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
    }
    await real.sync(file)
  },
}

const store = await openStateStore(directory, { fileSystem, clock, writeTtlMs: ttlMs })
store.on('writer:revoked', () => tell({ type: 'revoked' }))
const documents = store.collection<string>('docs')

async function obey({ type }: Command): Promise<void> {
  switch (type) {
    case 'beat':
      clock.beat()
      return tell({ type: 'has beaten' })
    case 'lock': {
      const lock = await store.lock('name', { ttlMs })
      lock.signal.addEventListener('abort', () => tell({ type: 'lost' }))
      return tell({ type: 'locked', token: lock.token })
    }
    case 'turn': {
      isHeld = true
      const { revision } = await documents.set('held', 'written in the held turn')
      return tell({ type: 'written', revision })
    }
    case 'go on':
      return goOn()
    case 'commit': {
      const { revision } = await documents.set('commit', 'still able to write')
      return tell({ type: 'committed', revision })
    }
  }
}

process.on('message', (command: Command) => {
  obey(command).catch((error: unknown) => {
    setImmediate(() => {
      throw error
    })
  })
})
tell({ type: 'ready', pid: process.pid })
