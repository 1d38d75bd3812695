/**
 * Peers that keep values in files. conf, lowdb and keyv-file keep all documents in one file and
 * write all of it in every set; that is what they are, so it is left to them.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BenchDocument } from '../documents.js'
import { loadPeer } from '../load-peer.js'
import type { Contender } from './contender.js'

interface ConfModule {
  readonly default: new (options: {
    readonly cwd: string
    readonly configName: string
  }) => {
    set(key: string, value: unknown): void
    get(key: string): unknown
  }
}

const conf: Contender = {
  name: 'conf',
  async open(directory) {
    const { default: Conf } = await loadPeer<ConfModule>('conf')
    const store = new Conf({ cwd: directory, configName: 'state' })
    return {
      async set(key, document) {
        store.set(key, document)
        return undefined
      },
      get: async (key) => store.get(key),
      close: async () => {},
    }
  },
}

type LowData = Record<string, BenchDocument>

interface LowModule {
  readonly JSONFilePreset: (
    file: string,
    initial: LowData,
  ) => Promise<{ readonly data: LowData; write(): Promise<void> }>
}

const lowdb: Contender = {
  name: 'lowdb',
  async open(directory) {
    await mkdir(directory, { recursive: true })
    const { JSONFilePreset } = await loadPeer<LowModule>('lowdb/node')
    const db = await JSONFilePreset(join(directory, 'state.json'), {})
    return {
      async set(key, document) {
        db.data[key] = document
        await db.write()
        return undefined
      },
      get: async (key) => db.data[key],
      close: async () => {},
    }
  },
}

interface NodePersistModule {
  readonly default: {
    create(options: { readonly dir: string; readonly writeQueue: boolean }): {
      init(): Promise<unknown>
      setItem(key: string, value: unknown): Promise<unknown>
      getItem(key: string): Promise<unknown>
      stopExpiredKeysInterval(): void
      stopWriteQueueInterval(): void
    }
  }
}

const nodePersist: Contender = {
  // With its queue (the default) a set waits for the next tick of a 1,000 ms interval.
  name: 'node-persist, writeQueue: false',
  async open(directory) {
    const { default: persist } = await loadPeer<NodePersistModule>('node-persist')
    const storage = persist.create({ dir: directory, writeQueue: false })
    await storage.init()
    return {
      async set(key, document) {
        await storage.setItem(key, document)
        return undefined
      },
      get: (key) => storage.getItem(key),
      async close() {
        storage.stopExpiredKeysInterval()
        storage.stopWriteQueueInterval()
      },
    }
  },
}

interface UnstorageModule {
  readonly createStorage: (options: { readonly driver: unknown }) => {
    setItem(key: string, value: unknown): Promise<void>
    getItem(key: string): Promise<unknown>
    dispose(): Promise<void>
  }
}

interface UnstorageDriverModule {
  readonly default: (options: { readonly base: string }) => unknown
}

const unstorage: Contender = {
  name: 'unstorage, fs driver',
  async open(directory) {
    const { createStorage } = await loadPeer<UnstorageModule>('unstorage')
    const { default: fsDriver } = await loadPeer<UnstorageDriverModule>('unstorage/drivers/fs')
    const storage = createStorage({ driver: fsDriver({ base: directory }) })
    return {
      async set(key, document) {
        await storage.setItem(key, document)
        return undefined
      },
      get: (key) => storage.getItem(key),
      close: () => storage.dispose(),
    }
  },
}

interface KeyvModule {
  readonly default: new (options: {
    readonly store: unknown
  }) => {
    set(key: string, value: unknown): Promise<unknown>
    get(key: string): Promise<unknown>
    disconnect(): Promise<void>
  }
}

interface KeyvFileModule {
  readonly KeyvFile: new (options: {
    readonly filename: string
    readonly writeDelay: number
  }) => unknown
}

const keyvFile: Contender = {
  // With the default delay every set takes 100 ms and longer.
  name: 'keyv + keyv-file, writeDelay: 0',
  async open(directory) {
    const { default: Keyv } = await loadPeer<KeyvModule>('keyv')
    const { KeyvFile } = await loadPeer<KeyvFileModule>('keyv-file')
    const store = new KeyvFile({ filename: join(directory, 'state.json'), writeDelay: 0 })
    const keyv = new Keyv({ store })
    return {
      async set(key, document) {
        await keyv.set(key, document)
        return undefined
      },
      get: (key) => keyv.get(key),
      close: () => keyv.disconnect(),
    }
  },
}

export const fileStores: readonly Contender[] = [conf, lowdb, nodePersist, unstorage, keyvFile]
