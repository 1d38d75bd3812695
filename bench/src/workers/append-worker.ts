/** Finds out what events survive when one contender has acknowledged them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Survival } from '../logs/append-contender.js'
import { appendContenders } from '../logs/append-contenders.js'
import { EventSource } from '../logs/events.js'
import { answer } from '../run-worker.js'
import { seededRandom } from '../statistics.js'
import { FileSpy } from './file-spy.js'

/** Several at once: of one alone, an unacknowledged write could be done before one looks. */
const width = 20

function isWritten(directory: string, marker: string): boolean {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).some(
    (entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(marker),
  )
}

async function probe(name: string, directory: string): Promise<Survival> {
  const spy = new FileSpy()
  await spy.install()
  const contender = appendContenders.find((candidate) => candidate.name === name)
  if (contender === undefined) throw new Error(`no contender is called ${name}`)
  const session = await contender.open(directory)
  const source = new EventSource(seededRandom(1))
  await session.append(source.next())
  const events = source.take(width)
  await Promise.all(events.flatMap((event) => session.append(event) ?? []))
  const marker = events.at(-1)?.data.text ?? ''
  const isSynced = spy.events.some(
    (event) => event.kind === 'sync' && event.content?.includes(marker) === true,
  )
  const survival = isSynced ? 'power cut' : isWritten(directory, marker) ? 'kill -9' : 'nothing'
  await session.close()
  return survival
}

const [name = '', directory = ''] = process.argv.slice(2)
await answer(() => probe(name, directory))
