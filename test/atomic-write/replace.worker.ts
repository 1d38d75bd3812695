/** Replaces a file twice, the second time where there is no room for it, and tells what came of it. */
import fs, { readFileSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { stagedWriter } from '../../src/atomic-write/index.js'
import { writeFileAtomicWriter } from '../../src/atomic-write/write-file-atomic/index.js'
import { systemClock } from '../../src/clock/index.js'
import { isFileSystemError } from '../../src/errors/index.js'
import { NodeFileSystem, runSteps, type Steps } from '../../src/file-system/index.js'

interface Arguments {
  readonly writer: 'staged' | 'write-file-atomic'
  readonly directory: string
  /** Writes take at most so many bytes, as they may. */
  readonly atMost?: number
  /** Fills the disk to so many bytes less than it holds. */
  readonly leaves?: number
  readonly bytes: number
}

const {
  writer: name,
  directory,
  atMost,
  leaves,
  bytes,
} = JSON.parse(process.argv[2] ?? '') as Arguments
const writer = name === 'staged' ? stagedWriter : writeFileAtomicWriter()
const target = `${directory}/target`
let next = 0
const area = {
  nextPath: () => {
    next += 1
    return `${directory}/staged-${next}`
  },
  isRevoked: () => false,
}

function* replace(content: string): Steps<void> {
  const staged = yield* writer.stage(
    { target, bytes: Buffer.from(content), mode: 0o600, modifiedMicros: 1e15, durable: true },
    area,
  )
  yield* writer.publish(staged)
}

/** Writes until nothing fits any more, then gives back as much as was asked for. */
function fill(leave: number): void {
  const page = Buffer.alloc(4096, 1)
  const parts: string[] = []
  try {
    for (let part = 0; ; part++) {
      const path = `${directory}/filler-${part}`
      writeFileSync(path, page)
      parts.push(path)
    }
  } catch {
    for (const path of parts.splice(-leave)) writeFileSync(path, '')
  }
}

function shortenWrites(most: number): void {
  const { write } = fs
  type Call = [number, Uint8Array, number, number, number, () => void]
  const shortened = (...[file, data, offset, length, position, done]: Call): void =>
    write(file, data, offset, Math.min(length, most), position, done)
  Object.assign(fs, { write: shortened })
  syncBuiltinESMExports()
}

const run = (content: string): Promise<void> =>
  runSteps(new NodeFileSystem(), systemClock, replace(content))

await run('old')
if (leaves !== undefined) fill(leaves)
if (atMost !== undefined) shortenWrites(atMost)
let reported = 'success'
try {
  await run('n'.repeat(bytes))
} catch (error) {
  reported = isFileSystemError(error) ? error.reason : String(error)
}
const found = readFileSync(target, 'utf8')
const told = { type: 'replaced', reported, found: found === 'old' ? found : found.length }
if (process.send === undefined) console.log(JSON.stringify(told))
else process.send(told)
