import type { Random } from './statistics.js'

export interface BenchDocument {
  readonly id: string
  readonly sequence: number
  readonly status: string
  readonly updatedAt: string
  readonly attempts: number
  readonly tags: readonly string[]
  readonly text: string
}

const statuses = ['pending', 'running', 'waiting', 'done'] as const

function noise(length: number, random: Random): string {
  let text = ''
  while (text.length < length) text += random().toString(36).slice(2)
  return text.slice(0, length)
}

/** Makes documents of one size, no two alike, none of which compresses to another. */
export class DocumentSource {
  #sequence = 0
  readonly #bytes: number
  readonly #random: Random

  /** `bytes`: length of the compact JSON text. */
  constructor(bytes: number, random: Random) {
    this.#bytes = bytes
    this.#random = random
  }

  next(): BenchDocument {
    this.#sequence += 1
    const bare = {
      id: `document-${this.#sequence}`,
      sequence: this.#sequence,
      status: statuses[this.#sequence % statuses.length] ?? 'pending',
      updatedAt: new Date(Date.UTC(2025, 0, 1) + this.#sequence * 1000).toISOString(),
      attempts: this.#sequence % 7,
      tags: ['agent', 'bench'],
      text: '',
    }
    const room = Math.max(0, this.#bytes - JSON.stringify(bare).length)
    return { ...bare, text: noise(room, this.#random) }
  }

  take(count: number): BenchDocument[] {
    return Array.from({ length: count }, () => this.next())
  }
}

/** Whether what was read back is the document that was written. */
export const sameDocument = (read: unknown, written: BenchDocument): boolean =>
  JSON.stringify(read) === JSON.stringify(written)
