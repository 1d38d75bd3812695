/** Values for documents and events: those that come back as JSON has them, and those that are refused. */
import fc from 'fast-check'

const names = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'n') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('__proto__', 'constructor', 'prototype', 'toJSON', 'then', '', '0'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('value', 'revision', 'checksum', 'id', 'at', 'sum', '<<'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
)

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '\ud800',
    '\ufeff',
    '\0',
    'null',
    '~',
    '1e3',
    '- a',
    'a: b',
    '---\n',
    '{"id":"1.1","at":"2026-01-01T00:00:00.000Z"',
    ',"sum":"00000000"}\n',
    '"$holdfast"',
    'sha256:0000000000000000',
    'line '.repeat(100),
  ),
)

const numbers = fc.oneof(
  fc.integer(),
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.constantFrom(-0, 2 ** 53, 1e21, Number.MAX_VALUE, Number.MIN_VALUE),
)

const { value: nested } = fc.letrec<{ value: unknown; members: unknown; list: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 4, arbitrary: fc.oneof(texts, numbers, fc.boolean(), fc.constant(null)) },
    { weight: 3, arbitrary: tie('members') },
    { weight: 1, arbitrary: tie('list') },
  ),
  members: fc
    .array(fc.tuple(names, tie('value')), { maxLength: 4 })
    // Not a plain assignment, which would set the prototype.
    .map((entries) => Object.fromEntries(entries)),
  list: fc.array(tie('value'), { maxLength: 4 }),
}))

export const values: fc.Arbitrary<unknown> = nested

/** The value as it must come back: -0 as 0, nothing shared. */
export const asStored = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

class Instance {
  readonly field = 1
}

function deeperThan(levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level <= levels; level++) value = [value]
  return value
}

function cycle(): unknown {
  const value: unknown[] = []
  value.push(value)
  return value
}

/** What no storage takes for a value, of a document or of an event. */
export const refusedValues = fc.constantFrom<unknown>(
  { a: Number.NaN },
  [Number.POSITIVE_INFINITY],
  1n,
  { a: [undefined] },
  { a: () => 1 },
  { when: new Date(0) },
  new Map(),
  new Instance(),
  { [Symbol('s')]: 1 },
  { $holdfast: 1 },
  deeperThan(512),
  cycle(),
)
