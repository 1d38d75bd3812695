/**
 * A sparse index of a segment: for every 64 KiB or so of whole lines, the least and the greatest time
 * and the first id in them. Least and greatest, because a clock may be set back. Derived: it can be lost.
 */
import type { LineChunk } from './line-chunks.js'
import { peekLine } from './plain-line.js'
import { salvageLine } from './record-line.js'

const blockBytes = 64 * 1024

export interface IndexBlock {
  /** Where its first line begins. */
  readonly offset: number
  /** Milliseconds since the epoch; undefined when no line has a time. */
  from: number | undefined
  to: number | undefined
  /** The greatest id in it. */
  lastId: string | undefined
  lines: number
}

export class SegmentIndex {
  readonly blocks: IndexBlock[] = []
  /** How far the segment has been indexed; a line begins here. */
  end = 0

  /** Takes in the next chunk, which begins at `end`. A last line without a newline is left for later. */
  add({ bytes, offset }: LineChunk): void {
    for (let start = 0; start < bytes.length; ) {
      const lineEnd = bytes.indexOf(10, start)
      if (lineEnd < 0) return
      this.#addLine(bytes, start, lineEnd, offset + start)
      start = lineEnd + 1
      this.end = offset + start
    }
  }

  #addLine(bytes: Buffer, start: number, end: number, offset: number): void {
    let block = this.blocks.at(-1)
    if (block === undefined || offset - block.offset >= blockBytes) {
      block = { offset, from: undefined, to: undefined, lastId: undefined, lines: 0 }
      this.blocks.push(block)
    }
    block.lines += 1
    const seen = peekLine(bytes, start, end)
    if (seen !== undefined) {
      widen(block, seen.at)
      block.lastId = seen.id
      return
    }
    for (const { at, id, origin } of salvageLine(bytes, start, end).records) {
      widen(block, at)
      if (origin === 'store') block.lastId = id
    }
  }
}

function widen(block: IndexBlock, at: number): void {
  block.from = Math.min(block.from ?? at, at)
  block.to = Math.max(block.to ?? at, at)
}
