/** What may be shown of a file that was spoilt. Told without the code that is under test, as far as that goes. */
import { isDeepStrictEqual } from 'node:util'

const metadataKey = '$holdfast'
const traces = [metadataKey, 'revision', 'savedAt', 'checksum', 'sha256:']

/** Whether a text still shows that holdfast wrote it: then it does not pass for one made by hand. */
export const isRecognisable = (text: string): boolean =>
  traces.filter((trace) => text.includes(trace)).length >= 3

/** Whether a value is one that a store may show. */
export function isStorable(value: unknown, depth = 0, seen: readonly unknown[] = []): boolean {
  // What somebody wrote by hand is taken as it is read, also numbers beyond all bounds.
  if (typeof value !== 'object') return ['string', 'boolean', 'number'].includes(typeof value)
  if (value === null) return true
  if (depth >= 512 || seen.includes(value)) return false
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  if (!isPlain) return false
  return Object.values(value).every((each) => isStorable(each, depth + 1, [...seen, value]))
}

/** The values that an edited text honestly says, given how its format reads it. */
export function saysHonestly(decode: (text: string) => unknown, text: string): unknown[] {
  let whole: unknown
  try {
    whole = decode(text.replace(/^\ufeff/, ''))
  } catch {
    return []
  }
  const said = [whole]
  if (typeof whole === 'object' && whole !== null && Object.hasOwn(whole, metadataKey)) {
    const { [metadataKey]: facts, ...rest } = whole as Record<string, unknown>
    said.push(rest)
    const isEnvelope = (facts as { envelope?: unknown } | null)?.envelope === true
    if (isEnvelope) said.push((whole as { value?: unknown }).value)
  }
  return said.filter((each) => isStorable(each))
}

export const isAmong = (value: unknown, allowed: readonly unknown[]): boolean =>
  allowed.some((each) => isDeepStrictEqual(each, value))

const ownNames = (): string =>
  [Object.prototype, Array.prototype, Function.prototype, String.prototype]
    .map((prototype) => Object.getOwnPropertyNames(prototype).join())
    .join(';')
const cleanNames = ownNames()

/** Undefined unless something was put where every object has it. */
export const pollution = (): string | undefined =>
  ownNames() === cleanNames && !('polluted' in {}) ? undefined : 'a prototype was polluted'
