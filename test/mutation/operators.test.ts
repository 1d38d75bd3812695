import { describe, expect, it } from 'vitest'
import { mutationsOf, onOneLine } from './mutations.js'
import { switched, switchName } from './switching.js'

/** What is put in place of what, by an operator; nothing for what is left out. */
function changes(text: string, operator: string): string[] {
  return mutationsOf('snippet.ts', text)
    .filter((mutation) => mutation.operator === operator)
    .map(({ original, replacement }) => `${onOneLine(original)} → ${replacement ?? ''}`.trim())
}

describe('an operator', () => {
  it.each<[operator: string, snippet: string, expected: string[]]>([
    ['condition', 'if (isFull(disk)) stop()', ['isFull(disk) → true', 'isFull(disk) → false']],
    ['condition', 'while (left > 0) go()', ['left > 0 → false']],
    ['condition', 'for (;;) go()', []],
    ['condition', 'const size = known ? 1 : 2', ['known → true', 'known → false']],
    ['condition', 'const is = () => a === b', ['a === b → true', 'a === b → false']],
    ['clause', 'if (a && b) go()', ['a → true', 'b → true']],
    [
      'clause',
      'const is = a || (b && c)',
      ['a → false', '(b && c) → false', 'b → true', 'c → true'],
    ],
    ['boundary', 'if (a < b || a >= c) go()', ['a < b → a <= b', 'a >= c → a > c']],
    ['comparison', 'const is = a === b', ['a === b → a !== b']],
    ['comparison', 'const is = !a', ['!a → a']],
    ['comparison', 'if (a === b) go()', []],
    ['fallback', 'const size = given ?? 3', ['given ?? 3 → given', 'given ?? 3 → 3']],
    ['arithmetic', 'const sum = a + b * c', ['a + b * c → a - b * c', 'b * c → b / c']],
    ['arithmetic', "const name = a + 'x'", []],
    ['arithmetic', 'size += 2', ['size += 2 → size -= 2']],
    ['arithmetic', 'for (let i = 0; i < 2; i++) go(j++)', ['j++ → j -= 1']],
    ['number', 'const sizes = { 1: 8, none: 0 }', ['8 → 9', '8 → 7', '0 → 1']],
    ['string', "const name = 'x', none = ''", ["'x' → ''", "'' → 'other'"]],
    ['string', "import { a } from 'x'\nthrow fail('It is full')", []],
    ['string', `const path: "x" = \`\${a}/b\``, [`\`\${a}/b\` → ''`]],
    ['boolean', 'const open = true', ['true → false']],
    ['list', 'const [first] = [a, b], none = []', ['[a, b] → []']],
    ['call', 'list.some(isFull)', ['list.some(isFull) → list.every(isFull)']],
    ['call', 'list.map(of).slice(1)', ['list.map(of).slice(1) → list.map(of)']],
    ['call', 'list?.filter(isFull).map(of)', []],
    ['result', 'const of = () => size', ['size → undefined']],
    ['result', 'function f() { return undefined }', []],
    ['result', 'function f() { return a === b }', []],
    ['statement', 'function* f() { yield* sync(file) }', ['yield* sync(file) →']],
    ['statement', 'if (a) throw b', []],
    ['statement', 'try { go() } catch (error) { throw error }', ['go() →', 'throw error →']],
    ['statement', 'class A extends B { constructor() { super(1) } }', []],
  ])('%s changes %s', (operator, snippet, expected) => {
    expect(changes(snippet, operator)).toEqual(expected)
  })

  it('changes no types and no names', () => {
    const text = `
      import { a as b } from 'c'
      export type Size = 1 | 'large'
      interface Box { readonly 'size': Size }
      type Three = Box & { size: 3 }
      export { b } from 'd'
    `
    expect(mutationsOf('snippet.ts', text)).toEqual([])
  })

  it('tells where it is', () => {
    const text = 'class Disk {\n  isFull(): boolean {\n    return this.left < 1\n  }\n}\n'
    const found = mutationsOf('disk.ts', text)
    expect(new Set(found.map(({ file, within, line }) => `${file}:${line} ${within}`))).toEqual(
      new Set(['disk.ts:3 isFull']),
    )
  })
})

describe('a switched source', () => {
  const text = `
    const size = given ?? 2
    const list = [size + 1, size]
    if (size > 2 && !isOff)
      list.push(9)
    else list.push(0)
    return list.filter((each) => each > 1).join()
  `
  const mutations = mutationsOf('snippet.ts', text)

  function run(code: string, mutant: number, given: number | undefined, isOff: boolean): string {
    try {
      const parameters = ['given', 'isOff', switchName]
      const result: unknown = new Function(...parameters, code)(
        given,
        isOff,
        (number: number) => number === mutant,
      )
      return JSON.stringify(result) ?? 'undefined'
    } catch (error) {
      return String(error)
    }
  }

  const inputs = [undefined, 0, 2, 3].flatMap((given) =>
    [true, false].map((isOff) => ({ given, isOff })),
  )

  it('does what the source does while no mutation is made', () => {
    const code = switched(text, mutations, 100)
    for (const { given, isOff } of inputs) {
      expect(run(code, -1, given, isOff)).toBe(run(text, -1, given, isOff))
    }
  })

  it('does for each number what the source with that one change does', () => {
    const code = switched(text, mutations, 100)
    expect(mutations.length).toBeGreaterThan(20)
    for (const [index, { start, end, replacement }] of mutations.entries()) {
      const instead = replacement === undefined ? '{}' : `(${replacement})`
      const changed = `${text.slice(0, start)}${instead}${text.slice(end)}`
      for (const { given, isOff } of inputs) {
        expect(run(code, 100 + index, given, isOff)).toBe(run(changed, -1, given, isOff))
      }
    }
  })
})
