/**
 * npm run torture -- [--only id,id] [--bounded] [--report]
 *
 * Runs the chapters one after the other and writes docs/reliability-report.md. What a chapter came to
 * is kept, so that one can be run again alone, and --report writes the page of what is kept. With
 * --bounded the counts are those of every test run, and nothing is kept or written.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type ChapterResult, hasPassed } from './chapter-result.js'
import { runChapter } from './chapter-run.js'
import { type Chapter, chapters } from './chapters.js'
import { renderReport, withTotals } from './rendering.js'

const root = process.cwd()
const kept = join(root, 'node_modules/.cache/holdfast-torture')
const keptAt = (id: string): string => join(kept, `${id}.json`)

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    bounded: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
  },
})

function chosen(only: string | undefined): readonly Chapter[] {
  if (only === undefined) return chapters
  const ids = new Set(only.split(','))
  const found = chapters.filter(({ id }) => ids.has(id))
  if (found.length === ids.size) return found
  console.error(`The chapters are ${chapters.map(({ id }) => id).join(', ')}`)
  process.exit(2)
}

function keptResults(): ChapterResult[] {
  const paths = chapters.map(({ id }) => keptAt(id)).filter((path) => existsSync(path))
  return paths.map((path) => JSON.parse(readFileSync(path, 'utf8')) as ChapterResult)
}

function writePages(results: readonly ChapterResult[]): void {
  const durability = join(root, 'docs/DURABILITY.md')
  writeFileSync(join(root, 'docs/reliability-report.md'), renderReport(results))
  writeFileSync(durability, withTotals(readFileSync(durability, 'utf8'), results))
}

mkdirSync(kept, { recursive: true })
const broken: string[] = []
for (const chapter of options.report ? [] : chosen(options.only)) {
  console.log(`\n=== ${chapter.id}: ${chapter.title}`)
  const result = runChapter(chapter, { root, isFull: !options.bounded, now: () => new Date() })
  if (!options.bounded) {
    writeFileSync(keptAt(chapter.id), `${JSON.stringify(result, undefined, 2)}\n`)
  }
  if (!hasPassed(result)) broken.push(chapter.id)
}

if (!options.bounded) writePages(keptResults())
if (broken.length > 0) {
  console.error(`\nDid not hold: ${broken.join(', ')}`)
  process.exitCode = 1
}
