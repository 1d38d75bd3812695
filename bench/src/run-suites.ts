import { contenders } from './contenders/index.js'
import { probeDurability } from './durability.js'
import type { SuiteName } from './options.js'
import type { RunContext } from './run-context.js'
import { type CounterTable, runCounterSuite } from './suites/counter.js'
import { type ImportTable, runImportSuite } from './suites/import.js'
import { runInflightSuite } from './suites/inflight.js'
import { type LockTable, runLockSuite } from './suites/lock.js'
import { type AppendTable, runLogAppendSuite } from './suites/log-append.js'
import { type LogReadTable, runLogReadSuite } from './suites/log-read.js'
import { type OpenTable, runOpenSuite } from './suites/open.js'
import { runSetSuite } from './suites/set.js'
import type { WriteTable } from './suites/write-suite.js'

export type SuiteTable =
  | WriteTable
  | CounterTable
  | AppendTable
  | LogReadTable
  | LockTable
  | OpenTable
  | ImportTable

type TableTask = (context: RunContext) => Promise<SuiteTable>

const logAppends =
  (wanted: AppendTable['wanted'], width?: number): TableTask =>
  (context) => {
    const { log } = context.options
    return runLogAppendSuite(context, { ...log, wanted, width: width ?? log.width })
  }

function tasksOf(suite: SuiteName, sizes: readonly number[]): TableTask[] {
  switch (suite) {
    case 'set':
      return sizes.map((bytes) => (context) => runSetSuite(context, bytes))
    case 'inflight':
      return sizes.flatMap((bytes) => [
        (context: RunContext) => runInflightSuite(context, bytes, 'keys'),
        (context: RunContext) => runInflightSuite(context, bytes, 'one-key'),
      ])
    case 'counter':
      return [runCounterSuite]
    case 'log':
      return [
        logAppends('power cut', 1),
        logAppends('power cut'),
        logAppends('kill -9'),
        runLogReadSuite,
      ]
    case 'lock':
      return [runLockSuite]
    case 'open':
      return sizes.slice(0, 1).map((bytes) => (context) => runOpenSuite(context, bytes))
    case 'import':
      return [runImportSuite]
  }
}

/** Runs what the options ask for; each table is handed over as soon as it is complete. */
export async function runSuites(
  bare: Omit<RunContext, 'durability'>,
  onTable: (table: SuiteTable) => void,
): Promise<SuiteTable[]> {
  const { options, problems } = bare
  const writes = options.suites.some((suite) => suite === 'set' || suite === 'inflight')
  bare.progress('durability of the contenders')
  const durability = writes
    ? await probeDurability(contenders, bare.directory, problems)
    : new Map<never, never>()
  const context: RunContext = { ...bare, durability }

  const tables: SuiteTable[] = []
  for (const suite of options.suites) {
    for (const task of tasksOf(suite, options.sizes)) {
      try {
        const table = await task(context)
        tables.push(table)
        onTable(table)
      } catch (error) {
        problems.report(`suite ${suite}`, error, true)
      }
    }
  }
  return tables
}
