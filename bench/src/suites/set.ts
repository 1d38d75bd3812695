import { join } from 'node:path'
import { contenders } from '../contenders/index.js'
import { DocumentSource } from '../documents.js'
import { interleave } from '../interleave.js'
import type { RunContext } from '../run-context.js'
import { measureWrites, summarizeAll, type Write, type WriteTable } from './write-suite.js'

const keys = Array.from({ length: 16 }, (_, index) => `key-${index}`)
const warmUpWrites = 16

/** Sets, one at a time, over sixteen keys that exist. */
export async function runSetSuite(context: RunContext, documentBytes: number): Promise<WriteTable> {
  const { options, random, problems, durability } = context
  const source = new DocumentSource(documentBytes, random)
  const writes = (count: number): Write[][] =>
    source
      .take(count)
      .map((document, index) => [{ key: keys[index % keys.length] ?? 'key', document }])

  const taking = contenders.filter(({ name }) => durability.has(name))
  const slices = await interleave(
    taking,
    options.set.rounds,
    random,
    problems,
    (contender, round) => {
      context.progress(`set, ${documentBytes} B, round ${round + 1}: ${contender.name}`)
      const place = join(context.directory, `set-${documentBytes}-${contenders.indexOf(contender)}`)
      const batches = { warmUp: writes(warmUpWrites), measured: writes(options.set.ops) }
      return measureWrites(contender, place, batches, options.set.sliceMs)
    },
  )
  return { suite: 'set', documentBytes, rows: summarizeAll(durability, slices) }
}
