import { join } from 'node:path'
import { contenders } from '../contenders/index.js'
import { DocumentSource } from '../documents.js'
import { interleave } from '../interleave.js'
import type { RunContext } from '../run-context.js'
import { measureWrites, summarizeAll, type Write, type WriteTable } from './write-suite.js'

const generousSliceMs = 10_000
const warmUpBatches = 2

/** Batches of sets begun together: on as many keys (`keys`), or all on one (`one-key`). */
export async function runInflightSuite(
  context: RunContext,
  documentBytes: number,
  spread: 'keys' | 'one-key',
): Promise<WriteTable> {
  const { options, random, problems, durability } = context
  const { rounds, batches, width } = options.inflight
  const suite = `inflight-${spread}` as const
  const source = new DocumentSource(documentBytes, random)
  const batch = (): Write[] =>
    source
      .take(width)
      .map((document, index) => ({ key: spread === 'keys' ? `key-${index}` : 'key', document }))

  const taking = contenders.filter(({ name }) => durability.has(name))
  const slices = await interleave(taking, rounds, random, problems, (contender, round) => {
    context.progress(`${suite}, ${documentBytes} B, round ${round + 1}: ${contender.name}`)
    const place = join(context.directory, `${suite}-${documentBytes}-${taking.indexOf(contender)}`)
    const work = {
      warmUp: Array.from({ length: warmUpBatches }, batch),
      measured: Array.from({ length: batches }, batch),
    }
    return measureWrites(contender, place, work, generousSliceMs)
  })
  return { suite, documentBytes, rows: summarizeAll(durability, slices) }
}
