import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { checkErrorCodes, checkFeatures, checkLinks, doneFeatures, unionMembers } from './claims.js'
import { isRun, outputPattern, parsePage, placeIn, programsOf } from './page.js'
import { runProgram } from './run-program.js'
import { typeCheck } from './type-check.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

const fenced = (info: string, ...lines: readonly string[]): string =>
  [`\`\`\`${info}`, ...lines, '```', ''].join('\n')

const programs = (...parts: readonly string[]): ReturnType<typeof programsOf> =>
  programsOf(parsePage('docs/page.md', parts.join('\n')))

describe('programsOf', () => {
  it('keeps blocks apart unless one continues the other', () => {
    const found = programs(
      fenced('ts', 'const a = 1'),
      fenced('sh', 'npm test'),
      fenced('ts', 'const b = 2'),
      '<!-- continues -->\n',
      fenced('ts run', 'console.log(b)'),
      fenced('text output', '2'),
    )
    expect(found.map(({ text }) => text)).toEqual([
      'const a = 1\n',
      'const b = 2\n',
      'const b = 2\nconsole.log(b)\n',
    ])
    expect(found.map(isRun)).toEqual([false, false, true])
    expect(found.map(({ output }) => output)).toEqual([undefined, undefined, '2\n'])
  })

  it('knows where a line stands on the page', () => {
    const [, program] = programs(
      fenced('ts', 'const a = 1', 'const b = 2'),
      '<!-- continues -->',
      fenced('ts', 'a + b', 'a - b'),
    )
    if (program === undefined) throw new Error('two programs expected')
    expect([0, 1, 2, 3].map((line) => placeIn(program, line))).toEqual(
      [2, 3, 8, 9].map((line) => `docs/page.md:${line}`),
    )
  })

  it('refuses a block that continues nothing', () => {
    expect(() => programs('<!-- continues -->', fenced('ts', 'a'))).toThrow(
      'docs/page.md:3: continues nothing',
    )
  })
})

describe('outputPattern', () => {
  const pattern = outputPattern('[ 1 ]\nstate …/.state | (ok)\nend\n')

  it('takes anything for the ellipsis, within its line', () => {
    expect('[ 1 ]\nstate /tmp/x/.state | (ok)\nend').toMatch(pattern)
  })

  it.each([
    ['nothing for the ellipsis', '[ 1 ]\nstate /.state | (ok)\nend'],
    ['a line break for it', '[ 1 ]\nstate /tmp\n/.state | (ok)\nend'],
    ['other text', '[ 1 ]\nstate /tmp/.state | ok\nend'],
    ['a character for a dot', '[ 1 ]\nstate /tmp/xstate | (ok)\nend'],
    ['more lines', '[ 1 ]\nstate /tmp/.state | (ok)\nend\nmore'],
    ['fewer lines', '[ 1 ]\nstate /tmp/.state | (ok)'],
  ])('does not take %s', (_, text) => {
    expect(text).not.toMatch(pattern)
  })
})

describe('typeCheck', () => {
  it('finds errors and says where they stand', () => {
    const found = typeCheck(
      root,
      programs(
        fenced('ts', "const a: number = 'text'"),
        fenced('ts', "import { join } from 'node:path'", '', 'await join(1)'),
        fenced('ts', 'const a: string = Buffer.name', 'export const b = a'),
        fenced('ts', 'const a = (1'),
      ),
    )
    expect(found).toEqual([
      expect.stringMatching(/^docs\/page\.md:2: Type 'string' is not assignable/),
      expect.stringMatching(/^docs\/page\.md:8: Argument of type 'number'/),
      expect.stringMatching(/^docs\/page\.md:17: /),
    ])
  })

  it('sees the sources as the package', () => {
    const right = "import { yamlSerializer } from 'holdfast/yaml'\nyamlSerializer().encode(1)"
    const wrong = "import { tomlSerializer } from 'holdfast/yaml'"
    expect(typeCheck(root, programs(fenced('ts', right), fenced('ts', wrong)))).toEqual([
      expect.stringMatching(/^docs\/page\.md:7: .*tomlSerializer/),
    ])
  })
})

describe('runProgram', () => {
  const run = async (...lines: readonly string[]): ReturnType<typeof runProgram> => {
    const [program] = programs(fenced('ts run', ...lines))
    if (program === undefined) throw new Error('a program expected')
    return runProgram(root, program)
  }

  it('runs in an empty directory, against the sources', async () => {
    const result = await run(
      "import { readdirSync } from 'node:fs'",
      "import { yamlSerializer } from 'holdfast/yaml'",
      'const entries: string[] = readdirSync(process.cwd())',
      'process.stdout.write(await Promise.resolve(yamlSerializer().encode({ entries })))',
    )
    expect(result).toEqual({ code: 0, stdout: 'entries: []\n', stderr: '' })
  })

  it('reports how it ended', async () => {
    expect(await run('process.exitCode = 3')).toMatchObject({ code: 3 })
    expect(await run("throw new Error('no')")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('docs/page.md:1'),
    })
  })
})

describe('checkLinks', () => {
  it('finds links to files that do not exist', () => {
    const page = parsePage(
      'docs/page.md',
      [
        '[a](../package.json#x) [b](https://example.org/x) [c](#here) `[d](gone.md)`',
        '![e](gone.png "title") and [f](sub/gone.md#part)',
        '[g]: ../gone.md',
        '<a href="./gone.html">h</a> [i](/package.json)',
        fenced('md', '[j](gone.md)'),
      ].join('\n'),
    )
    expect(checkLinks(root, page)).toEqual([
      'docs/page.md:2: gone.png leads nowhere',
      'docs/page.md:2: sub/gone.md#part leads nowhere',
      'docs/page.md:3: ../gone.md leads nowhere',
      'docs/page.md:4: ./gone.html leads nowhere',
    ])
  })
})

describe('checkErrorCodes', () => {
  it('compares the union with the headings, both ways', () => {
    const source = "export type Code =\n  | 'STATE_IO'\n  | 'STATE_CLOSED' // 'STATE_NOT'\n"
    const codes = unionMembers(source, 'Code')
    expect(codes).toEqual(['STATE_IO', 'STATE_CLOSED'])
    const page = parsePage('docs/errors.md', '# Errors\n## `STATE_IO`\n## STATE_GONE\nSTATE_CLOSED')
    expect(checkErrorCodes(page, codes)).toEqual([
      'docs/errors.md: STATE_CLOSED has no heading',
      'docs/errors.md: STATE_GONE is no error code',
    ])
  })
})

describe('checkFeatures', () => {
  it('asks each feature that is done for a test file that exists', () => {
    const page = parsePage(
      'docs/features.md',
      [
        '| id | capability | status | test |',
        '|---|---|---|---|',
        '| D1 | open | done | [docs](../test/docs/checks.test.ts) |',
        '| D2 | get \\| set | `done` | test/gone.test.ts |',
        '| D3 | list | **done** | |',
        '| D4 | watch | later | |',
        '| other | table |',
        '| done | done |',
      ].join('\n'),
    )
    expect(doneFeatures(page).map(({ id }) => id)).toEqual(['D1', 'D2', 'D3'])
    expect(checkFeatures(root, page)).toEqual([
      'docs/features.md: D2 names test/gone.test.ts, which does not exist',
      'docs/features.md: D3 is done but names no test file',
    ])
  })
})
