import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import { jsonSerializer, maxNestingDepth, toStorable } from '../../src/serializer/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { in: value }
  return value
}

class Task {
  name = 'sweep'
}

const holed = [1, 2, 3]
delete holed[1]

const cycle: { self?: unknown } = {}
cycle.self = cycle

describe('a value to be stored', () => {
  it.each<[unknown, unknown]>([
    [{ a: undefined, b: [null, true, 'x', -0] }, { b: [null, true, 'x', 0] }],
    [Object.create(null), {}],
    [runInNewContext('({ a: [1] })'), { a: [1] }],
    [[{ $holdfast: 1 }], [{ $holdfast: 1 }]],
  ])('is copied: %j', (value, expected) => {
    expect(toStorable(value)).toStrictEqual(expected)
  })

  it('keeps a member that is named like the prototype', () => {
    const copied = toStorable(JSON.parse('{"__proto__":{"a":1}}')) as object
    expect(JSON.stringify(copied)).toBe('{"__proto__":{"a":1}}')
    expect(Object.getPrototypeOf(copied)).toBe(Object.prototype)
    expect(Object.getOwnPropertyDescriptor(copied, '__proto__')).toMatchObject({
      configurable: true,
      writable: true,
    })
  })

  it('may hold one object twice, beside each other', () => {
    const shared = { a: 1 }
    expect(toStorable([shared, shared])).toEqual([{ a: 1 }, { a: 1 }])
  })

  it('may be 512 levels deep', () => {
    expect(maxNestingDepth).toBe(512)
    const deepest = nested(512)
    expect(toStorable(deepest)).toEqual(deepest)
    expect(() => toStorable(nested(513))).toThrow(
      expect.objectContaining({ code: 'STATE_INVALID_VALUE', operation: 'encode' }),
    )
  })

  it.each<[path: string, found: string, value: unknown, hint: RegExp]>([
    ['$.a[1]', 'NaN', { a: [0, Number.NaN] }, /finite/],
    ['$', 'a BigInt', 1n, /toString/],
    ['$[0]', 'undefined', [undefined], /null/],
    ['$[1]', 'undefined', holed, /null/],
    ['$.do', 'a function', { do: () => 1 }, /data/],
    ['$["two words"].self', 'a cycle', { 'two words': cycle }, /key/],
    ['$["1a"]', 'a Date', { '1a': new Date(0) }, /toISOString/],
    ['$.$b_2', 'a Map', { $b_2: new Map() }, /fromEntries/],
    ['$', 'a Set', new Set(), /\[\.\.\.set\]/],
    ['$', 'a Buffer', Buffer.from('x'), /base64/],
    ['$', 'a Uint8Array', new Uint8Array(1), /base64/],
    ['$', 'a ArrayBuffer', new ArrayBuffer(1), /base64/],
    ['$', 'a Task', new Task(), /plain object/],
    ['$', 'a class instance', Object.create(Object.create(null)), /plain object/],
    ['$', 'a symbol key', { [Symbol('s')]: 1 }, /string keys/],
    ['$.$holdfast', 'the reserved key', { $holdfast: 1 }, /Rename/],
  ])('is refused at %s for %s', (path, found, value, hint) => {
    expect(() => toStorable(value)).toThrow(
      expect.objectContaining({
        code: 'STATE_INVALID_VALUE',
        hint: expect.stringMatching(hint),
        details: { path, found },
      }),
    )
  })
})

describe('JSON with sorted keys', () => {
  const { encode } = jsonSerializer({ sortKeys: true })

  it('is the same for equal values, down to what arrays hold', () => {
    expect(encode({ b: [{ d: 1, c: null }], a: 2 })).toBe(encode({ a: 2, b: [{ c: null, d: 1 }] }))
    expect(JSON.stringify(JSON.parse(encode({ b: [{ d: 1, c: 2 }], a: 2 })))).toBe(
      '{"a":2,"b":[{"c":2,"d":1}]}',
    )
  })

  it('keeps the metadata last and as it is', () => {
    const document = { z: 1, $holdfast: { revision: '1.1', checksum: 'x', a: 1 }, a: 2 }
    expect(JSON.stringify(JSON.parse(encode(document)))).toBe(
      '{"a":2,"z":1,"$holdfast":{"revision":"1.1","checksum":"x","a":1}}',
    )
  })

  it.each([null, 3, 'text', [2, 1]])('leaves %j as it is', (value) => {
    expect(JSON.parse(encode(value))).toEqual(value)
  })
})

describe('a serializer', () => {
  it.each([jsonSerializer(), yamlSerializer()])('$name reads back what it wrote', (serializer) => {
    const value = { z: 'text', a: [1, { deep: nested(200) }], $holdfast: { revision: '1.2' } }
    const text = serializer.encode(value)
    expect(text.endsWith('\n')).toBe(true)
    expect(serializer.decode(text)).toEqual(value)
    expect(text.indexOf('z')).toBeLessThan(text.indexOf('deep'))
    expect(text.lastIndexOf('revision')).toBeGreaterThan(text.lastIndexOf('$holdfast'))
  })

  it.each([
    [jsonSerializer(), 'json'],
    [yamlSerializer(), 'yaml'],
  ])('is named by its format: $1', (serializer, format) => {
    expect(serializer).toMatchObject({ name: format, extension: format })
  })

  it.each(['', ' \n', '# nothing\0', '? [a]\n: 1\n'])('of YAML refuses %j', (text) => {
    expect(() => yamlSerializer().decode(text)).toThrow()
  })

  it('of YAML reads null, and warns nobody', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    try {
      expect(yamlSerializer().decode('null\n')).toBeNull()
      expect(yamlSerializer().decode('!unknown text\n')).toBe('text')
      expect(warn).not.toHaveBeenCalled()
    } finally {
      warn.mockRestore()
    }
  })

  it('of YAML reads a document of any depth in its envelope, and refuses what is deeper', () => {
    const { decode } = yamlSerializer()
    const brackets = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    expect(JSON.stringify(decode(brackets(maxNestingDepth + 2)))).toBe(
      brackets(maxNestingDepth + 2),
    )
    expect(() => decode(brackets(maxNestingDepth + 3))).toThrow(/nested too deeply/)
  })
})
