/** Writes, and takes and gives back a lock, without a pause; holds another one all the time. */
import { openStateStore } from '../../src/store/index.js'

const { directory } = JSON.parse(process.argv[2] ?? '{}') as { readonly directory: string }
const store = await openStateStore(directory, { backups: false })
const documents = store.collection<{ n: number; filler: string; end: number }>('docs')
const held = await store.lock('held', { ttlMs: 60_000 })

let revision = ''
let token = 0
let writes = 0
let isStopped = false

process.on('message', ({ type }: { readonly type: string }) => {
  if (type === 'stop') isStopped = true
  const isLost = held.signal.aborted
  process.send?.({ type: 'mark', revision, token, heldToken: held.token, isLost, writes })
})

process.send?.({ type: 'ready' })
while (!isStopped) {
  const n = writes
  const filler = String(n % 10).repeat(1 + ((n * 37) % 4_000))
  const receipt = await documents.set(`doc-${n % 25}`, { n, filler, end: n }, { lease: held })
  revision = receipt.revision
  const lock = await store.lock('cycled')
  token = lock.token
  await lock.release()
  writes += 1
}
await held.release()
await store.close()
process.send?.({ type: 'stopped' })
process.disconnect()
