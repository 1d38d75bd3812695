/** Serializers: how a document becomes readable bytes and back. */
export { type JsonOptions, jsonSerializer } from './json.js'
export { maxNestingDepth, metadataKey, toStorable } from './json-value.js'
export type { Serializer } from './serializer.js'
