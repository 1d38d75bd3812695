/** Serializers: how a document becomes readable bytes and back. */
export { type JsonOptions, jsonSerializer } from './json.js'
export {
  adoptableCopy,
  maxNestingDepth,
  metadataKey,
  storableCopy,
  toStorable,
} from './json-value.js'
export type { Serializer } from './serializer.js'
