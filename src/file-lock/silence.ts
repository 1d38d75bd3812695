import type { GenerationRecord } from './generation-directory.js'
import type { ProcessTable } from './process-identity.js'

/**
 * Judges whether a holder is gone: by its silence, measured with the observer's own monotonic clock
 * from when the file last *changed* before the observer's eyes. Wall-clock times in files and modification
 * times are never used: clocks jump. Evidence that the process is dead shortens the wait to nothing.
 * A wrong verdict costs the holder a retry, never anybody's data: see *Revocation* in docs/DURABILITY.md.
 */
export class SilenceObserver {
  readonly #seen = new Map<number, { content: string; sinceMs: number }>()

  constructor(
    readonly processes: ProcessTable,
    readonly monotonicMs: () => number,
  ) {}

  /** Why the holder may be superseded, or undefined while it may not. */
  verdict(record: GenerationRecord, defaultTtlMs: number): string | undefined {
    if (this.processes.liveness(record.owner) === 'dead') {
      return `process ${record.owner.pid} no longer exists`
    }
    // Files are linked whole: this is what a power cut leaves. It is not free all the same, for it may be
    // damage to the file of one who lives, who must lose the power to write before another has it.
    if (/^\0*$/.test(record.content)) return 'its file is empty'
    const now = this.monotonicMs()
    const seen = this.#seen.get(record.generation)
    if (seen === undefined || seen.content !== record.content) {
      this.#seen.set(record.generation, { content: record.content, sinceMs: now })
      return undefined
    }
    const silentMs = now - seen.sinceMs
    const ttlMs = record.owner.ttlMs ?? defaultTtlMs
    return silentMs >= ttlMs ? `silent for ${Math.round(silentMs)} ms` : undefined
  }

  /** Forgets what was seen; called once the wait is over. */
  reset(): void {
    this.#seen.clear()
  }
}
