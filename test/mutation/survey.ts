/**
 * Which test comes by which mutation, and how long each takes: measured by running all of them once
 * without any, and kept for as long as neither the sources nor the tests change.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { allMutations, readSource, testFiles } from './modules.js'
import type { ShardAnswer } from './shard.js'
import { runJobs, type ShardsOptions } from './shards.js'
import { switched } from './switching.js'
import type { TestCoverage } from './trial.js'

export interface SurveyedTest {
  readonly file: string
  readonly id: string
  readonly ms: number
  readonly mutants: ReadonlySet<number>
}

const unmutated = -1
/** With all of its tests at work on a busy machine. */
const fileLimitMs = 400_000

export interface Survey {
  readonly tests: readonly SurveyedTest[]
  /** Files of tests that fail without any mutation, which then can tell nothing about one. */
  readonly failed: readonly string[]
}

export async function survey(
  root: string,
  asked: RegExp,
  options: ShardsOptions,
  tell: (text: string) => void,
): Promise<Survey> {
  const cache = join(root, 'node_modules/.cache/holdfast-mutation')
  mkdirSync(cache, { recursive: true })
  const files = testFiles(root).filter((file) => asked.test(file))
  const common = commonDigest(root)
  const pathOf = new Map(files.map((file) => [file, join(cache, fileDigest(root, file, common))]))
  const failed: string[] = []
  const missing = [...pathOf].filter(([, path]) => !existsSync(path))
  const jobs = missing.map(([file, path]) => {
    const coveragePath = join(options.scratch, file.replaceAll('/', '-'))
    return {
      order: () => ({ mutant: unmutated, tests: undefined, coveragePath, files: [file] }),
      timeLimitMs: fileLimitMs,
      done: ({ outcome, told }: ShardAnswer) => {
        tell(`surveyed ${file}: ${outcome} ${told}`)
        if (outcome !== 'passed') failed.push(`${file}: ${outcome} ${told}`)
        else writeFileSync(path, existsSync(coveragePath) ? readFileSync(coveragePath) : '')
      },
    }
  })
  if (jobs.length > 0) await runJobs(jobs, { ...options, testTimeoutMs: fileLimitMs })
  return { tests: [...pathOf].flatMap(([file, path]) => read(file, path)), failed }
}

function read(file: string, path: string): SurveyedTest[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
  if (text === '') return []
  return text.split('\n').map((line) => {
    const { id, ms, mutants } = JSON.parse(line) as TestCoverage
    return { file, id, ms, mutants: new Set(mutants) }
  })
}

/** Of all that a test may use beside its own file: the sources with their mutations, what supports tests. */
export function commonDigest(root: string): string {
  const hash = createHash('sha256')
  for (const { file, first, mutations } of allMutations(root)) {
    hash.update(file).update(switched(readSource(root, file), mutations, first))
  }
  const mutated = new Set(allMutations(root).map(({ file }) => file))
  for (const folder of ['src', 'test']) {
    for (const name of readdirSync(join(root, folder), {
      recursive: true,
      encoding: 'utf8',
    }).sort()) {
      const file = `${folder}/${name.replaceAll('\\', '/')}`
      const isOther = file.endsWith('.test.ts') || file.startsWith('test/mutation/')
      if (!file.endsWith('.ts') || isOther || mutated.has(file)) continue
      hash.update(file).update(readSource(root, file))
    }
  }
  return hash.digest('hex')
}

export const fileDigest = (root: string, file: string, common: string): string =>
  createHash('sha256').update(common).update(file).update(readSource(root, file)).digest('hex')
