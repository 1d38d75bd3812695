/** Every mistake that can be put into a source. */
import ts from 'typescript'
import { operators } from './operators.js'

export interface Mutation {
  /** Relative to the repository, with slashes. */
  readonly file: string
  /** 1-based; for people, as it changes with every edit. */
  readonly line: number
  readonly operator: string
  /** The name of the function, method or constant around it. */
  readonly within: string
  /** What stands there and what is put in its place, each on one line; nothing when it is left out. */
  readonly original: string
  readonly replacement: string | undefined
  /** Where it stands in the text of the source. */
  readonly start: number
  readonly end: number
}

export function mutationsOf(file: string, text: string): Mutation[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
  const found: Mutation[] = []
  const visit = (node: ts.Node, within: string): void => {
    if (isFixed(node)) return
    const around = nameOf(node) ?? within
    const start = node.getStart(source)
    if (!isInsideChain(node)) {
      const seen = new Set<string | undefined>()
      for (const { operator, replacement } of operators.flatMap((operate) => operate(node))) {
        if (seen.has(replacement)) continue
        seen.add(replacement)
        const line = source.getLineAndCharacterOfPosition(start).line + 1
        const original = text.slice(start, node.end)
        found.push({
          file,
          line,
          operator,
          within: around,
          original,
          replacement,
          start,
          end: node.end,
        })
      }
    }
    ts.forEachChild(node, (child) => visit(child, around))
  }
  ts.forEachChild(source, (node) => visit(node, ''))
  return found
}

/** Text on one line, however it was broken into lines. */
export const onOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()

/** What is no code that runs, or must stand as it is. */
function isFixed(node: ts.Node): boolean {
  if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return true
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return true
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true
  return isNameIn(node, node.parent)
}

function isNameIn(node: ts.Node, parent: ts.Node): boolean {
  return (
    'name' in parent &&
    parent.name === node &&
    !ts.isObjectBindingPattern(node) &&
    !ts.isArrayBindingPattern(node)
  )
}

function nameOf(node: ts.Node): string | undefined {
  const isNamed =
    ts.isFunctionDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isAccessor(node) ||
    ts.isPropertyDeclaration(node) ||
    (ts.isVariableDeclaration(node) && ts.isSourceFile(node.parent.parent.parent))
  if (isNamed) return node.name?.getText()
  return ts.isConstructorDeclaration(node) ? 'constructor' : undefined
}

/** Parentheses around a part of `a?.b.c` would end its chain, and with `this` taken from it, a call. */
function isInsideChain(node: ts.Node): boolean {
  const { parent } = node
  const continues =
    ts.isPropertyAccessExpression(parent) ||
    ts.isElementAccessExpression(parent) ||
    ts.isCallExpression(parent) ||
    ts.isNonNullExpression(parent)
  return continues && parent.expression === node && (node.flags & ts.NodeFlags.OptionalChain) !== 0
}
