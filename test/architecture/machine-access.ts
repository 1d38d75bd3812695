/**
 * Who may ask the machine for time, chance and files.
 *
 * What a module uses is read off its syntax tree as names: `node:fs` for an imported module,
 * `node:crypto.randomBytes` for something out of one, `Date.now` for a member, `setTimeout` for a
 * global, `new Date()` for a construction without arguments.
 */
import ts from 'typescript'
import { isRelative, lineOf, type SourceModule, walk } from './source-module.js'

export interface MachineRule {
  readonly names: readonly string[]
  readonly onlyIn: RegExp
}

interface Use {
  readonly name: string
  readonly line: number
}

/** Uses of the rules' names outside the places where they are allowed. */
export function checkMachineAccess(
  modules: readonly SourceModule[],
  rules: readonly MachineRule[],
): string[] {
  return modules.flatMap((module) => {
    const refused = new Set(
      rules.filter(({ onlyIn }) => !onlyIn.test(module.path)).flatMap(({ names }) => names),
    )
    const found = usesOf(module).filter(({ name }) => refused.has(name))
    const lines = found.map(({ name, line }) => `${module.path}:${line}: uses ${name}`)
    return [...new Set(lines)]
  })
}

function usesOf({ tree, imports }: SourceModule): Use[] {
  const uses: Use[] = imports
    .filter(({ specifier }) => !isRelative(specifier))
    .map(({ specifier, line }) => ({ name: canonical(specifier), line }))
  const namespaces = namespacesOf(tree)
  walk(tree, (node) => {
    for (const name of namesOf(node, namespaces)) uses.push({ name, line: lineOf(tree, node) })
  })
  return uses
}

// `fs` and `node:fs` are one module.
const canonical = (specifier: string): string =>
  /^(?:fs|crypto|timers|perf_hooks)(?:\/|$)/.test(specifier) ? `node:${specifier}` : specifier

/** Local name → module, for `import * as x` and `import x`. */
function namespacesOf(tree: ts.SourceFile): Map<string, string> {
  const namespaces = new Map<string, string>()
  walk(tree, (node) => {
    if (!ts.isImportDeclaration(node) || !ts.isStringLiteral(node.moduleSpecifier)) return
    const module = canonical(node.moduleSpecifier.text)
    const bindings = node.importClause?.namedBindings
    if (node.importClause?.name !== undefined) namespaces.set(node.importClause.name.text, module)
    if (bindings !== undefined && ts.isNamespaceImport(bindings)) {
      namespaces.set(bindings.name.text, module)
    }
  })
  return namespaces
}

function namesOf(node: ts.Node, namespaces: ReadonlyMap<string, string>): string[] {
  if (ts.isImportSpecifier(node) || ts.isExportSpecifier(node)) {
    const { moduleSpecifier } = ts.isImportSpecifier(node)
      ? node.parent.parent.parent
      : node.parent.parent
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return []
    return [`${canonical(moduleSpecifier.text)}.${(node.propertyName ?? node.name).text}`]
  }
  if (ts.isPropertyAccessExpression(node)) return [member(node.expression, node.name.text)]
  if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression)) {
    return [member(node.expression, node.argumentExpression.text)]
  }
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name)) {
    const { initializer } = node
    if (initializer === undefined) return []
    return node.name.elements.map((element) =>
      member(initializer, (element.propertyName ?? element.name).getText()),
    )
  }
  if (ts.isNewExpression(node) && (node.arguments ?? []).length === 0) {
    return [`new ${node.expression.getText()}()`]
  }
  if (ts.isCallExpression(node) && node.expression.getText() === 'Date') return ['new Date()']
  if (ts.isIdentifier(node) && isReference(node)) return [node.text]
  return []

  function member(object: ts.Expression, name: string): string {
    const owner = object.getText().replace(/^globalThis\./, '')
    if (owner === 'globalThis') return name
    return `${namespaces.get(owner) ?? owner}.${name}`
  }
}

/** Whether the identifier stands for a value, and is not merely the name of something. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isShorthandPropertyAssignment(parent)) return true
  if ('name' in parent && parent.name === node) return false
  if (ts.isBindingElement(parent)) return parent.initializer === node
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false
  return !ts.isTypeNode(parent) && !ts.isQualifiedName(parent)
}
