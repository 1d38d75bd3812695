/** The YAML serializer, an entry of its own so that the core does not load a YAML library. */
import { parse, stringify } from 'yaml'
import type { Serializer } from '../serializer.js'

/**
 * YAML 1.2, core schema: the documents of a collection become `<key>.yaml`. Comments are lost when
 * holdfast rewrites a file. Aliases are bounded, so a small file cannot expand into a huge value.
 */
export function yamlSerializer(): Serializer {
  return {
    name: 'yaml',
    extension: 'yaml',
    encode: (value) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }),
    decode: (text) => {
      const value: unknown = parse(text, { maxAliasCount: 100, stringKeys: true })
      // An empty file reads as null in YAML; in a store it is what a torn write leaves behind.
      if (value === null && text.trim() === '') throw new SyntaxError('The file is empty')
      return value
    },
  }
}
