/** Values that must come back as they went in, and values that must be refused. */

/** An object with a property whose name has a meaning in JavaScript. */
export function withKey(key: string, value: unknown): Record<string, unknown> {
  return Object.defineProperty({}, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  })
}

function nested(levels: number): unknown {
  let value: unknown = 'deep'
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { value }
  return value
}

const deepest = 512

/** By what is special about them. */
export const storableValues: Readonly<Record<string, unknown>> = {
  null: null,
  true: true,
  false: false,
  'an empty string': '',
  'a string': 'text',
  'an empty object': {},
  'an empty array': [],
  'nested arrays': [[], [[]], [[1, [2]], { a: [] }], null],
  'a nested object': { a: { b: { c: [1, { d: null }] } }, e: false },
  'an object of every kind': { s: 'x', n: 1.5, t: true, f: false, z: null, a: [1], o: { k: 'v' } },
  'nulls in arrays': [null, null],
  'as many levels as there may be': nested(deepest),
  zero: 0,
  'a negative number': -273.15,
  'big numbers': [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, Number.MAX_VALUE, 1e21, 1e300],
  'small numbers': [Number.MIN_VALUE, Number.EPSILON, -5e-324, 1e-7, 0.1 + 0.2],
  'whole numbers beyond the safe ones': [2 ** 53, 2 ** 64, 123456789012345680000],
  'strings that look like something else': [
    'null',
    'true',
    '~',
    '1',
    '1e3',
    '0x1f',
    '0o17',
    '1_000',
    '.5',
    '.inf',
    '.nan',
    '12:30:45',
    '2026-01-02',
    '2026-01-02T03:04:05.678Z',
    'yes',
    'no',
    '<<',
    '=',
    '-',
    '---',
    '...',
    '- a',
    '? a',
    'a: b',
    'a #b',
    '#a',
    '&a',
    '*a',
    '!a',
    '|',
    '>',
    '%a',
    '@a',
    '`a',
    '{}',
    '[]',
    '"a"',
    "'a'",
    ',',
  ],
  'white space': [' ', '  a', 'a  ', '\t', '\ta\t', '\n', '\r', '\r\n', 'a\n', '\n\na', ' \n \n '],
  'long lines and paragraphs': [
    'word '.repeat(100),
    'a line\nand another\n\n  indented\n',
    '\n  first indented\nthen not',
  ],
  'control characters': [
    '\0',
    '\u0001\u001f\u007f',
    '\u0085',
    '\u2028\u2029',
    '\ufeffbom',
    '\b\f\v',
  ],
  'quotes and backslashes': ['"', "'", '\\', '\\n', '\\"', "it's", '"""', "'''"],
  unicode: [
    'é',
    'e\u0301',
    'ß',
    '漢字',
    '🦀',
    '👩‍👩‍👧‍👦',
    '\u202eabc',
    '\ufffd',
    '\uffff',
    'İ',
    'ſ',
  ],
  'lone surrogates': ['\ud800', '\udfff', 'a\udc00b', '\ud83d', '\ude00\ud83d'],
  'lone surrogates in names': { '\ud800': 1, 'a\udc00': { '\udfff': '\udbff' } },
  'a long string': 'holdfast '.repeat(20_000),
  'a long string of wide characters': '漢🦀'.repeat(10_000),
  'names that mean something to JavaScript': {
    constructor: 1,
    toString: 'x',
    hasOwnProperty: null,
    valueOf: [1],
    prototype: {},
    length: 3,
    ...withKey('then', 'not a promise'),
    toJSON: 'not a function',
  },
  '__proto__ as a name': withKey('__proto__', { polluted: true }),
  '__proto__ as a nested name': { a: [withKey('__proto__', null)], b: withKey('__proto__', 1) },
  'names of every kind': {
    '': 'empty',
    ' ': 'space',
    '0': 'digit',
    '10': 'number',
    '-1': 'negative',
    'a.b': 'dot',
    'a b': 'space inside',
    'a\nb': 'line break',
    é: 'composed',
    'e\u0301': 'decomposed',
    true: 'word',
    null: 'word',
    '#': 'mark',
    '- a': 'dash',
    'a: b': 'colon',
    '<<': 'merge',
  },
  'the reserved name further down': { a: { $holdfast: 1 }, b: [{ $holdfast: { c: 2 } }] },
  'names like the reserved one': { $Holdfast: 1, holdfast: 2, $holdfast2: 3, '$holdfast ': 4 },
  'what metadata look like': {
    value: [1],
    revision: '1.1',
    savedAt: '2026-01-01T00:00:00.000Z',
    envelope: true,
    checksum: 'sha256:0000000000000000',
    key: 'another',
  },
  'many properties': Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`name${i}`, i])),
  'a long array': Array.from({ length: 2000 }, (_, i) => i * 0.5),
}

class Instance {
  readonly field = 1
}

function cycle(): unknown {
  const value: Record<string, unknown> = { inner: { list: [] as unknown[] } }
  ;((value.inner as { list: unknown[] }).list as unknown[]).push(value)
  return value
}

function sparse(): unknown[] {
  const value: unknown[] = [1]
  value[2] = 3
  return value
}

/** By what is wrong with them: the value, and the path that the error must name. */
export const unstorableValues: Readonly<Record<string, readonly [value: unknown, path: string]>> = {
  undefined: [undefined, '$'],
  'a function': [() => 1, '$'],
  'a function inside': [{ a: { run: () => 1 } }, '$.a.run'],
  'a symbol': [Symbol('s'), '$'],
  'a symbol inside': [[0, Symbol('s')], '$[1]'],
  'a symbol as a name': [{ a: { [Symbol('s')]: 1 } }, '$.a'],
  'a BigInt': [1n, '$'],
  'a BigInt inside': [{ big: [1n] }, '$.big[0]'],
  NaN: [Number.NaN, '$'],
  Infinity: [{ a: Number.POSITIVE_INFINITY }, '$.a'],
  '-Infinity': [[1, Number.NEGATIVE_INFINITY], '$[1]'],
  'undefined in an array': [{ list: [1, undefined] }, '$.list[1]'],
  'a hole in an array': [sparse(), '$[1]'],
  'a Date': [{ items: [0, 1, 2, { when: new Date(0) }] }, '$.items[3].when'],
  'a Map': [{ a: new Map([[1, 2]]) }, '$.a'],
  'a Set': [{ a: new Set([1]) }, '$.a'],
  'a WeakMap': [{ a: new WeakMap() }, '$.a'],
  'a RegExp': [{ a: /x/ }, '$.a'],
  'an Error': [{ a: new Error('x') }, '$.a'],
  'a Promise': [{ a: Promise.resolve(1) }, '$.a'],
  bytes: [{ a: new Uint8Array([1, 2]) }, '$.a'],
  'a Buffer': [[Buffer.from('x')], '$[0]'],
  'an ArrayBuffer': [{ a: new ArrayBuffer(2) }, '$.a'],
  'a class instance': [{ a: { b: new Instance() } }, '$.a.b'],
  'a boxed number': [{ a: Object(1) as unknown }, '$.a'],
  'an object with a made-up prototype': [{ a: Object.create({ inherited: 1 }) as unknown }, '$.a'],
  'a cycle': [cycle(), '$.inner.list[0]'],
  'too many levels': [nested(deepest + 1), `$${'[0].value'.repeat(deepest / 2)}`],
  'the reserved name': [{ $holdfast: { revision: '1.1' } }, '$.$holdfast'],
  'something under an odd name': [{ 'a b': { '': 1n } }, '$["a b"][""]'],
}
