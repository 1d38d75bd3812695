/** The mutations that nobody can notice, each with its reason, by the text of the sources they change. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSource } from './modules.js'
import { type Mutation, mutationsOf, onOneLine } from './mutations.js'

export interface Survivor {
  readonly file: string
  readonly within: string
  /** The line in which the change begins. */
  readonly line: string
  readonly original: string
  /** Null when it is left out. */
  readonly replacement: string | null
}

export interface Explanation extends Survivor {
  readonly reason: string
}

export function readExplanations(root: string): Explanation[] {
  const path = join(root, 'test/mutation/survivors.json')
  return JSON.parse(readFileSync(path, 'utf8')) as Explanation[]
}

/** `text` is the whole source. */
export function survivorOf(mutation: Mutation, text: string): Survivor {
  const { file, within, original, replacement, start } = mutation
  const lineEnd = text.indexOf('\n', start)
  const line = text.slice(text.lastIndexOf('\n', start - 1) + 1, lineEnd < 0 ? undefined : lineEnd)
  return {
    file,
    within,
    line: line.trim(),
    original: onOneLine(original),
    replacement: replacement === undefined ? null : onOneLine(replacement),
  }
}

export const survivorKey = ({ file, within, line, original, replacement }: Survivor): string =>
  JSON.stringify([file, within, line, original, replacement])

/** Those that explain nothing that is there any more. */
export function staleExplanations(root: string): string[] {
  const explanations = readExplanations(root)
  const files = new Set(explanations.map(({ file }) => file))
  const present = new Set(
    [...files]
      .filter((file) => existsSync(join(root, file)))
      .flatMap((file) => {
        const text = readSource(root, file)
        return mutationsOf(file, text).map((mutation) => survivorKey(survivorOf(mutation, text)))
      }),
  )
  const stale = explanations.filter((entry) => !present.has(survivorKey(entry)))
  return stale.map(({ file, line, original }) => `${file}: ${original} in ${line}`)
}
