/** Which sources are mutated, and which test files may notice. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Mutation, mutationsOf } from './mutations.js'

/** A module of the library, by the sources that belong to it. The core comes first. */
const modules: Readonly<Record<string, RegExp>> = {
  'atomic-write': /^src\/atomic-write\//,
  'file-lock': /^src\/file-lock\//,
  'log-segment': /^src\/log-segment\//,
  serializer: /^src\/serializer\//,
  'storage/file': /^src\/storage\/file\//,
  'file-system': /^src\/file-system\/(memory-[^/]+|steps)\.ts$/,
  storage: /^src\/storage\/[^/]+\.ts$/,
  'storage/memory': /^src\/storage\/memory\//,
  store: /^src\/store\//,
  lock: /^src\/lock\//,
  log: /^src\/log\//,
  counter: /^src\/counter\//,
  health: /^src\/health\//,
}

export const moduleNames: readonly string[] = Object.keys(modules)

export const coreModules: readonly string[] = moduleNames.slice(0, 5)

/** Tests of all of these that take no processes and no more than some seconds a file. */
const testFolders =
  /^test\/(atomic-write|concurrency|counter|documents|durability|faults|file-lock|file-system|full-disk|health|lock|log|log-segment|logs|serializer|storage|store|testing)\//

/** These take longer than all others together, or run the sources in other processes. */
const slowTests = [
  'test/concurrency/interleavings.test.ts',
  'test/documents/keys.test.ts',
  'test/documents/open-cost.test.ts',
  'test/durability/killed.test.ts',
  'test/durability/mutants.test.ts',
  'test/durability/operations.test.ts',
  'test/durability/power-cut.test.ts',
  'test/faults/damage.test.ts',
  'test/faults/damaged-internals.test.ts',
  'test/faults/damaged-text.test.ts',
  'test/faults/fault-pairs.test.ts',
  'test/faults/hanging-calls.test.ts',
  'test/faults/single-faults.test.ts',
  'test/logs/damage.test.ts',
  'test/storage/conformance-runners.test.ts',
]

function filesUnder(root: string, folder: string): string[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return files.map((file) => `${folder}/${file.replaceAll('\\', '/')}`).sort()
}

export function sourcesOf(root: string, module: string): string[] {
  const belongs = modules[module]
  if (belongs === undefined)
    throw new Error(`No module ${module}; there are ${moduleNames.join(', ')}`)
  return filesUnder(root, 'src').filter((file) => file.endsWith('.ts') && belongs.test(file))
}

export function testFiles(root: string): string[] {
  return filesUnder(root, 'test').filter(
    (file) => file.endsWith('.test.ts') && testFolders.test(file) && !slowTests.includes(file),
  )
}

export const readSource = (root: string, file: string): string =>
  readFileSync(join(root, file), 'utf8')

export interface SourceMutations {
  readonly module: string
  readonly file: string
  /** The number of its first mutation; the others follow. */
  readonly first: number
  readonly mutations: readonly Mutation[]
}

/** All of all modules, numbered; the numbers are the same as long as the sources are. */
export function allMutations(root: string): SourceMutations[] {
  let first = 0
  return moduleNames.flatMap((module) =>
    sourcesOf(root, module).map((file) => {
      const mutations = mutationsOf(file, readSource(root, file))
      const numbered = { module, file, first, mutations }
      first += mutations.length
      return numbered
    }),
  )
}
