import { posix } from 'node:path'
import type { SourceModule } from './source-module.js'

/** Folder → the folder around it whose files it may import directly. */
export type InnerFolders = Readonly<Record<string, string>>

/** Imports of another folder's files that do not go through its `index.ts`. */
export function checkEntrances(modules: readonly SourceModule[], inner: InnerFolders): string[] {
  return modules.flatMap((module) => {
    const from = posix.dirname(module.path)
    return module.imports.flatMap(({ target, specifier, line }) => {
      if (target === undefined || posix.basename(target) === 'index.ts') return []
      const to = posix.dirname(target)
      if (to === from || inner[from] === to) return []
      return [`${module.path}:${line}: '${specifier}' goes around ${to}/index.ts`]
    })
  })
}

/** Folders without an `index.ts`, or with one that does not begin by saying what lives there. */
export function checkFolderComments(modules: readonly SourceModule[]): string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]))
  const folders = new Set(modules.map((module) => posix.dirname(module.path)))
  return [...folders].flatMap((folder) => {
    const index = byPath.get(`${folder}/index.ts`)
    if (index === undefined) return [`${folder}: has no index.ts`]
    const comment = /^(?:\/\*\*?([\s\S]*?)\*\/|((?:\/\/[^\n]*\n)+))/.exec(index.text)
    const words = (comment?.[1] ?? comment?.[2] ?? '').match(/[A-Za-z]{2,}/g) ?? []
    if (words.length >= 3) return []
    return [`${index.path}: does not begin with a comment that says what lives there`]
  })
}

/** Folders whose name says nothing. */
export function checkFolderNames(
  modules: readonly SourceModule[],
  refused: readonly string[],
): string[] {
  const folders = new Set(modules.map((module) => posix.dirname(module.path)))
  return [...folders].flatMap((folder) =>
    folder
      .split('/')
      .filter((part) => refused.includes(part))
      .map((part) => `${folder}: '${part}' does not name a concept`),
  )
}
