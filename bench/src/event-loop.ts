import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LoopDelay {
  readonly p99Ms: number
  readonly maxMs: number
}

const resolutionMs = 1
// The histogram's timer has to tick before the first work and after the last, or the delay at
// either end is not seen.
const settleMs = 3

/** Starts to watch the event loop; the returned function ends it. */
export async function watchEventLoop(): Promise<() => Promise<LoopDelay>> {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  await sleep(settleMs)
  // What is recorded is the time between two ticks, their interval included.
  const delay = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolutionMs)
  return async () => {
    await sleep(settleMs)
    histogram.disable()
    return { p99Ms: delay(histogram.percentile(99)), maxMs: delay(histogram.max) }
  }
}
