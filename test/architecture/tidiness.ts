import ts from 'typescript'
import { lineOf, type SourceModule, walk } from './source-module.js'

export function checkLength(modules: readonly SourceModule[], linesMax: number): string[] {
  return modules.flatMap(({ path, text }) => {
    const lines = text.replace(/\n$/, '').split('\n').length
    return lines > linesMax ? [`${path}: has ${lines} lines, more than ${linesMax}`] : []
  })
}

/** Catch clauses that do nothing. A comment in one does not help: the error is still lost. */
export function checkEmptyCatch(modules: readonly SourceModule[]): string[] {
  return complaints(modules, (node) =>
    ts.isCatchClause(node) && node.block.statements.length === 0 ? 'empty catch' : undefined,
  )
}

/** `it.skip`, `test.only`, `describe.concurrent.todo` and the like. */
export function checkSkippedTests(modules: readonly SourceModule[]): string[] {
  return complaints(modules, (node) => {
    if (!ts.isPropertyAccessExpression(node)) return undefined
    if (!['skip', 'only', 'todo'].includes(node.name.text)) return undefined
    let root: ts.Expression = node.expression
    while (ts.isPropertyAccessExpression(root) || ts.isCallExpression(root)) root = root.expression
    if (!ts.isIdentifier(root) || !['it', 'test', 'describe', 'suite'].includes(root.text)) {
      return undefined
    }
    return node.getText()
  })
}

function complaints(
  modules: readonly SourceModule[],
  complain: (node: ts.Node) => string | undefined,
): string[] {
  return modules.flatMap(({ path, tree }) => {
    const found: string[] = []
    walk(tree, (node) => {
      const complaint = complain(node)
      if (complaint !== undefined) found.push(`${path}:${lineOf(tree, node)}: ${complaint}`)
    })
    return found
  })
}
