/**
 * Puts mistakes into the modules, one at a time, and counts which of them the tests notice.
 *
 *     npm run mutation -- --module file-lock --module serializer --seed 7 --sample 200 --shards 2
 *
 * A sample is drawn by the seed where a module has more mutations than it; 0 takes all. `--tests` asks
 * only the test files whose path matches, `--survivors` names a file for what nobody noticed.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../support/random.js'
import { allMutations, moduleNames, readSource, type SourceMutations } from './modules.js'
import { type Plan, Planner } from './plan.js'
import { runShard, type ShardAnswer } from './shard.js'
import { endShards, type Job, runJobs } from './shards.js'
import { survey } from './survey.js'
import {
  readExplanations,
  type Survivor,
  staleExplanations,
  survivorKey,
  survivorOf,
} from './survivors.js'

const root = process.cwd()
const testTimeoutMs = 15_000
/** One trial in so many makes no mistake, and must pass. */
const controlEvery = 25

interface Mutant {
  readonly number: number
  readonly source: SourceMutations
  readonly survivor: Survivor
  readonly operator: string
  readonly line: number
}

interface Tally {
  mutants: number
  killed: number
  timeout: number
  survived: number
  uncovered: number
  explained: number
}

function chooseMutants(modules: readonly string[], sample: number, seed: number): Mutant[] {
  const all = allMutations(root)
  return modules.flatMap((module) => {
    const random = seededRandom(seed)
    const mutants = all
      .filter((source) => source.module === module)
      .flatMap((source) => {
        const text = readSource(root, source.file)
        return source.mutations.map((mutation, index) => ({
          number: source.first + index,
          source,
          survivor: survivorOf(mutation, text),
          operator: mutation.operator,
          line: mutation.line,
          chance: random(),
        }))
      })
    if (sample === 0 || mutants.length <= sample) return mutants
    return mutants.sort((one, other) => one.chance - other.chance).slice(0, sample)
  })
}

function describe({ source, line, operator, survivor }: Mutant): string {
  const change = `${survivor.original} → ${survivor.replacement ?? '(nothing)'}`
  return `${source.file}:${line} ${operator}\n      ${survivor.line}\n      ${change}`
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      module: { type: 'string', multiple: true, default: [...moduleNames] },
      seed: {
        type: 'string',
        default: process.env.HOLDFAST_SEED ?? String(Math.floor(Math.random() * 2 ** 31)),
      },
      sample: { type: 'string', default: '60' },
      shards: { type: 'string', default: '2' },
      tests: { type: 'string', default: '' },
      survivors: { type: 'string' },
    },
  })
  const began = performance.now()
  const print = (text: string): void => console.log(text)
  const mutants = chooseMutants(values.module, Number(values.sample), Number(values.seed))
  print(`seed ${values.seed}, ${mutants.length} mutants`)
  const scratch = mkdtempSync(join(tmpdir(), 'holdfast-mutation-'))
  const options = { count: Number(values.shards), testTimeoutMs, scratch }
  process.once('SIGINT', () => {
    endShards()
    process.exit(130)
  })
  try {
    const { tests, failed } = await survey(root, new RegExp(values.tests), options, print)
    const planner = new Planner(tests)
    const explained = new Set(readExplanations(root).map(survivorKey))
    const tallies = new Map<string, Tally>()
    const problems = [
      ...failed.map((file) => `fails without a mutation, and was not asked: ${file}`),
      ...staleExplanations(root).map((entry) => `explains nothing: ${entry}`),
    ]
    const survivors: (Survivor & { told: string })[] = []
    const settle = (mutant: Mutant, outcome: keyof Tally, told: string): void => {
      const { module } = mutant.source
      const tally = tallies.get(module) ?? emptyTally()
      tallies.set(module, tally)
      const isExplained = explained.has(survivorKey(mutant.survivor))
      const isNoticed = outcome === 'killed' || outcome === 'timeout'
      tally.mutants += 1
      tally[isExplained && !isNoticed ? 'explained' : outcome] += 1
      if (isExplained && isNoticed) problems.push(`is noticed by ${told}:\n  ${describe(mutant)}`)
      if (isExplained || isNoticed) return
      survivors.push({ ...mutant.survivor, told: outcome })
      print(`  ${outcome} ${describe(mutant)}`)
    }
    const controls = { passed: 0 }
    const jobs: Job[] = []
    const job = (number: number, plan: () => Plan, ms: number, done: Job['done']): void => {
      const order = (): ReturnType<Job['order']> => {
        const { files, tests } = plan()
        return { mutant: number, tests, files, coveragePath: undefined }
      }
      jobs.push({ order, timeLimitMs: 30_000 + 10 * ms, done })
    }
    for (const [index, mutant] of mutants.entries()) {
      const { number, source } = mutant
      const plan = planner.plan(number, source)
      if (plan === undefined) {
        settle(mutant, 'uncovered', '')
        continue
      }
      // Made anew when its turn has come, as others have been noticed meanwhile.
      const current = (): Plan => planner.plan(number, source) ?? plan
      job(number, current, plan.ms, (answer) => {
        const outcome = outcomeOf(answer)
        if (answer.outcome === 'failed') {
          const noticing = plan.files.find((file) => answer.told.startsWith(shortName(file)))
          if (noticing !== undefined) planner.noticed(source.module, noticing)
        }
        settle(mutant, outcome, answer.told)
      })
      if (index % controlEvery !== 0) continue
      job(-1, current, plan.ms, ({ outcome, told }) => {
        if (outcome === 'passed') controls.passed += 1
        else problems.push(`fails without a mutation: ${outcome}: ${told}`)
      })
    }
    await runJobs(jobs, options)
    if (values.survivors !== undefined) {
      writeFileSync(values.survivors, `${JSON.stringify(survivors, null, 2)}\n`)
    }
    for (const [module, tally] of tallies) tell(module, tally)
    const seconds = Math.round((performance.now() - began) / 1_000)
    print(`  ${controls.passed} trials without a mutation passed; ${seconds} s`)
    for (const problem of problems) print(`  PROBLEM ${problem}`)
    if (problems.length > 0) process.exitCode = 1
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

const emptyTally = (): Tally => ({
  mutants: 0,
  killed: 0,
  timeout: 0,
  survived: 0,
  uncovered: 0,
  explained: 0,
})

const shortName = (file: string): string => `${basename(dirname(file))}/${basename(file)}:`

function outcomeOf({ outcome }: ShardAnswer): keyof Tally {
  if (outcome === 'passed') return 'survived'
  return outcome === 'timeout' ? 'timeout' : 'killed'
}

/** In the same form as the figures of the other campaigns. */
function tell(module: string, tally: Tally): void {
  const noticed = tally.killed + tally.timeout
  const score = Math.round((1_000 * noticed) / Math.max(1, tally.mutants - tally.explained)) / 10
  const figures = { module, ...tally, score }
  const told = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
  console.log(`  mutation: ${told.join(', ')}`)
  const { HOLDFAST_FIGURES: path } = process.env
  if (path !== undefined) {
    appendFileSync(path, `${JSON.stringify({ what: 'mutation', figures })}\n`)
  }
}

if (process.argv[2] === '--shard') await runShard(root, Number(process.argv[3]))
else await main()
