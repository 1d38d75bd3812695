import * as zlib from 'node:zlib'

const table = new Uint32Array(256).map((_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

/** For the first versions of Node 20, whose zlib does not have it (added in 20.15). */
export function portableCrc32(data: string | Uint8Array): number {
  let value = 0xffffffff
  for (const byte of typeof data === 'string' ? Buffer.from(data) : data) {
    value = (value >>> 8) ^ (table[(value ^ byte) & 255] as number)
  }
  return (value ^ 0xffffffff) >>> 0
}

/** CRC-32 (IEEE 802.3): finds every change within 32 bits in a row, and others but for one in 2^32. */
export const crc32: (data: string | Uint8Array) => number =
  (zlib as { crc32?: (data: string | Uint8Array) => number }).crc32 ?? portableCrc32
