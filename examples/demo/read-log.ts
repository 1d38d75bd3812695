/** Reads a log as the lines of JSON that it is, without holdfast. See docs/FORMAT.md. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface LoggedRecord<T> {
  readonly id: string
  readonly type: string
  readonly data: T
}

export interface LoggedRecords<T> {
  readonly records: readonly LoggedRecord<T>[]
  /** Places of lines that are not whole. */
  readonly corrupt: readonly string[]
}

interface Manifest {
  readonly body: {
    readonly segments: readonly { readonly number: number; readonly bytes: number }[]
  }
}

export function readLog<T>(stateDirectory: string, name: string): LoggedRecords<T> {
  const records: LoggedRecord<T>[] = []
  const corrupt: string[] = []
  for (const { path, bytes } of filesOf(stateDirectory, name)) {
    const text = readFileSync(path).subarray(0, bytes).toString('utf8')
    for (const [index, line] of text.split('\n').entries()) {
      if (line === '') continue
      const record = parseLine<T>(line)
      if (record === undefined) corrupt.push(`${path}:${index + 1}`)
      else records.push(record)
    }
  }
  return { records, corrupt }
}

/** Closed segments, each up to where it was sealed, and the file that is appended to. */
function filesOf(
  stateDirectory: string,
  name: string,
): { readonly path: string; readonly bytes?: number }[] {
  const manifest = join(stateDirectory, '.holdfast/logs', `${name}.json`)
  const { segments } = existsSync(manifest)
    ? (JSON.parse(readFileSync(manifest, 'utf8')) as Manifest).body
    : { segments: [] }
  const active = join(stateDirectory, 'logs', `${name}.jsonl`)
  return [
    ...segments.map(({ number, bytes }) => {
      const file = `${String(number).padStart(6, '0')}.jsonl`
      return { path: join(stateDirectory, 'logs', name, file), bytes }
    }),
    ...(existsSync(active) ? [{ path: active }] : []),
  ]
}

/** `sum`, which stands last, is the CRC-32 of all before its comma. */
function parseLine<T>(line: string): LoggedRecord<T> | undefined {
  const [, body = '', sum] = /^(.*),"sum":"([0-9a-f]{8})"}$/.exec(line) ?? []
  if (sum === undefined || crc32(Buffer.from(body)) !== Number.parseInt(sum, 16)) return undefined
  return JSON.parse(line) as LoggedRecord<T>
}

/** CRC-32 as of IEEE 802.3. Node has it from 20.15 on only. */
function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  }
  return (value ^ 0xffffffff) >>> 0
}
