/**
 * A process that tries mutations: it is sent orders and answers each with what came of it. It keeps one
 * vitest, and with it the compiled sources; each trial has a worker of its own. Whoever sends the orders
 * ends it when it does not answer.
 */
import { writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { createVitest, type TestModule, type TestSpecification, type Vitest } from 'vitest/node'
import { allMutations, readSource } from './modules.js'
import { switched } from './switching.js'
import { endlessMessage, orderVariable, type TrialOrder } from './trial.js'

export interface ShardOrder extends TrialOrder {
  /** Relative to the repository, in the order in which to run them. */
  readonly files: readonly string[]
}

export interface ShardAnswer {
  /** `stray`: no test failed, but something was thrown outside of them. */
  readonly outcome: 'passed' | 'failed' | 'timeout' | 'stray'
  /** The first test that failed, or what was thrown. */
  readonly told: string
}

/** Serves the process that forked this one until it goes. */
export async function runShard(root: string, testTimeoutMs: number): Promise<void> {
  const orderPath = process.env[orderVariable]
  if (orderPath === undefined) throw new Error(`${orderVariable} is not set`)
  const vitest = await startVitest(root, testTimeoutMs)
  process.on('disconnect', () => process.exit())
  process.on('message', (order: ShardOrder) => {
    writeFileSync(orderPath, JSON.stringify(order))
    void answer(vitest, root, order.files).then((found) => process.send?.(found))
  })
  process.send?.('ready')
}

class GivenOrder {
  async shard(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    return specifications
  }

  async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    return specifications
  }
}

function startVitest(root: string, testTimeoutMs: number): Promise<Vitest> {
  const texts = new Map(
    allMutations(root).map(({ file, first, mutations }) => [
      join(root, file),
      switched(readSource(root, file), mutations, first),
    ]),
  )
  return createVitest(
    'test',
    {
      root,
      watch: false,
      reporters: [{}],
      runner: join(root, 'test/mutation/trial-runner.ts'),
      // All of a trial in one process, one file after another.
      poolOptions: { forks: { singleFork: true, isolate: false } },
      sequence: { sequencer: GivenOrder },
      testTimeout: testTimeoutMs,
      hookTimeout: testTimeoutMs,
      teardownTimeout: 1_000,
      silent: true,
    },
    { plugins: [{ name: 'mutations', enforce: 'pre', load: (id) => texts.get(id) }] },
  )
}

async function answer(
  vitest: Vitest,
  root: string,
  files: readonly string[],
): Promise<ShardAnswer> {
  const project = vitest.getRootProject()
  const specifications = files.map((file) => project.createSpecification(join(root, file)))
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications)
  // Those of earlier trials are still told of.
  const run = testModules.filter(({ moduleId }) => files.includes(relative(root, moduleId)))
  const failure = run.map(firstFailure).find((found) => found !== undefined)
  if (failure !== undefined) {
    const isTimeout = failure.message.includes('timed out in') || isEndless(failure.message)
    return { outcome: isTimeout ? 'timeout' : 'failed', told: failure.name }
  }
  const [stray] = unhandledErrors
  if (stray === undefined) return { outcome: 'passed', told: '' }
  const told = stray instanceof Error ? stray.message : JSON.stringify(stray)
  return { outcome: isEndless(told) ? 'timeout' : 'stray', told }
}

const isEndless = (message: string): boolean => message.includes(endlessMessage)

function firstFailure(module: TestModule): { name: string; message: string } | undefined {
  const { moduleId } = module
  const file = `${basename(dirname(moduleId))}/${basename(moduleId)}`
  for (const test of module.children.allTests('failed')) {
    const messages = test.result().errors?.map(({ message }) => message) ?? []
    return { name: `${file}: ${test.fullName}`, message: messages.join() }
  }
  const [error] = [module, ...module.children.allSuites()].flatMap((part) => part.errors())
  return error === undefined ? undefined : { name: file, message: error.message }
}
