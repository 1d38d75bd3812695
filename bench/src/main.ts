import { existsSync, rmSync } from 'node:fs'
import { makeDataDirectory, removeDataDirectory } from './disk.js'
import { describeEnvironment, environmentText } from './environment.js'
import { judgeGoals } from './goals.js'
import { entryPoint } from './holdfast.js'
import { appendTableText, logReadTableText } from './log-tables.js'
import { type Options, parseOptions, usage } from './options.js'
import { resultsDirectory } from './paths.js'
import { Problems } from './problems.js'
import { runSuites, type SuiteTable } from './run-suites.js'
import { seededRandom } from './statistics.js'
import {
  counterTableText,
  goalTableText,
  importTableText,
  lockTableText,
  openTableText,
  writeTableText,
} from './tables.js'

function tableText(table: SuiteTable): string {
  switch (table.suite) {
    case 'counter':
      return counterTableText(table)
    case 'lock':
      return lockTableText(table)
    case 'open':
      return openTableText(table)
    case 'import':
      return importTableText(table)
    case 'log-append':
      return appendTableText(table)
    case 'log-read':
      return logReadTableText(table)
    default:
      return writeTableText(table)
  }
}

const legend = `durable: what is on stable storage when a write is acknowledged, found by watching the calls of
each contender. yes: content and name; file only: content, a power cut may bring back the previous
version; no: nothing. * native module: what its settings promise.
loop: delay of the event loop in ms, p99 the median of the rounds, max of all.`

async function run(options: Options, directory: string): Promise<number> {
  const print = (text: string): void => {
    if (!options.json) process.stdout.write(`${text}\n\n`)
  }
  const progress = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`)
  }
  const endProgress = (): void => {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K')
  }

  const environment = await describeEnvironment(directory)
  print(environmentText(environment))
  if (options.quick) print('quick run: it shows that the benchmark works, its figures mean nothing')
  const problems = new Problems()
  const random = seededRandom(options.seed)
  const tables = await runSuites({ options, random, problems, directory, progress }, (table) => {
    endProgress()
    print(tableText(table))
  })
  endProgress()
  const goals = judgeGoals(tables)

  if (options.json) {
    const report = { environment, options, tables, goals, problems: problems.all }
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  } else {
    print(legend)
    print(goalTableText(goals))
    for (const { text, fatal } of problems.all) print(`${fatal ? 'FAILED' : 'note'}: ${text}`)
    print(`seed ${options.seed}`)
  }
  return problems.fatal ? 1 : 0
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2))
  if (options === 'help') {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  if (!existsSync(entryPoint)) {
    process.stderr.write('the built package is missing: npm run build comes first\n')
    return 1
  }
  const directory = await makeDataDirectory(options.directory ?? resultsDirectory)
  process.on('SIGINT', () => {
    // Blocking: whatever is being measured must not write between the removal and the exit.
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    process.exit(130)
  })
  try {
    return await run(options, directory)
  } finally {
    await removeDataDirectory(directory)
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`)
  process.exitCode = 1
}
