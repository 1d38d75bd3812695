/** Finds out what one contender has synced when it acknowledges a write. */
import { contenders, type Durability } from '../contenders/index.js'
import { DocumentSource } from '../documents.js'
import { answer } from '../run-worker.js'
import { seededRandom } from '../statistics.js'
import { type FileEvent, FileSpy } from './file-spy.js'

/**
 * The content is durable once a file that holds it was synced; if that file was then renamed (or
 * renamed before), only once the target's directory was synced after the rename.
 */
function verdict(events: readonly FileEvent[], marker: string): Durability {
  const synced = new Set<number>()
  const unsyncedNames = new Map<number, number>()
  for (const event of events) {
    if (event.kind === 'rename') unsyncedNames.set(event.inode, event.directory)
    if (event.kind !== 'sync') continue
    if (event.content?.includes(marker)) synced.add(event.inode)
    for (const [inode, directory] of unsyncedNames) {
      if (directory === event.inode) unsyncedNames.delete(inode)
    }
  }
  if (synced.size === 0) return 'no'
  return [...synced].some((inode) => !unsyncedNames.has(inode)) ? 'yes' : 'file only'
}

async function probe(name: string, directory: string): Promise<Durability> {
  const spy = new FileSpy()
  await spy.install()
  const contender = contenders.find((candidate) => candidate.name === name)
  if (contender === undefined) throw new Error(`no contender is called ${name}`)
  const session = await contender.open(directory)
  const [first, second, probed] = new DocumentSource(1000, seededRandom(1)).take(3)
  if (first === undefined || second === undefined || probed === undefined) throw new RangeError()
  await session.set('key', first)
  await session.set('key', second)
  const before = spy.events.length
  await session.set('key', probed)
  const events = spy.events.slice(before)
  await session.close()
  return verdict(events, probed.text.slice(0, 64))
}

const [name = '', directory = ''] = process.argv.slice(2)
await answer(() => probe(name, directory))
