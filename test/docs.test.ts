import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  checkErrorCodes,
  checkFeatures,
  checkLinks,
  doneFeatures,
  unionMembers,
} from './docs/claims.js'
import { isRun, outputPattern, type Page, programsOf, readPages } from './docs/page.js'
import { runProgram } from './docs/run-program.js'
import { typeCheck } from './docs/type-check.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const pages = readPages(root)
const programs = pages.flatMap(programsOf)
const examples = programs.filter(isRun).map((program) => {
  const block = program.blocks.at(-1)
  return { name: `${program.page}:${block?.line}`, program }
})

function pageAt(path: string): Page {
  const page = pages.find((candidate) => candidate.path === path)
  if (page === undefined) throw new Error(`${path} does not exist`)
  return page
}

describe('the documentation', () => {
  it('has the pages that other tests read, and an example that runs', () => {
    const needed = ['README.md', 'docs/errors.md', 'docs/features.md']
    const missing = needed.filter((path) => !pages.some((page) => page.path === path))
    expect(missing, 'missing pages').toEqual([])
    const inReadme = examples.filter(({ program }) => program.page === 'README.md')
    expect(inReadme.length, 'blocks ```ts run in README.md').toBeGreaterThan(0)
  })

  it('type-checks', () => {
    expect(programs.length, 'blocks ```ts').toBeGreaterThan(0)
    expect(typeCheck(root, programs)).toEqual([])
  })

  it.each(examples)('runs $name', async ({ program }) => {
    const { code, stdout, stderr } = await runProgram(root, program)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    if (program.output === undefined) return
    // Compared as text first, for the difference is shown then.
    if (!program.output.includes('…')) expect(stdout.trimEnd()).toBe(program.output.trimEnd())
    else expect(stdout.trimEnd()).toMatch(outputPattern(program.output))
  })

  it('links to files that exist', () => {
    expect(pages.length, 'pages').toBeGreaterThan(0)
    expect(pages.flatMap((page) => checkLinks(root, page))).toEqual([])
  })

  it('describes every error code, and no other', () => {
    const source = readFileSync(join(root, 'src/errors/state-store-error.ts'), 'utf8')
    const codes = unionMembers(source, 'StateStoreErrorCode')
    expect(codes).toContain('STATE_CORRUPT')
    expect(checkErrorCodes(pageAt('docs/errors.md'), codes)).toEqual([])
  })

  it('names a test for every feature that is done', () => {
    const page = pageAt('docs/features.md')
    expect(doneFeatures(page).length, 'rows with status done').toBeGreaterThan(0)
    expect(checkFeatures(root, page)).toEqual([])
  })
})
