/**
 * Ways to spoil the bytes of a file: as hardware does, as a careless editor does, and as somebody does who
 * knows the format. Each takes what chance it needs from `random`, so that a row of them can be had again.
 */
import { hostileNumbers, hostileTexts, yamlTricks } from './hostile-texts.js'

export type Random = () => number

export type Mutation = (bytes: Buffer, random: Random) => Buffer

export const below = (limit: number, random: Random): number => Math.floor(random() * limit)

export function pick<T>(from: readonly T[], random: Random): T {
  const picked = from[below(from.length, random)]
  if (picked === undefined) throw new Error('There is nothing to pick from')
  return picked
}

function rangeIn(bytes: Buffer, random: Random): [start: number, end: number] {
  const start = below(bytes.length + 1, random)
  const longest = random() < 0.7 ? 16 : bytes.length
  return [start, Math.min(bytes.length, start + 1 + below(longest, random))]
}

const insert = (bytes: Buffer, at: number, what: Uint8Array, drop = 0): Buffer =>
  Buffer.concat([bytes.subarray(0, at), what, bytes.subarray(at + drop)])

const flip: Mutation = (bytes, random) => {
  const copy = Buffer.from(bytes)
  const at = below(copy.length, random)
  if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << below(8, random))
  return copy
}

const cut: Mutation = (bytes, random) => bytes.subarray(0, below(bytes.length + 1, random))

const remove: Mutation = (bytes, random) => {
  const [start, end] = rangeIn(bytes, random)
  return insert(bytes, start, Buffer.alloc(0), end - start)
}

const repeat: Mutation = (bytes, random) => {
  const [start, end] = rangeIn(bytes, random)
  return insert(bytes, below(bytes.length + 1, random), bytes.subarray(start, end))
}

const fill: Mutation = (bytes, random) => {
  const [start, end] = rangeIn(bytes, random)
  return Buffer.from(bytes).fill(pick([0, 0, 0xff, 0x20, 0x0a], random), start, end)
}

const garbage: Mutation = (bytes, random) => {
  const length = 1 + below(24, random)
  const made = Buffer.from(Array.from({ length }, () => below(256, random)))
  return insert(bytes, below(bytes.length + 1, random), made, random() < 0.5 ? length : 0)
}

/** Marks, ends and halves of characters that have a meaning to some reader of text. */
const oddBytes = [
  Buffer.from('\ufeff'),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xc3]),
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xf8, 0x88, 0x80, 0x80, 0x80]),
  Buffer.from('\\ud800'),
  Buffer.from('\\u0000'),
  Buffer.from('\0'),
  Buffer.from('\u2028'),
  Buffer.from('\r'),
]

const oddCharacter: Mutation = (bytes, random) =>
  insert(bytes, random() < 0.3 ? 0 : below(bytes.length + 1, random), pick(oddBytes, random))

const onText =
  (change: (text: string, random: Random) => string): Mutation =>
  (bytes, random) =>
    Buffer.from(change(bytes.toString('utf8'), random))

const carriageReturns = onText((text) => text.replaceAll('\n', '\r\n'))

/** Strings, numbers and words of JSON, and much of YAML. */
const tokens = /"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\b(?:true|false|null)\b/g

function tokensOf(text: string): { readonly at: number; readonly token: string }[] {
  return [...text.matchAll(tokens)].map((found) => ({ at: found.index, token: found[0] }))
}

const replaceToken =
  (replacements: readonly string[]) =>
  (text: string, random: Random): string => {
    const found = tokensOf(text)
    if (found.length === 0) return text
    const { at, token } = pick(found, random)
    return text.slice(0, at) + pick(replacements, random) + text.slice(at + token.length)
  }

const number = onText(replaceToken(hostileNumbers))
const otherType = onText(replaceToken(['null', 'true', '[]', '{}', '""', '"x"', '0', '[[[]]]']))
const otherText = onText(replaceToken(hostileTexts.map((text) => JSON.stringify(text))))

const swap = onText((text, random) => {
  const found = tokensOf(text)
  if (found.length < 2) return text
  const [first, second] = [pick(found, random), pick(found, random)].sort((a, b) => a.at - b.at)
  if (first === undefined || second === undefined || first === second) return text
  const between = text.slice(first.at + first.token.length, second.at)
  const rest = text.slice(second.at + second.token.length)
  return text.slice(0, first.at) + second.token + between + first.token + rest
})

const magicMembers = ['__proto__', 'constructor', 'prototype'].flatMap((name) => [
  `"${name}":{"polluted":true},`,
  `"${name}":{"${name}":{"polluted":true}},`,
  `"${name}":null,`,
])

const member = onText((text, random) => {
  const places = [...text.matchAll(/\{/g)].map(({ index }) => index + 1)
  if (places.length === 0) return text
  const at = pick(places, random)
  const doubled = /"[^"\n]*"\s*:\s*(?:"[^"\n]*"|[\w.-]+)/.exec(text.slice(at))?.[0]
  const added = random() < 0.3 && doubled !== undefined ? `${doubled},` : pick(magicMembers, random)
  return text.slice(0, at) + added + text.slice(at)
})

const depths = [100, 513, 600, 5000, 100_000]

const nest = onText((text, random) => {
  const found = tokensOf(text)
  const depth = pick(depths, random)
  const [open, close] = pick(
    [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const,
    random,
  )
  const { at, token } = found.length === 0 ? { at: 0, token: text } : pick(found, random)
  const nested = open.repeat(depth) + token + close.repeat(random() < 0.8 ? depth : 0)
  return text.slice(0, at) + nested + text.slice(at + token.length)
})

const trick = onText((text, random) => {
  const made = pick(yamlTricks, random)
  const lines = text.split('\n')
  const at = below(lines.length + 1, random)
  return [...lines.slice(0, at), made, ...lines.slice(at)].join('\n')
})

const whole: Mutation = (_, random) => Buffer.from(pick(hostileTexts, random))

const byHardware: readonly Mutation[] = [flip, flip, cut, remove, repeat, fill, garbage]
const byEditors: readonly Mutation[] = [oddCharacter, carriageReturns, repeat, remove]
const byExperts: readonly Mutation[] = [
  number,
  number,
  otherType,
  otherType,
  otherText,
  swap,
  member,
  member,
]
const rare: readonly Mutation[] = [nest, whole, trick]

/** One to three of them. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  let spoilt = bytes
  const times = random() < 0.7 ? 1 : 1 + below(3, random)
  for (let time = 0; time < times; time++) {
    const chance = random()
    const kind =
      chance < 0.35 ? byHardware : chance < 0.5 ? byEditors : chance < 0.92 ? byExperts : rare
    spoilt = pick(kind, random)(spoilt, random)
  }
  return spoilt
}

/** A file of about so many bytes that repeats one thing over and over. */
export function oversized(bytes: Buffer, size: number, random: Random): Buffer {
  const lines = bytes.toString('utf8').split('\n')
  const piece = pick(
    [
      Buffer.from('x\n'),
      Buffer.from('\n'),
      Buffer.from('\0'),
      Buffer.from('{"id":"'),
      Buffer.from('{"id":"1.1","at":"2026-01-01T00:00:00.000Z"'),
      Buffer.from(',"sum":"00000000"}'),
      Buffer.from('{"id":"x","sum":"00000000"},'),
      Buffer.from('"$holdfast":'),
      Buffer.from('9'),
      Buffer.from('{}\n'),
      Buffer.from(`${pick(lines, random)}\n`),
      bytes,
    ],
    random,
  )
  const filling = Buffer.alloc(size, piece.length === 0 ? 'x' : piece)
  return random() < 0.5 ? filling : insert(bytes, below(bytes.length + 1, random), filling)
}
