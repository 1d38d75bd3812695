/**
 * A store of many documents: what opening it costs, whether that reads any of them, and what it
 * costs to list them all with their values. The page cache is warm for everybody.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BenchDocument, DocumentSource } from '../documents.js'
import { watchEventLoop } from '../event-loop.js'
import { openHoldfast } from '../holdfast.js'
import { interleave } from '../interleave.js'
import type { RunContext } from '../run-context.js'
import { runWorker } from '../run-worker.js'
import { maximum, median } from '../statistics.js'
import type { OpenCount, OpenTime } from '../workers/open-worker.js'

export interface OpenRow {
  readonly documents: number
  readonly openMs: number
  readonly roundsOpenMs: readonly number[]
}

export interface ListRow {
  readonly name: string
  readonly documentsPerSecond: number
  readonly roundsDocumentsPerSecond: readonly number[]
  readonly medianMs: number
  readonly loopP99Ms: number
  readonly loopMaxMs: number
}

export interface OpenTable {
  readonly suite: 'open'
  readonly documents: number
  readonly documentBytes: number
  readonly open: readonly OpenRow[]
  readonly count: OpenCount
  readonly list: readonly ListRow[]
}

export const listNames = {
  entries: 'holdfast entries()',
  sequential: 'readdir + readFile + JSON.parse, one at a time',
  parallel: 'readdir + readFile + JSON.parse, 16 in flight',
} as const

const fewDocuments = 10
const writesInFlight = 250

interface Filled {
  readonly directory: string
  readonly documents: number
  readonly sequenceSum: number
  /** Where the document files are. */
  readonly folder: string
}

async function findFolder(directory: string): Promise<string> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true })
  const folders = new Set(
    found.flatMap((entry) => (/^document-\d+\.json$/.test(entry.name) ? [entry.parentPath] : [])),
  )
  const [folder] = folders
  if (folder === undefined || folders.size > 1) {
    throw new Error(`the documents are in ${folders.size} folders, not in one`)
  }
  return folder
}

async function fill(directory: string, count: number, source: DocumentSource): Promise<Filled> {
  const documents = source.take(count)
  const store = await openHoldfast(directory)
  const collection = store.collection<BenchDocument>('docs')
  for (let first = 0; first < count; first += writesInFlight) {
    const batch = documents.slice(first, first + writesInFlight)
    await Promise.all(batch.map((document) => collection.set(document.id, document)))
  }
  await store.close()
  return {
    directory,
    documents: count,
    sequenceSum: documents.reduce((sum, document) => sum + document.sequence, 0),
    folder: await findFolder(directory),
  }
}

interface Listing {
  readonly count: number
  readonly sequenceSum: number
}

async function listEntries({ directory }: Filled): Promise<Listing & { readonly ms: number }> {
  const store = await openHoldfast(directory)
  const start = performance.now()
  let count = 0
  let sequenceSum = 0
  for await (const { value } of store.collection<BenchDocument>('docs').entries()) {
    count += 1
    sequenceSum += value.sequence
  }
  const ms = performance.now() - start
  await store.close()
  return { count, sequenceSum, ms }
}

async function readAll(folder: string, inFlight: number): Promise<Listing> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'))
  const queue = names.values()
  let sequenceSum = 0
  const reader = async (): Promise<void> => {
    for (const name of queue) {
      const document = JSON.parse(await readFile(join(folder, name), 'utf8')) as BenchDocument
      sequenceSum += document.sequence
    }
  }
  await Promise.all(Array.from({ length: inFlight }, reader))
  return { count: names.length, sequenceSum }
}

async function timed(task: () => Promise<Listing>): Promise<Listing & { readonly ms: number }> {
  const start = performance.now()
  const listing = await task()
  return { ...listing, ms: performance.now() - start }
}

const listers = [
  { name: listNames.entries, own: true, list: listEntries },
  { name: listNames.sequential, list: ({ folder }: Filled) => timed(() => readAll(folder, 1)) },
  { name: listNames.parallel, list: ({ folder }: Filled) => timed(() => readAll(folder, 16)) },
]

async function measureListing(context: RunContext, filled: Filled): Promise<ListRow[]> {
  const { options, random, problems } = context
  const slices = await interleave(
    listers,
    options.open.rounds,
    random,
    problems,
    async ({ name, list }, round) => {
      context.progress(`open, listing, round ${round + 1}: ${name}`)
      const endWatch = await watchEventLoop()
      const { count, sequenceSum, ms } = await list(filled)
      const loop = await endWatch()
      if (count !== filled.documents || sequenceSum !== filled.sequenceSum) {
        throw new Error(`listed ${count} of ${filled.documents} documents, or wrong ones`)
      }
      return { ms, loop }
    },
  )
  return [...slices].map(([name, measured]) => {
    const rates = measured.map(({ ms }) => (filled.documents / ms) * 1000)
    return {
      name,
      documentsPerSecond: median(rates),
      roundsDocumentsPerSecond: rates,
      medianMs: median(measured.map(({ ms }) => ms)),
      loopP99Ms: median(measured.map(({ loop }) => loop.p99Ms)),
      loopMaxMs: maximum(measured.map(({ loop }) => loop.maxMs)),
    }
  })
}

async function measureOpening(context: RunContext, stores: readonly Filled[]): Promise<OpenRow[]> {
  const { options, random, problems } = context
  const contenders = stores.map((store) => ({
    name: String(store.documents),
    own: true,
    directory: store.directory,
  }))
  const slices = await interleave(
    contenders,
    options.open.rounds,
    random,
    problems,
    ({ name, directory }, round) => {
      context.progress(`open, opening, round ${round + 1}: ${name} documents`)
      return runWorker<OpenTime>('open-worker', ['time', directory])
    },
  )
  return stores.flatMap(({ documents }) => {
    const rounds = slices.get(String(documents))?.map(({ openMs }) => openMs)
    return rounds === undefined ? [] : [{ documents, openMs: median(rounds), roundsOpenMs: rounds }]
  })
}

export async function runOpenSuite(context: RunContext, documentBytes: number): Promise<OpenTable> {
  const source = new DocumentSource(documentBytes, context.random)
  context.progress(`open, writing ${context.options.open.documents} documents`)
  const many = await fill(join(context.directory, 'many'), context.options.open.documents, source)
  const few = await fill(join(context.directory, 'few'), fewDocuments, source)
  return {
    suite: 'open',
    documents: many.documents,
    documentBytes,
    open: await measureOpening(context, [few, many]),
    count: await runWorker<OpenCount>('open-worker', ['count', many.directory, 'document-1']),
    list: await measureListing(context, many),
  }
}
