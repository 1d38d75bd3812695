/**
 * Of a commit of several records that is being written, all are shown or none. It stands at the end of
 * the active file, and may be longer than what is read of that at a time.
 */
import type { LineRecord } from '../../log-segment/index.js'
import type { LogDamage } from '../log.js'

/** What stands in some lines of a file, in its order. */
export interface DecodedLines {
  readonly found: LineRecord[]
  readonly damage: LogDamage[]
  /** The last of them is damaged: of a commit that stands before that, what is left is shown. */
  readonly endsDamaged: boolean
}

const isOpen = (records: readonly LineRecord[]): boolean => records.at(-1)?.isContinued === true

/** Reading forward: holds a commit back until its end has been read. */
export class HeldGroup {
  #held: LineRecord[] = []

  /** What can be shown of lines that follow those before; `isEnd` when they are the last of the file. */
  whole({ found, endsDamaged }: DecodedLines, isEnd: boolean): readonly LineRecord[] {
    const records = this.#held.length === 0 ? found : [...this.#held, ...found]
    this.#held = []
    if (isEnd && endsDamaged) return records
    let end = records.length
    while (end > 0 && records[end - 1]?.isContinued === true) end -= 1
    if (!isEnd) this.#held = records.slice(end)
    return records.slice(0, end)
  }

  /** What was held back when reading ended before the end of the file. */
  rest(): readonly LineRecord[] {
    return this.#held
  }
}

/** Reading backward: leaves out a commit whose end is missing, up to where it begins. */
export class CutGroup {
  #state: 'end' | 'cutting' | 'settled' = 'settled'

  whole({ found, endsDamaged }: DecodedLines, isEnd: boolean): readonly LineRecord[] {
    if (isEnd) this.#state = 'end'
    if (this.#state === 'end' && endsDamaged) this.#state = 'settled'
    if (this.#state === 'settled') return found
    while (isOpen(found)) {
      this.#state = 'cutting'
      found.pop()
    }
    if (found.length > 0) this.#state = 'settled'
    return found
  }

  rest(): readonly LineRecord[] {
    return []
  }
}
