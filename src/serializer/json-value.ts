import { StateStoreError } from '../errors/index.js'

/** Nesting deeper than this is refused: it is a mistake, and recursive readers overflow on it. */
export const maxNestingDepth = 512

/** The key under which a document's metadata stands; user values must not have it at the top. */
export const metadataKey = '$holdfast'

/** Where a value stands, from the outside in: names of members, places in arrays. */
type Trail = (string | number)[]

function refuse(trail: Readonly<Trail>, found: string, hint: string): never {
  const path = `$${trail.map(step).join('')}`
  throw new StateStoreError({
    code: 'STATE_INVALID_VALUE',
    message: `${found} at ${path} cannot be stored without changing it`,
    operation: 'encode',
    hint,
    details: { path, found },
  })
}

const isIdentifier = /^[A-Za-z_$][\w$]*$/

function step(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`
  return isIdentifier.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

function copy(value: unknown, trail: Trail, ancestors: object[], anyNumber: boolean): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (anyNumber) return value
      if (!Number.isFinite(value)) refuse(trail, String(value), 'JSON has finite numbers only.')
      return value === 0 ? 0 : value
    case 'object':
      break
    case 'bigint':
      return refuse(trail, 'a BigInt', 'Store it as a string: value.toString().')
    case 'undefined':
      return refuse(trail, 'undefined', 'Use null, or leave the property out.')
    default:
      return refuse(trail, `a ${typeof value}`, 'Only data can be stored.')
  }
  if (value === null) return null
  if (ancestors.length >= maxNestingDepth) {
    refuse(trail, 'nesting', `A document may be at most ${maxNestingDepth} levels deep.`)
  }
  if (ancestors.includes(value))
    refuse(trail, 'a cycle', 'Store a key instead of the object itself.')
  ancestors.push(value)
  const copied = Array.isArray(value)
    ? copyArray(value, trail, ancestors, anyNumber)
    : copyObject(value, trail, ancestors, anyNumber)
  ancestors.pop()
  return copied
}

function copyArray(
  value: unknown[],
  trail: Trail,
  ancestors: object[],
  anyNumber: boolean,
): unknown[] {
  const copied: unknown[] = []
  // By index, so that the holes of a sparse array are seen.
  for (let index = 0; index < value.length; index++) {
    trail.push(index)
    copied.push(copy(value[index], trail, ancestors, anyNumber))
    trail.pop()
  }
  return copied
}

function copyObject(value: object, trail: Trail, ancestors: object[], anyNumber: boolean): object {
  refuseInstances(value, trail)
  const record = value as Record<string, unknown>
  const copied: Record<string, unknown> = {}
  for (const key of Object.keys(record)) {
    const member = record[key]
    // An undefined property reads back as an absent one, which `value.key` cannot tell apart.
    if (member === undefined) continue
    trail.push(key)
    const stored = copy(member, trail, ancestors, anyNumber)
    trail.pop()
    if (key === '__proto__') Object.defineProperty(copied, key, { ...ownData, value: stored })
    else copied[key] = stored
  }
  if (Object.getOwnPropertySymbols(value).length > 0)
    refuse(trail, 'a symbol key', 'Use string keys.')
  return copied
}

const ownData = { configurable: true, enumerable: true, writable: true }

function refuseInstances(value: object, trail: Trail): void {
  const prototype = Object.getPrototypeOf(value) as object | null
  if (prototype === null || prototype === Object.prototype) return
  // Objects of another realm (vm, worker) are plain when their prototype is the root of its chain.
  const isRoot =
    Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
  if (isRoot) return
  const name = (value as { constructor?: { name?: string } }).constructor?.name || 'class instance'
  refuse(trail, `a ${name}`, hintFor(name))
}

function hintFor(name: string): string {
  switch (name) {
    case 'Date':
      return 'Store value.toISOString() or value.getTime(), or convert it in the schema.'
    case 'Map':
      return 'Store Object.fromEntries(map) or [...map].'
    case 'Set':
      return 'Store [...set].'
    case 'Uint8Array':
    case 'Buffer':
    case 'ArrayBuffer':
      return "Store Buffer.from(bytes).toString('base64')."
    default:
      return 'Store a plain object: { ...instance }.'
  }
}

/** As {@link toStorable}, but for the reserved key. */
export const storableCopy = (value: unknown): unknown => copy(value, [], [], false)

/**
 * The same of what somebody wrote by hand. Numbers are taken as they are read, also those beyond all bounds:
 * whoever writes the document again must decide what they are to be.
 */
export const adoptableCopy = (value: unknown): unknown => copy(value, [], [], true)

/**
 * A copy of `value` as it will read back. Accepted are null, booleans, finite numbers, strings, arrays
 * and plain objects of these, at most {@link maxNestingDepth} levels deep, without cycles, and without
 * a top-level `$holdfast`. Properties that are undefined count as absent; -0 reads back as 0.
 *
 * Throws `STATE_INVALID_VALUE` naming the path (`$.items[3].when`); nothing is written. Linear in
 * the size of the value.
 */
export function toStorable(value: unknown): unknown {
  const copied = storableCopy(value)
  if (
    typeof copied === 'object' &&
    copied !== null &&
    !Array.isArray(copied) &&
    Object.hasOwn(copied, metadataKey)
  ) {
    refuse([metadataKey], 'the reserved key', 'Rename the property.')
  }
  return copied
}
