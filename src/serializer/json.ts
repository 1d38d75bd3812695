import { metadataKey } from './json-value.js'
import type { Serializer } from './serializer.js'

export interface JsonOptions {
  /** Sort object keys, so that equal values give equal files. Default: false, the order they came in. */
  readonly sortKeys?: boolean
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const record = value as Record<string, unknown>
  const keys = Object.keys(record).sort()
  return Object.fromEntries(keys.map((key) => [key, sorted(record[key])]))
}

/** Sorted, save that a document's metadata stays last and in its own order. */
function sortedDocument(document: unknown): unknown {
  const result = sorted(document)
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return result
  if (!Object.hasOwn(document, metadataKey)) return result
  const { [metadataKey]: _, ...rest } = result as Record<string, unknown>
  return { ...rest, [metadataKey]: (document as Record<string, unknown>)[metadataKey] }
}

/** JSON, indented by two spaces: the default. */
export function jsonSerializer(options: JsonOptions = {}): Serializer {
  const sortKeys = options.sortKeys ?? false
  return {
    name: 'json',
    extension: 'json',
    encode: (value) => `${JSON.stringify(sortKeys ? sortedDocument(value) : value, null, 2)}\n`,
    decode: (text) => JSON.parse(text),
  }
}
