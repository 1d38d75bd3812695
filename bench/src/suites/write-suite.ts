/**
 * Measures writes: batches of a width (1: one at a time), each waited for before the next. A slice
 * opens the contender, warms it up, measures, closes it, opens it again and reads back what must be
 * there, so that no answer comes from a memory of the writes.
 */
import { setImmediate } from 'node:timers/promises'
import type { Contender, Session } from '../contenders/index.js'
import { type BenchDocument, sameDocument } from '../documents.js'
import type { DurabilityFinding } from '../durability.js'
import { watchEventLoop } from '../event-loop.js'
import { maximum, median, quantile } from '../statistics.js'

export interface Write {
  readonly key: string
  readonly document: BenchDocument
}

export interface WriteSlice {
  readonly opsPerSecond: number
  readonly latenciesMs: readonly number[]
  readonly closeMs: number
  readonly loopP99Ms: number
  readonly loopMaxMs: number
  /** The most distinct commits of a batch; undefined where the contender does not name them. */
  readonly commits: number | undefined
  /** Keys that did not hold their last acknowledged value afterwards. */
  readonly wrongKeys: number
}

export interface WriteRow {
  readonly name: string
  readonly durability: DurabilityFinding['durability']
  readonly durabilityProbed: boolean
  readonly ops: number
  /** Median of the rounds. */
  readonly opsPerSecond: number
  readonly roundsOpsPerSecond: readonly number[]
  readonly medianMs: number
  readonly p99Ms: number
  readonly loopP99Ms: number
  readonly loopMaxMs: number
  readonly closeMs: number
  readonly commitsPerBatch: number | undefined
  /** Of all rounds. */
  readonly wrongKeys: number
}

export interface WriteTable {
  readonly suite: 'set' | 'inflight-keys' | 'inflight-one-key'
  readonly documentBytes: number
  readonly rows: readonly WriteRow[]
}

async function writeBatch(
  session: Session,
  batch: readonly Write[],
  latenciesMs: number[],
): Promise<number> {
  const revisions = new Set<string>()
  const start = performance.now()
  await Promise.all(
    batch.map(async ({ key, document }) => {
      const revision = await session.set(key, document)
      latenciesMs.push(performance.now() - start)
      if (revision !== undefined) revisions.add(revision)
    }),
  )
  return revisions.size
}

async function countWrongKeys(
  session: Session,
  expected: ReadonlyMap<string, BenchDocument>,
): Promise<number> {
  let wrong = 0
  for (const [key, document] of expected) {
    const read = await session.get(key).catch(() => undefined)
    if (!sameDocument(read, document)) wrong += 1
  }
  return wrong
}

export async function measureWrites(
  contender: Contender,
  directory: string,
  batches: { readonly warmUp: readonly Write[][]; readonly measured: readonly Write[][] },
  sliceMs: number,
): Promise<WriteSlice> {
  const expected = new Map<string, BenchDocument>()
  const expect = (batch: readonly Write[]): void => {
    for (const { key, document } of batch) expected.set(key, document)
  }

  const session = await contender.open(directory)
  for (const batch of batches.warmUp) {
    await writeBatch(session, batch, [])
    expect(batch)
  }

  const latenciesMs: number[] = []
  const commits: number[] = []
  const endWatch = await watchEventLoop()
  const start = performance.now()
  for (const batch of batches.measured) {
    commits.push(await writeBatch(session, batch, latenciesMs))
    expect(batch)
    // A turn of the event loop, so that a blocking contender shows the delay of one write and not
    // that of the whole slice.
    await setImmediate()
    if (performance.now() - start > sliceMs) break
  }
  const elapsedMs = performance.now() - start
  const loop = await endWatch()

  const closing = performance.now()
  await session.close()
  const closeMs = performance.now() - closing

  const reopened = await contender.open(directory)
  const wrongKeys = await countWrongKeys(reopened, expected)
  await reopened.close()
  if (contender.own && wrongKeys > 0) throw new Error(`${wrongKeys} keys hold a wrong document`)

  return {
    opsPerSecond: (latenciesMs.length / elapsedMs) * 1000,
    latenciesMs,
    closeMs,
    loopP99Ms: loop.p99Ms,
    loopMaxMs: loop.maxMs,
    commits: maximum(commits) > 0 ? maximum(commits) : undefined,
    wrongKeys,
  }
}

function summarize(
  name: string,
  { durability, probed }: DurabilityFinding,
  slices: readonly WriteSlice[],
): WriteRow {
  const latencies = slices.flatMap((slice) => slice.latenciesMs)
  const rounds = slices.map((slice) => slice.opsPerSecond)
  const commits = slices.flatMap((slice) => slice.commits ?? [])
  return {
    name,
    durability,
    durabilityProbed: probed,
    ops: latencies.length,
    opsPerSecond: median(rounds),
    roundsOpsPerSecond: rounds,
    medianMs: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    loopP99Ms: median(slices.map((slice) => slice.loopP99Ms)),
    loopMaxMs: maximum(slices.map((slice) => slice.loopMaxMs)),
    closeMs: median(slices.map((slice) => slice.closeMs)),
    commitsPerBatch: commits.length === 0 ? undefined : maximum(commits),
    wrongKeys: slices.reduce((sum, slice) => sum + slice.wrongKeys, 0),
  }
}

export function summarizeAll(
  durability: ReadonlyMap<string, DurabilityFinding>,
  slices: ReadonlyMap<string, readonly WriteSlice[]>,
): WriteRow[] {
  return [...slices].flatMap(([name, measured]) => {
    const finding = durability.get(name)
    return finding === undefined ? [] : [summarize(name, finding, measured)]
  })
}
