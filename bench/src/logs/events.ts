import type { Random } from '../statistics.js'

/** As JSON lines of every contender they come to some 200 bytes. */
export interface BenchEvent {
  readonly type: string
  readonly agent: string
  readonly data: {
    readonly sequence: number
    readonly channel: string
    readonly ok: boolean
    readonly ms: number
    readonly text: string
  }
}

const types = ['posted', 'replied', 'failed', 'skipped'] as const
const channels = ['general', 'support', 'ops'] as const

/** Makes events, numbered from 1, no two alike. */
export class EventSource {
  #sequence = 0
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  next(): BenchEvent {
    this.#sequence += 1
    const sequence = this.#sequence
    return {
      type: types[sequence % types.length] ?? 'posted',
      agent: `agent-${sequence % 5}`,
      data: {
        sequence,
        channel: channels[sequence % channels.length] ?? 'general',
        ok: sequence % 9 !== 0,
        ms: sequence % 1000,
        text: `${this.#random().toString(36).slice(2, 12)} ${this.#random().toString(36).slice(2, 12)}`,
      },
    }
  }

  take(count: number): BenchEvent[] {
    return Array.from({ length: count }, () => this.next())
  }
}
