/**
 * What the documentation tests read off a Markdown page.
 *
 * A block ```ts is type-checked; ```ts run is run as well; ```text output right after it is what it
 * prints, where `…` stands for whatever differs from run to run within a line. `<!-- continues -->` on the line before a block puts the ts block before it in front of it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'

export interface CodeBlock {
  readonly language: string
  /** The words after the language on the fence. */
  readonly info: readonly string[]
  /** The line of the page on which the text begins. */
  readonly line: number
  readonly text: string
  readonly continues: boolean
}

export interface Heading {
  readonly level: number
  /** Without the marks of emphasis and code. */
  readonly text: string
}

export interface Link {
  readonly target: string
  readonly line: number
}

export interface Page {
  /** From the root of the repository, with slashes: `docs/errors.md`. */
  readonly path: string
  readonly blocks: readonly CodeBlock[]
  readonly headings: readonly Heading[]
  readonly links: readonly Link[]
  /** Cells of every table row, in order; the rows of dashes are left out. */
  readonly tableRows: readonly (readonly string[])[]
}

/** A ts block with everything it continues. */
export interface Program {
  readonly page: string
  readonly blocks: readonly CodeBlock[]
  readonly text: string
  /** What it must print, if the page says so. */
  readonly output: string | undefined
}

/** README.md and every page below docs that exists, README.md first. */
export function readPages(root: string): Page[] {
  const docs = existsSync(join(root, 'docs'))
    ? readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    : []
  const pages = docs.filter((path) => path.endsWith('.md')).map((path) => `docs/${path}`)
  return ['README.md', ...pages.map((path) => path.split(sep).join('/')).sort()]
    .filter((path) => existsSync(join(root, path)))
    .map((path) => parsePage(path, readFileSync(join(root, path), 'utf8')))
}

export function parsePage(path: string, text: string): Page {
  const blocks: CodeBlock[] = []
  const headings: Heading[] = []
  const links: Link[] = []
  const tableRows: string[][] = []
  const lines = text.split(/\r?\n/)
  let continues = false
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    const fence = /^(\s*)(`{3,}|~{3,})\s*([^\s`]*)([^`]*)$/.exec(line)
    if (fence !== null) {
      const [, indent = '', marks = '', language = '', info = ''] = fence
      const end = endOfBlock(lines, index + 1, marks)
      const body = lines.slice(index + 1, end).map((row) => withoutIndent(row, indent))
      blocks.push({
        language,
        info: info.split(/\s+/).filter((word) => word !== ''),
        line: index + 2,
        text: body.map((row) => `${row}\n`).join(''),
        continues,
      })
      continues = false
      index = end
      continue
    }
    if (line.trim() !== '') continues = /^\s*<!-- continues -->\s*$/.test(line)
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line)
    if (heading !== null) {
      const [, marks = '', title = ''] = heading
      headings.push({
        level: marks.length,
        text: title.replaceAll(/[`*_](?=\W|$)|(?<=^|\W)[`*_]/g, ''),
      })
    }
    if (/^\s*\|.*\|\s*$/.test(line) && !/^[\s|:-]+$/.test(line)) tableRows.push(cellsOf(line))
    for (const target of linksOf(line)) links.push({ target, line: index + 1 })
  }
  return { path, blocks, headings, links, tableRows }
}

function endOfBlock(lines: readonly string[], from: number, marks: string): number {
  const end = lines.findIndex((line, index) => {
    const closing = line.trim()
    return index >= from && closing.startsWith(marks) && /^(`+|~+)$/.test(closing)
  })
  return end === -1 ? lines.length : end
}

const withoutIndent = (line: string, indent: string): string =>
  line.startsWith(indent) ? line.slice(indent.length) : line.trimStart()

const cellsOf = (line: string): string[] =>
  line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim())

function linksOf(line: string): string[] {
  const prose = line.replaceAll(/`[^`]*`/g, '')
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+["'][^)]*)?\)/g)]
  const definition = [...prose.matchAll(/^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)/g)]
  const html = [...prose.matchAll(/\b(?:href|src)="([^"]+)"/g)]
  return [...inline, ...definition, ...html].flatMap(([, target]) => target ?? [])
}

/** The ts blocks of a page as programs. A block that a later one continues is part of that one too. */
export function programsOf(page: Page): Program[] {
  const programs: Program[] = []
  page.blocks.forEach((block, index) => {
    if (block.language !== 'ts') return
    const before = programs.at(-1)
    if (block.continues && before === undefined) {
      throw new Error(`${page.path}:${block.line}: continues nothing`)
    }
    const blocks = block.continues && before !== undefined ? [...before.blocks, block] : [block]
    const next = page.blocks[index + 1]
    const isOutput = next?.language === 'text' && next.info.includes('output')
    programs.push({
      page: page.path,
      blocks,
      text: blocks.map(({ text }) => text).join(''),
      output: isOutput ? next.text : undefined,
    })
  })
  return programs
}

export const isRun = (program: Program): boolean =>
  program.blocks.at(-1)?.info.includes('run') === true

/** What a program must print. */
export function outputPattern(output: string): RegExp {
  const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return new RegExp(`^${output.trimEnd().split('…').map(literal).join('.+')}$`)
}

/** `docs/errors.md:12`, for a line of the program counted from 0. */
export function placeIn(program: Program, line: number): string {
  let rest = line
  for (const block of program.blocks) {
    const lines = block.text.split('\n').length - 1
    if (rest < lines) return `${program.page}:${block.line + rest}`
    rest -= lines
  }
  return `${program.page}:${program.blocks.at(-1)?.line ?? 1}`
}
