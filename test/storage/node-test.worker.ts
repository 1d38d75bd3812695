import { describe, it } from 'node:test'
import { MemoryStorage } from '../../src/storage/memory/index.js'
import { describeStorageConformance } from '../../src/testing/index.js'

describeStorageConformance(
  { describe, it },
  {
    name: 'MemoryStorage',
    supports: new MemoryStorage().supports,
    create: async () => ({
      open: async () => {
        const storage = new MemoryStorage()
        await storage.open(() => {})
        return storage
      },
      dispose: async () => {},
    }),
  },
)
