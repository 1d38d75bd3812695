/** The YAML serializer, an entry of its own so that the core does not load a YAML library. */
import { type CST, Lexer, Parser, parse, stringify } from 'yaml'
import { maxNestingDepth } from '../json-value.js'
import type { Serializer } from '../serializer.js'

/** A document and the envelope around it. */
const maxParsedDepth = maxNestingDepth + 2

function* childrenOf(token: CST.Token): Iterable<CST.Token> {
  if (token.type === 'document' && token.value !== undefined) yield token.value
  if (!('items' in token)) return
  for (const item of token.items) {
    if (item.key) yield item.key
    if (item.value) yield item.value
  }
}

/**
 * Making tokens takes time that grows with the square of the depth. Brackets within each other, and dashes
 * on one line, are seen before.
 */
function refuseManyBrackets(text: string): void {
  let depth = 0
  let dashes = 0
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') depth += 1
    else if (token === ']' || token === '}') depth -= 1
    else if (token === '-' || token === '?') dashes += 1
    else if (token === '\n' || token === '\r\n') dashes = 0
    if (Math.max(depth, dashes) > maxParsedDepth) throw new SyntaxError('It is nested too deeply')
  }
}

/**
 * The library composes values recursively, and a stack that runs out in one of its regular
 * expressions ends the process, which nobody can catch. Its tokens are made without recursion.
 */
function refuseDeepNesting(text: string): void {
  refuseManyBrackets(text)
  let level: CST.Token[] = [...new Parser().parse(text)]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxParsedDepth) throw new SyntaxError('It is nested too deeply')
    level = level.flatMap((token) => [...childrenOf(token)])
  }
}

const written = { lineWidth: 0, aliasDuplicateObjects: false } as const
const quoted = { defaultKeyType: 'QUOTE_DOUBLE', defaultStringType: 'QUOTE_DOUBLE' } as const
/** Warnings would go to the console. */
const read = { maxAliasCount: 100, stringKeys: true, logLevel: 'error' } as const

/**
 * YAML 1.2, core schema: the documents of a collection become `<key>.yaml`. Comments are lost when
 * holdfast rewrites a file. Aliases are bounded, so a small file cannot expand into a huge value.
 */
export function yamlSerializer(): Serializer {
  return {
    name: 'yaml',
    extension: 'yaml',
    heading: '# a document of holdfast\n',
    encode: (value) => {
      const text = stringify(value, written)
      // Unquoted at the beginning of a line, a byte order mark is passed over.
      return text.includes('\ufeff') ? stringify(value, { ...written, ...quoted }) : text
    },
    decode: (text) => {
      // No text has it; zeros are what is left where a disk lost what was written.
      if (text.includes('\0')) throw new SyntaxError('It holds a NUL character')
      refuseDeepNesting(text)
      const value: unknown = parse(text, read)
      // An empty file reads as null in YAML; in a store it is what a torn write leaves behind.
      if (value === null && text.trim() === '') throw new SyntaxError('The file is empty')
      return value
    },
  }
}
