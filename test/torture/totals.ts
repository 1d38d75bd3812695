/** What contenders have counted, and what they left lying about. */
import { readdirSync, readFileSync } from 'node:fs'
import { openStateStore } from '../../src/index.js'
import type { ContenderArguments } from './contender.worker.js'

export interface Totals {
  readonly counter: number
  readonly a: { readonly amount: number; readonly moves: number }
  readonly b: { readonly amount: number; readonly moves: number }
  readonly outside: number
}

const nothing = { amount: 0, moves: 0 }

export async function totalsOf({ directory, outside }: ContenderArguments): Promise<Totals> {
  const store = await openStateStore(directory)
  try {
    const accounts = store.collection<Totals['a']>('accounts')
    return {
      counter: (await store.collection<number>('counters').get('all')) ?? 0,
      a: (await accounts.get('a')) ?? nothing,
      b: (await accounts.get('b')) ?? nothing,
      outside: Number(readFileSync(outside, 'utf8').split(' ')[0]),
    }
  } finally {
    await store.close()
  }
}

/** Files below a store's directory, relative to it. */
const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [`${entry.parentPath}/${entry.name}`.slice(directory.length + 1)] : [],
  )

/** What a store that nobody has open consists of by its format. */
const expected: readonly RegExp[] = [
  /^[a-z]+\/[^/]+\.json$/,
  /^logs\/[^/]+(\/\d{6})?\.jsonl$/,
  /^\.holdfast\/logs\/[^/]+(\/\d{6})?\.json$/,
  /^\.holdfast\/(store|store\.copy)\.json$/,
  /^\.holdfast\/(\.gitignore|reserve)$/,
  /^\.holdfast\/ceilings\/\d{16}$/,
  /^\.holdfast\/backups\/[a-z]+\/[^/]+\/[^/]+$/,
  /^\.holdfast\/domains\/\d+\/boots\/[^/]+$/,
  /^\.holdfast\/domains\/\d+\/write\/\d{16}$/,
  /^\.holdfast\/domains\/\d+\/names\/[^/]+\/(\d{16}|waiting)$/,
]

/** Opens and closes the store, as its next user would; returns the files that do not belong to it. */
export async function strayFilesIn(directory: string): Promise<string[]> {
  const store = await openStateStore(directory)
  await store.close()
  return filesIn(directory).filter((file) => !expected.some((shape) => shape.test(file)))
}
