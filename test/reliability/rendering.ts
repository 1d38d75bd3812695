/** The reliability report as Markdown. */
import { type ChapterResult, type Figures, hasPassed } from './chapter-result.js'
import { type Chapter, chapters } from './chapters.js'

/** Figures that add up over all runs, with what the sum is called. */
const totals: readonly (readonly [figure: string, name: string])[] = [
  ['cuts', 'Crash states: power cuts enumerated or sampled'],
  ['disks', 'Different disks among these, each opened, judged and written to'],
  ['faults', 'Calls that were made to fail'],
  ['kills', 'Processes killed by SIGKILL'],
  ['stops', 'Processes stopped by SIGSTOP and continued'],
  ['jumps', 'Jumps of the clock'],
  ['operations', 'Operations whose history was checked'],
  ['acknowledged', 'Acknowledged writes looked for after kills'],
  ['states', 'States of interleaved lock code'],
  ['damages', 'Damages to files'],
  ['inputs', 'Fuzzed inputs'],
  ['commands', 'Commands compared with a model'],
  ['mutants', 'Mutants of the source code'],
]

/** Whoever has more rows than this is told as a sum alone. */
const rowsMax = 24

const grouped = (value: number): string =>
  Number.isInteger(value) ? value.toLocaleString('en-US') : String(value)

const cell = (value: unknown): string => {
  if (value === undefined) return ''
  return typeof value === 'number' ? grouped(value) : String(value).replaceAll('|', '\\|')
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  row(head),
  row(head.map(() => '---')),
  ...rows.map(row),
]

/** The sum of a figure over all that told it. */
export function sumOf(figures: readonly Figures[], name: string): number {
  const values = figures.map((each) => each.figures[name])
  return values.reduce<number>((sum, value) => sum + (typeof value === 'number' ? value : 0), 0)
}

function figuresTable(what: string, told: readonly Figures[]): string[] {
  const names = [...new Set(told.flatMap(({ figures }) => Object.keys(figures)))]
  const rows = told.map(({ figures }) => names.map((name) => cell(figures[name])))
  const summed = new Set(totals.map(([figure]) => figure))
  const sums = names.map((name) => (summed.has(name) ? cell(sumOf(told, name)) : ''))
  const hasSum = told.length > 1 && sums.some((sum) => sum !== '')
  const isLong = rows.length > rowsMax
  const shown = isLong ? [] : rows
  // Where nothing is told of each, only what adds up has a column.
  const kept = names.map((_, index) => !isLong || sums[index] !== '')
  const pick = (cells: readonly string[]): string[] => cells.filter((_, index) => kept[index])
  const all = [...shown, ...(hasSum ? [sums.map((sum) => (sum === '' ? '' : `**${sum}**`))] : [])]
  if (all.length === 0) return [`*${what}*: ${told.length} times`, '']
  const times = told.length > 1 ? `, ${told.length} times` : ''
  return [`*${what}*${times}`, '', ...table(pick(names), all.map(pick)), '']
}

function chapterLines(chapter: Chapter, result: ChapterResult | undefined): string[] {
  const head = [`## ${chapter.title}`, '', `Must hold: ${chapter.mustHold}`, '']
  if (result === undefined) return [...head, '**Not run.**', '']
  const { begunAt, commit, durationSeconds, tests } = result
  const passed = tests.reduce((sum, each) => sum + each.passed, 0)
  const failed = tests.filter((each) => each.failed > 0)
  const verdict = hasPassed(result) ? 'Held' : '**Did not hold**'
  const subject = tests.length === 0 ? `\`npm run ${chapter.program}\`` : `${passed} tests passed`
  const lines = [
    ...head,
    `${verdict}: ${subject} in ${Math.round(durationSeconds)} s ` +
      `(${begunAt.slice(0, 16)}Z, commit ${commit}).`,
    '',
    ...failed.map(({ file, failed: count }) => `- **${file}: ${count} failed**`),
    ...(failed.length > 0 ? [''] : []),
  ]
  const whats = [...new Set(result.figures.map(({ what }) => what))]
  for (const what of whats) {
    const told = result.figures.filter((each) => each.what === what)
    lines.push(...figuresTable(what, told))
  }
  if (tests.length > 0) {
    lines.push(`Shown by ${tests.map(({ file }) => `\`${file}\``).join(', ')}.`, '')
  }
  return lines
}

/** The sums over all chapters, of what there is. */
export function totalsTable(results: readonly ChapterResult[]): string[] {
  const figures = results.flatMap((result) => result.figures)
  const rows = totals
    .map(([figure, name]) => [name, sumOf(figures, figure)] as const)
    .filter(([, sum]) => sum > 0)
    .map(([name, sum]) => [name, grouped(sum)])
  const hours = results.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0) / 3600
  return table(['what', 'count'], [...rows, ['Hours', hours.toFixed(1)]])
}

const unique = (values: readonly string[]): string => [...new Set(values)].join(', ')

/** The whole page. Chapters without a result are named as not run. */
export function renderReport(results: readonly ChapterResult[]): string {
  const byId = new Map(results.map((result) => [result.chapter, result]))
  const broken = results.filter((result) => !hasPassed(result))
  const missing = chapters.filter(({ id }) => !byId.has(id))
  const verdict =
    broken.length === 0
      ? `All of the ${results.length} chapters that were run held.`
      : `**${broken.length} of ${results.length} chapters did not hold.**`
  const lines = [
    '# Reliability report',
    '',
    'Written by `npm run torture`; not edited by hand. What is promised, and on what assumptions:',
    '[DURABILITY.md](DURABILITY.md). A chapter can be had again with its seed:',
    '`HOLDFAST_SEED=<seed> npm run torture -- --only <chapter>`.',
    '',
    `${verdict}${missing.length > 0 ? ` ${missing.length} were not run.` : ''}`,
    `Node ${unique(results.map(({ node }) => node))}; ${unique(results.map(({ machine }) => machine))}.`,
    '',
    ...totalsTable(results),
    '',
    ...chapters.flatMap((chapter) => chapterLines(chapter, byId.get(chapter.id))),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

const begin = '<!-- figures: written by npm run torture -->'
const end = '<!-- /figures -->'

/** The page with the present totals between its two marks. */
export function withTotals(page: string, results: readonly ChapterResult[]): string {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`There is no ${begin} … ${end} in the page`)
  const block = [begin, '', ...totalsTable(results), '', ''].join('\n')
  return `${page.slice(0, from)}${block}${page.slice(to)}`
}
