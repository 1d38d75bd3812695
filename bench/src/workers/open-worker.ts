/**
 * Opens a store in a fresh process. `time`: how long that takes. `count`: which document files it
 * touches; the spy that counts is slow, so the two are never one run.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { BenchDocument } from '../documents.js'
import { openHoldfast } from '../holdfast.js'
import { answer } from '../run-worker.js'
import { FileSpy } from './file-spy.js'

export interface OpenTime {
  readonly openMs: number
}

/** Document files opened, and bytes the process read by any way (Linux only), in each phase. */
export interface OpenCount {
  readonly whileOpening: { readonly files: number; readonly bytes: number | undefined }
  readonly whileGettingOne: { readonly files: number }
  readonly whileListing: { readonly files: number; readonly bytes: number | undefined }
}

/** Of the whole process, native code included. */
function bytesRead(): number | undefined {
  try {
    const counted = /^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]
    return counted === undefined ? undefined : Number(counted)
  } catch {
    return undefined
  }
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before
}

async function time(directory: string): Promise<OpenTime> {
  // Loads the library: `import` is another suite's figure.
  await openHoldfast(`${directory}-empty`).then((store) => store.close())
  const start = performance.now()
  const store = await openHoldfast(directory)
  const openMs = performance.now() - start
  await store.close()
  return { openMs }
}

async function count(directory: string, someKey: string): Promise<OpenCount> {
  const spy = new FileSpy()
  await spy.install()
  await openHoldfast(`${directory}-empty`).then((store) => store.close())

  let seen = 0
  const documentFilesOpened = (): number => {
    const events = spy.events.slice(seen)
    seen = spy.events.length
    const paths = events.flatMap((event) => (event.kind === 'open' ? [event.path] : []))
    return new Set(paths.filter((path) => /^document-\d+\.json$/.test(basename(path)))).size
  }
  documentFilesOpened()

  const atStart = bytesRead()
  const store = await openHoldfast(directory)
  const opened = { files: documentFilesOpened(), bytes: difference(bytesRead(), atStart) }

  const documents = store.collection<BenchDocument>('docs')
  await documents.get(someKey)
  const got = { files: documentFilesOpened() }

  const beforeListing = bytesRead()
  for await (const _ of documents.entries()) {
    // Only the reading counts.
  }
  const listed = { files: documentFilesOpened(), bytes: difference(bytesRead(), beforeListing) }
  await store.close()
  return { whileOpening: opened, whileGettingOne: got, whileListing: listed }
}

const [mode = '', directory = '', someKey = ''] = process.argv.slice(2)
await answer<OpenTime | OpenCount>(() =>
  mode === 'count' ? count(directory, someKey) : time(directory),
)
