import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'
import type { Page } from './page.js'

/** Relative links that lead to no file. */
export function checkLinks(root: string, page: Page): string[] {
  return page.links.flatMap(({ target, line }) => {
    if (/^(?:[a-z][a-z+.-]*:|#|\/\/)/i.test(target)) return []
    const path = decodeURI(target).replace(/[#?].*$/, '')
    const file = path.startsWith('/') ? path : posix.join(posix.dirname(page.path), path)
    return existsSync(join(root, file)) ? [] : [`${page.path}:${line}: ${target} leads nowhere`]
  })
}

/** The string literals of the union type `name` in a source text. */
export function unionMembers(source: string, name: string): string[] {
  const tree = ts.createSourceFile('source.ts', source, ts.ScriptTarget.ES2022, true)
  const alias = tree.statements.find(
    (node): node is ts.TypeAliasDeclaration =>
      ts.isTypeAliasDeclaration(node) && node.name.text === name,
  )
  if (alias === undefined || !ts.isUnionTypeNode(alias.type)) return []
  return alias.type.types.flatMap((type) =>
    ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal) ? [type.literal.text] : [],
  )
}

/** Error codes without a heading of their own, and headings of codes that do not exist. */
export function checkErrorCodes(page: Page, codes: readonly string[]): string[] {
  const described = page.headings.map(({ text }) => text).filter((text) => /^STATE_\w+$/.test(text))
  return [
    ...codes.filter((code) => !described.includes(code)).map((code) => `${code} has no heading`),
    ...described.filter((code) => !codes.includes(code)).map((code) => `${code} is no error code`),
  ].map((complaint) => `${page.path}: ${complaint}`)
}

export interface FeatureRow {
  readonly id: string
  readonly tests: readonly string[]
}

/** The rows of the feature tables whose status is `done`, with the test files they name. */
export function doneFeatures(page: Page): FeatureRow[] {
  let status = -1
  const rows: FeatureRow[] = []
  for (const cells of page.tableRows) {
    const plain = cells.map((cell) => cell.replaceAll(/[`*_]/g, '').toLowerCase())
    const heading = plain.indexOf('status')
    if (heading !== -1) status = heading
    else if (plain[status] === 'done') {
      const tests = cells.join(' ').match(/\btest\/[\w./-]+\.test\.ts/g) ?? []
      rows.push({ id: cells[0] ?? '', tests: [...new Set(tests)] })
    }
  }
  return rows
}

/** Features that are said to be done without a test file that exists. */
export function checkFeatures(root: string, page: Page): string[] {
  const complaints = doneFeatures(page).flatMap(({ id, tests }) => {
    if (tests.length === 0) return [`${id} is done but names no test file`]
    return tests
      .filter((test) => !existsSync(join(root, test)))
      .map((test) => `${id} names ${test}, which does not exist`)
  })
  return complaints.map((complaint) => `${page.path}: ${complaint}`)
}
