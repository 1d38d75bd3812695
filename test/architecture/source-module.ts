import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import ts from 'typescript'

export interface SourceImport {
  readonly specifier: string
  /** The imported file when the specifier is relative and the file was read. */
  readonly target: string | undefined
  /** Erased by the compiler. Under `verbatimModuleSyntax` that is `import type` and nothing else. */
  readonly typeOnly: boolean
  readonly line: number
}

export interface SourceModule {
  /** From the root of the repository, with slashes: `src/store/index.ts`. */
  readonly path: string
  readonly text: string
  readonly tree: ts.SourceFile
  readonly imports: readonly SourceImport[]
}

export const isRelative = (specifier: string): boolean => /^\.\.?(?:\/|$)/.test(specifier)

export function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}

/** Calls `visit` for every node of the tree, outer before inner. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

/** Parses files given as path → text. Imports are resolved among these files only. */
export function parseModules(files: Readonly<Record<string, string>>): SourceModule[] {
  const paths = new Set(Object.keys(files))
  return Object.entries(files).map(([path, text]) => {
    const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
    return { path, text, tree, imports: importsOf(tree, paths) }
  })
}

/** Reads and parses every `.ts` file below the given folders of the repository. */
export function readModules(root: string, ...folders: readonly string[]): SourceModule[] {
  const files: Record<string, string> = {}
  for (const folder of folders) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!entry.endsWith('.ts') || entry.endsWith('.d.ts')) continue
      const path = posix.join(folder, entry.split(sep).join('/'))
      files[path] = readFileSync(join(root, path), 'utf8')
    }
  }
  return parseModules(files)
}

function importsOf(tree: ts.SourceFile, paths: ReadonlySet<string>): SourceImport[] {
  const imports: SourceImport[] = []
  walk(tree, (node) => {
    const found = importOf(node)
    if (found === undefined) return
    const { specifier, typeOnly } = found
    const target = resolve(tree.fileName, specifier, paths)
    imports.push({ specifier, target, typeOnly, line: lineOf(tree, node) })
  })
  return imports
}

function importOf(node: ts.Node): { specifier: string; typeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node)) {
    return named(node.moduleSpecifier, node.importClause?.isTypeOnly === true)
  }
  if (ts.isExportDeclaration(node)) return named(node.moduleSpecifier, node.isTypeOnly)
  if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
    return named(node.moduleReference.expression, node.isTypeOnly)
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return named(node.argument.literal, true)
  }
  if (ts.isCallExpression(node)) {
    const { expression } = node
    const isRequire = ts.isIdentifier(expression) && expression.text === 'require'
    if (isRequire || expression.kind === ts.SyntaxKind.ImportKeyword) {
      return named(node.arguments[0], false)
    }
  }
  return undefined
}

function named(
  node: ts.Node | undefined,
  typeOnly: boolean,
): { specifier: string; typeOnly: boolean } | undefined {
  if (node === undefined || !ts.isStringLiteralLike(node)) return undefined
  return { specifier: node.text, typeOnly }
}

function resolve(from: string, specifier: string, paths: ReadonlySet<string>): string | undefined {
  if (!isRelative(specifier)) return undefined
  const plain = posix.join(posix.dirname(from), specifier)
  return [plain.replace(/\.js$/, '.ts'), plain].find((path) => paths.has(path))
}
