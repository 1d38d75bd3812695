import { dirname, join } from 'node:path'
import ts from 'typescript'
import { type Program, placeIn } from './page.js'

/** Type-checks all programs at once against the sources; `page:line: message` for each error. */
export function typeCheck(root: string, programs: readonly Program[]): string[] {
  // They lie in the root, where `zod` and the type of package.json are found; none is ever on disk.
  const byFile = new Map(
    programs.map((program, index) => [join(root, `documentation-${index}.ts`), program]),
  )
  const options = compilerOptions(root)
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (file) => byFile.has(file) || fileExists(file)
  host.readFile = (file) => byFile.get(file)?.text ?? readFile(file)
  host.getSourceFile = (file, languageVersion, ...rest) => {
    const text = byFile.get(file)?.text
    if (text === undefined) return getSourceFile(file, languageVersion, ...rest)
    return ts.createSourceFile(file, text, languageVersion, true)
  }
  const program = ts.createProgram([...byFile.keys()], options, host)
  return [...byFile].flatMap(([file, documented]) => {
    const source = program.getSourceFile(file)
    if (source === undefined) throw new Error(`${file} was not compiled`)
    return [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map(({ start = 0, messageText }) => {
      const { line } = source.getLineAndCharacterOfPosition(start)
      return `${placeIn(documented, line)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
  })
}

function compilerOptions(root: string): ts.CompilerOptions {
  const path = join(root, 'tsconfig.json')
  const { config, error } = ts.readConfigFile(path, ts.sys.readFile)
  if (error !== undefined) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'))
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(path))
  return {
    ...options,
    moduleDetection: ts.ModuleDetectionKind.Force,
    // An example may show a value without using it.
    noUnusedLocals: false,
    noUnusedParameters: false,
  }
}
