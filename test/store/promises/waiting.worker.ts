/** Waits for a lock that it holds itself, with nothing else to keep the process alive. */

import { MemoryStorage } from '../../../src/storage/memory/index.js'
import { StateStore } from '../../../src/store/index.js'

const store = await new StateStore({ storage: new MemoryStorage() }).open()
await store.lock('deploy')
try {
  await store.lock('deploy', { waitMs: 100 })
} catch (error) {
  process.send?.({ type: 'told', code: (error as { code?: unknown }).code })
}
