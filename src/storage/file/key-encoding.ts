/**
 * Reversible names for keys.
 *
 * A key is any string of 1 to 8192 UTF-16 units. Its file name must be legal and
 * unambiguous on every file system, also on those that fold case, normalise Unicode, reserve device
 * names or drop trailing dots. So:
 *
 * - `a-z 0-9 - _ . @ + = ,` stand for themselves, save a leading dot;
 * - an upper-case ASCII letter is `!` and its lower-case form, as in Go's module cache;
 * - everything else is `%` and two hexadecimal digits a UTF-8 byte. A lone surrogate, which UTF-8
 *   does not have, is encoded by the same rule as other code points (WTF-8), so it round-trips;
 * - a name whose stem is a Windows device (`con`, `nul`, `com1`, …) has its first letter escaped;
 * - a name longer than {@link maxNameLength} becomes `%%` and the SHA-256 of the key; the key itself
 *   then stands in the document's metadata.
 *
 * `%%` and `!` cannot begin anything else, so no two keys share a name.
 */
import { createHash } from 'node:crypto'
import { refuseUnusable } from '../refusals.js'

/** NAME_MAX is 255 bytes nearly everywhere; extensions and the marks of backups need room. */
const maxNameLength = 180

/** What a person named bears no mark of ours, only an extension. */
const maxHandMadeBytes = 245

const verbatim = /^[a-z0-9\-_.@+=,]+$/
const device = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/
const hashedName = /^%%[0-9a-f]{64}$/

const hex = (byte: number): string => byte.toString(16).padStart(2, '0')

function escapeCodePoint(code: number): string {
  const bytes =
    code < 0x80
      ? [code]
      : code < 0x800
        ? [0xc0 | (code >> 6), 0x80 | (code & 63)]
        : code < 0x10000
          ? [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)]
          : [
              0xf0 | (code >> 18),
              0x80 | ((code >> 12) & 63),
              0x80 | ((code >> 6) & 63),
              0x80 | (code & 63),
            ]
  return bytes.map((byte) => `%${hex(byte)}`).join('')
}

function escapeAll(key: string): string {
  let name = ''
  for (const character of key) {
    if (verbatim.test(character)) name += character
    else if (character >= 'A' && character <= 'Z') name += `!${character.toLowerCase()}`
    else name += escapeCodePoint(character.codePointAt(0) ?? 0)
  }
  return name
}

/** The file name (without extension) of a key or collection. Throws `STATE_INVALID_KEY`. */
export function encodeKey(
  key: string,
  what: 'key' | 'collection' | 'lease' | 'log' = 'key',
): string {
  refuseUnusable(what, key)
  let name = verbatim.test(key) ? key : escapeAll(key)
  const first = name[0] ?? ''
  if (first === '.' || device.test(name)) {
    name = escapeCodePoint(first.charCodeAt(0)) + name.slice(1)
  }
  if (name.length > maxNameLength) {
    return `%%${createHash('sha256').update(escapeAll(key)).digest('hex')}`
  }
  return name
}

/** Whether the name stands for a key too long to be spelled out. */
export const isHashedName = (name: string): boolean => hashedName.test(name)

function decodeBytes(bytes: readonly number[]): string | undefined {
  let text = ''
  for (let index = 0; index < bytes.length; ) {
    const lead = bytes[index] ?? 0
    const length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    if (length === 0 || index + length > bytes.length) return undefined
    let code = length === 1 ? lead : lead & (0xff >> (length + 1))
    for (let offset = 1; offset < length; offset++)
      code = (code << 6) | ((bytes[index + offset] ?? 0) & 63)
    if (code > 0x10ffff) return undefined
    text += String.fromCodePoint(code)
    index += length
  }
  return text
}

function unescapeName(name: string): string | undefined {
  let key = ''
  let pending: number[] = []
  const flush = (): boolean => {
    if (pending.length === 0) return true
    const text = decodeBytes(pending)
    pending = []
    if (text === undefined) return false
    key += text
    return true
  }
  for (let index = 0; index < name.length; index++) {
    const character = name[index] ?? ''
    if (character === '%') {
      const digits = name.slice(index + 1, index + 3)
      if (!/^[0-9a-f]{2}$/.test(digits)) return undefined
      pending.push(Number.parseInt(digits, 16))
      index += 2
      continue
    }
    if (!flush()) return undefined
    if (character === '!') {
      index += 1
      key += (name[index] ?? '').toUpperCase()
    } else {
      key += character
    }
  }
  return flush() ? key : undefined
}

/**
 * The key a file name stands for. A name that no key encodes to (a file made by hand, such as
 * `Notes 1`) stands for itself. Undefined for a hashed name: its key is in the file.
 */
export function decodeKey(name: string): string | undefined {
  if (isHashedName(name)) return undefined
  const key = unescapeName(name)
  if (key !== undefined && key !== '' && encodeKey(key) === name) return key
  return name
}

/**
 * The name a person would have given the file by hand, when it differs from the encoded one and is
 * safe to look for; else undefined.
 */
export function handMadeName(key: string): string | undefined {
  if (key === encodeKey(key)) return undefined
  if (key.startsWith('.') || /[/\\\0]/.test(key) || Buffer.byteLength(key) > maxHandMadeBytes) {
    return undefined
  }
  // Only a name that decodes to this very key, so that it cannot stand for two keys.
  return decodeKey(key) === key ? key : undefined
}
