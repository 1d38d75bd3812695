/**
 * A sparse index of a segment: for every 64 KiB or so of whole lines, the least and the greatest time
 * and the first id in them. Least and greatest, because a clock may be set back. Derived: it can be lost.
 */
import type { LineChunk } from './line-chunks.js'
import { headBytes, peekLine } from './plain-line.js'
import { salvageLine } from './record-line.js'

const blockBytes = 64 * 1024

export interface IndexBlock {
  /** Where its first line begins. */
  readonly offset: number
  /** Milliseconds since the epoch; undefined when no line has a time. */
  from: number | undefined
  to: number | undefined
  /** No id in it is greater. */
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
    // What a damaged line says of itself widens the block, and so hides nothing.
    const seen = peekLine(bytes, start, end)
    if (seen !== undefined && !holdsOther(bytes, start, end)) widen(block, seen.at, seen.id)
    else {
      for (const { at, id } of salvageLine(bytes, start, end).records) widen(block, at, id)
    }
  }
}

/** Whether another record may begin within the line, as when a line break was lost. */
function holdsOther(bytes: Buffer, start: number, end: number): boolean {
  // Within the line alone: where no other record follows, the rest would be looked through for each line.
  return bytes.subarray(start + 1, end).includes(headBytes)
}

function widen(block: IndexBlock, at: number, id: string): void {
  block.from = Math.min(block.from ?? at, at)
  block.to = Math.max(block.to ?? at, at)
  if (block.lastId === undefined || isAbove(id, block.lastId)) block.lastId = id
}

/** Whether an id, two whole numbers and a dot, comes after another. */
function isAbove(id: string, other: string): boolean {
  const dot = id.indexOf('.')
  const otherDot = other.indexOf('.')
  const rise = Number(id.slice(0, dot)) - Number(other.slice(0, otherDot))
  return rise > 0 || (rise === 0 && Number(id.slice(dot + 1)) > Number(other.slice(otherDot + 1)))
}
