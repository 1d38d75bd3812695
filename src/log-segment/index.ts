/** Segments of a log as JSONL: lines with checksums, read in either direction, indexed by time. */
export { crc32, portableCrc32 } from './checksum.js'
export { chunksBackward, chunksForward, type LineChunk } from './line-chunks.js'
export type { LineRecord } from './line-record.js'
export { peekLine } from './plain-line.js'
export {
  type DamagedSpan,
  decodeLine,
  encodeContent,
  encodeLine,
  type RecordContent,
  salvageLine,
} from './record-line.js'
export { type IndexBlock, SegmentIndex } from './segment-index.js'
