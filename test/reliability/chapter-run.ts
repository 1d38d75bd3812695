/** Runs a chapter in processes of their own and gathers what they tell. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, type as systemName, tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import type { ChapterResult, Figures, TestFileResult } from './chapter-result.js'
import type { Chapter } from './chapters.js'

/** The part of Vitest's JSON report that is used. */
interface VitestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
)
const reporters = (path: string): string[] => [
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${path}`,
]

export interface RunOptions {
  readonly root: string
  /** With the full counts, not those of every test run. */
  readonly isFull: boolean
  readonly now: () => Date
}

function git(root: string, ...args: string[]): string {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : ''
}

function commitOf(root: string): string {
  const changed = git(root, 'status', '--porcelain', '--', 'src', 'test') === '' ? '' : '+'
  return `${git(root, 'rev-parse', '--short', 'HEAD') || 'unknown'}${changed}`
}

function testResults(root: string, path: string): TestFileResult[] {
  if (!existsSync(path)) return []
  const { testResults } = JSON.parse(readFileSync(path, 'utf8')) as VitestReport
  return testResults.map(({ name, status, assertionResults }) => {
    const passed = assertionResults.filter((each) => each.status === 'passed').length
    const failed = assertionResults.filter((each) => each.status === 'failed').length
    // A file that could not be loaded has no results of tests.
    return {
      file: relative(root, name),
      passed,
      failed: failed + (status === 'passed' || failed > 0 ? 0 : 1),
    }
  })
}

function figuresIn(path: string): Figures[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Figures)
}

export function runChapter(chapter: Chapter, { isFull, now, root }: RunOptions): ChapterResult {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-reliability-'))
  const figuresPath = join(directory, 'figures.jsonl')
  const reportPath = join(directory, 'vitest.json')
  const [program, ...args] =
    chapter.program === undefined
      ? [process.execPath, vitest, 'run', ...reporters(reportPath), ...chapter.tests]
      : ['npm', 'run', chapter.program]
  const begunAt = now()
  try {
    const { status } = spawnSync(program ?? '', args, {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        HOLDFAST_FIGURES: figuresPath,
        ...(isFull ? { HOLDFAST_TORTURE: '1' } : {}),
      },
    })
    return {
      chapter: chapter.id,
      commit: commitOf(root),
      begunAt: begunAt.toISOString(),
      durationSeconds: (now().getTime() - begunAt.getTime()) / 1000,
      node: process.version.slice(1),
      machine: `${systemName()}, ${cpus().length} cores`,
      exitCode: status ?? 1,
      tests: testResults(root, reportPath),
      figures: figuresIn(figuresPath),
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
