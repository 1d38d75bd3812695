import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { type ChapterResult, hasPassed } from './chapter-result.js'
import { runChapter } from './chapter-run.js'
import { type Chapter, chapters, labFolders } from './chapters.js'
import { renderReport, sumOf, withTotals } from './rendering.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

const testFilesIn = (path: string): string[] =>
  statSync(join(root, path)).isDirectory()
    ? readdirSync(join(root, path))
        .filter((name) => name.endsWith('.test.ts'))
        .map((name) => `${path}/${name}`)
    : [path]

const result = (chapter: string, change: Partial<ChapterResult> = {}): ChapterResult => ({
  chapter,
  commit: 'abc1234',
  begunAt: '2026-01-01T00:00:00.000Z',
  durationSeconds: 1800,
  node: '20.0.0',
  machine: 'Linux, 2 cores',
  exitCode: 0,
  tests: [{ file: 'test/a.test.ts', passed: 3, failed: 0 }],
  figures: [],
  ...change,
})

describe('the chapters', () => {
  it('hold each test file of the lab once', () => {
    const told = chapters.flatMap(({ tests }) => tests.flatMap(testFilesIn)).sort()
    expect(told).toEqual(labFolders.flatMap(testFilesIn).sort())
  })
})

describe('the report', () => {
  it('adds up what the chapters told, and says what was not run', () => {
    const page = renderReport([
      result('kill', {
        figures: [
          { what: 'killed', figures: { of: 'one', seed: 1, kills: 1200 } },
          { what: 'killed', figures: { of: 'two', seed: 1, kills: 34 } },
        ],
      }),
      result('stopped', { figures: [{ what: 'stopped', figures: { kills: 1, stops: 7 } }] }),
    ])
    expect(page).toContain('| Processes killed by SIGKILL | 1,235 |')
    expect(page).toContain('| Processes stopped by SIGSTOP and continued | 7 |')
    expect(page).toContain('| Hours | 1.0 |')
    expect(page).toContain('| one | 1 | 1,200 |')
    expect(page).toContain('All of the 2 chapters that were run held.')
    expect(page).toContain(`${chapters.length - 2} were not run.`)
    expect(page.match(/\*\*Not run\.\*\*/g)).toHaveLength(chapters.length - 2)
  })

  it('says of a chapter with a failed test that it did not hold', () => {
    const tests = [{ file: 'test/a.test.ts', passed: 3, failed: 1 }]
    const page = renderReport([result('kill', { tests, exitCode: 1 }), result('stopped')])
    expect(page).toContain('**1 of 2 chapters did not hold.**')
    expect(page).toContain('**Did not hold**')
    expect(page).toContain('**test/a.test.ts: 1 failed**')
  })

  it('counts numbers only', () => {
    const figures = [{ kills: 1 }, { kills: 'many' }, {}].map((each) => ({
      what: 'x',
      figures: each,
    }))
    expect(sumOf(figures, 'kills')).toBe(1)
  })

  it('puts the sums between the marks of another page, and again in their place', () => {
    const marks = ['<!-- figures: written by npm run torture -->', '<!-- /figures -->']
    const page = `before\n\n${marks.join('\n')}\n\nafter\n`
    const once = withTotals(page, [result('kill')])
    expect(once).toContain('| Hours | 0.5 |')
    expect(once.startsWith('before\n\n')).toBe(true)
    expect(once.endsWith('\n\nafter\n')).toBe(true)
    expect(withTotals(once, [result('kill')])).toBe(once)
    expect(() => withTotals('no marks', [])).toThrow('no <!-- figures')
  })
})

describe('a chapter that is run', () => {
  const made: string[] = []
  afterEach(() => {
    for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true })
  })

  const run = (test: string): ChapterResult => {
    const project = mkdtempSync(join(tmpdir(), 'holdfast-chapter-'))
    made.push(project)
    symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'))
    writeFileSync(join(project, 'one.test.ts'), `import { expect, it } from 'vitest'\n${test}`)
    const chapter: Chapter = { id: 'one', title: '', mustHold: '', tests: ['one.test.ts'] }
    return runChapter(chapter, { root: project, isFull: true, now: () => new Date() })
  }

  it('keeps what its tests told, in its full form', () => {
    const came = run(`
      import { appendFileSync } from 'node:fs'
      it('tells', () => {
        expect(process.env.HOLDFAST_TORTURE).toBe('1')
        appendFileSync(process.env.HOLDFAST_FIGURES, '{"what":"x","figures":{"kills":2}}\\n')
      })`)
    expect(came.figures).toEqual([{ what: 'x', figures: { kills: 2 } }])
    expect(came.tests).toEqual([{ file: 'one.test.ts', passed: 1, failed: 0 }])
    expect(hasPassed(came)).toBe(true)
  })

  it.each([
    ['a test fails', "it('fails', () => expect(1).toBe(2))"],
    ['a file cannot be loaded', "throw new Error('broken')"],
  ])('did not hold when %s', (_, test) => {
    const came = run(test)
    expect(came.tests).toEqual([{ file: 'one.test.ts', passed: 0, failed: 1 }])
    expect(came.exitCode).toBe(1)
    expect(hasPassed(came)).toBe(false)
  })
})
