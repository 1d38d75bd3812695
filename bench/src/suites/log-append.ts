/**
 * Appending events: batches of a width (1: one at a time), each waited for before the next. After a
 * slice the contender is opened again, and every acknowledged event must stand there, in its order.
 */
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { watchEventLoop } from '../event-loop.js'
import { interleave } from '../interleave.js'
import type { AppendContender, AppendSession, Survival } from '../logs/append-contender.js'
import { appendContenders } from '../logs/append-contenders.js'
import { type BenchEvent, EventSource } from '../logs/events.js'
import type { RunContext } from '../run-context.js'
import { runWorker } from '../run-worker.js'
import { maximum, median, quantile } from '../statistics.js'

export interface AppendRow {
  readonly name: string
  readonly survival: Survival
  /** False for native modules: what their settings promise. */
  readonly survivalProbed: boolean
  readonly events: number
  /** Median of the rounds. */
  readonly opsPerSecond: number
  readonly roundsOpsPerSecond: readonly number[]
  /** From the start of a batch until all of it is acknowledged. */
  readonly medianMs: number
  readonly p99Ms: number
  readonly loopP99Ms: number
  readonly loopMaxMs: number
  /** Whether in every round all acknowledged events, and no others, stood there in their order. */
  readonly isWhole: boolean
}

export interface AppendTable {
  readonly suite: 'log-append'
  /** What acknowledged events are to survive. */
  readonly wanted: 'power cut' | 'kill -9'
  readonly width: number
  readonly rows: readonly AppendRow[]
}

interface AppendSlice {
  readonly events: number
  readonly opsPerSecond: number
  readonly batchesMs: readonly number[]
  readonly loopP99Ms: number
  readonly loopMaxMs: number
  readonly isWhole: boolean
}

async function appendBatch(session: AppendSession, batch: readonly BenchEvent[]): Promise<void> {
  const waiting: Promise<unknown>[] = []
  for (const event of batch) {
    const acknowledged = session.append(event)
    if (acknowledged !== undefined) waiting.push(acknowledged)
  }
  if (waiting.length === 1) await waiting[0]
  else if (waiting.length > 1) await Promise.all(waiting)
}

async function measure(
  contender: AppendContender,
  directory: string,
  batches: { readonly warmUp: readonly BenchEvent[][]; readonly measured: readonly BenchEvent[][] },
  sliceMs: number,
): Promise<AppendSlice> {
  const session = await contender.open(directory)
  for (const batch of batches.warmUp) {
    await appendBatch(session, batch)
    await setImmediate()
  }
  const batchesMs: number[] = []
  let events = 0
  const endWatch = await watchEventLoop()
  const start = performance.now()
  for (const batch of batches.measured) {
    const began = performance.now()
    await appendBatch(session, batch)
    batchesMs.push(performance.now() - began)
    events += batch.length
    // A turn of the event loop, in which a blocking contender shows its delay.
    await setImmediate()
    if (performance.now() - start > sliceMs) break
  }
  const elapsedMs = performance.now() - start
  const loop = await endWatch()
  await session.close()

  const found = await contender.read(directory)
  const appended = [...batches.warmUp, ...batches.measured.slice(0, batchesMs.length)].flat()
  const isWhole =
    found.length === appended.length &&
    appended.every(({ data }, index) => data.sequence === found[index])
  if (contender.own && !isWhole) {
    throw new Error(`of ${appended.length} events ${found.length} were found, or in another order`)
  }
  return {
    events,
    opsPerSecond: (events / elapsedMs) * 1000,
    batchesMs,
    loopP99Ms: loop.p99Ms,
    loopMaxMs: loop.maxMs,
    isWhole,
  }
}

function summarize(
  { name, isNative }: AppendContender,
  survival: Survival,
  slices: readonly AppendSlice[],
): AppendRow {
  const batchesMs = slices.flatMap((slice) => slice.batchesMs)
  const rounds = slices.map((slice) => slice.opsPerSecond)
  return {
    name,
    survival,
    survivalProbed: isNative !== true,
    events: slices.reduce((sum, slice) => sum + slice.events, 0),
    opsPerSecond: median(rounds),
    roundsOpsPerSecond: rounds,
    medianMs: quantile(batchesMs, 0.5),
    p99Ms: quantile(batchesMs, 0.99),
    loopP99Ms: median(slices.map((slice) => slice.loopP99Ms)),
    loopMaxMs: maximum(slices.map((slice) => slice.loopMaxMs)),
    isWhole: slices.every((slice) => slice.isWhole),
  }
}

export interface AppendPlan {
  readonly wanted: AppendTable['wanted']
  readonly width: number
  readonly warmUp: number
  readonly batches: number
}

/** Durable contenders are measured where a power cut is to be survived, all others elsewhere. */
export async function runLogAppendSuite(
  context: RunContext,
  { wanted, width, warmUp, batches }: AppendPlan,
): Promise<AppendTable> {
  const { options, random, problems } = context
  const contenders = appendContenders.filter(
    ({ isUnordered, survival }) =>
      (survival === 'power cut') === (wanted === 'power cut') && (width === 1 || !isUnordered),
  )
  const survivals = new Map<string, Survival>()
  for (const { name, survival, isNative, own } of contenders) {
    context.progress(`log, what is survived: ${name}`)
    const place = join(context.directory, `survival-${wanted[0]}${width}-${survivals.size}`)
    const found = isNative ? survival : await runWorker<Survival>('append-worker', [name, place])
    if (own && found !== survival) throw new Error(`${name}: survives ${found}, not ${survival}`)
    survivals.set(name, found)
  }
  const source = new EventSource(random)
  const take = (count: number): BenchEvent[][] =>
    Array.from({ length: count }, () => source.take(width))
  const slices = await interleave(
    contenders,
    options.log.rounds,
    random,
    problems,
    (contender, round) => {
      context.progress(`log, append, ${width} in flight, round ${round + 1}: ${contender.name}`)
      const number = appendContenders.indexOf(contender)
      const place = join(context.directory, `append-${width}-${number}-${round}`)
      const measured = { warmUp: take(warmUp), measured: take(batches) }
      return measure(contender, place, measured, options.log.sliceMs)
    },
  )
  return {
    suite: 'log-append',
    wanted,
    width,
    rows: contenders.flatMap((contender) => {
      const measured = slices.get(contender.name)
      const survival = survivals.get(contender.name) ?? 'nothing'
      return measured === undefined ? [] : [summarize(contender, survival, measured)]
    }),
  }
}
