/** Runs test files with one mutation made. */
import { appendFileSync, readFileSync } from 'node:fs'
import type { File, Task, Test } from 'vitest'
import { VitestTestRunner } from 'vitest/runners'
import { switchName } from './switching.js'
import { endlessMessage, orderVariable, passesMax, type TrialOrder } from './trial.js'

const order = JSON.parse(readFileSync(process.env[orderVariable] ?? '', 'utf8')) as TrialOrder
const reached = new Set<number>()
let passes = 0

function isMutant(number: number): boolean {
  if (order.coveragePath !== undefined) reached.add(number)
  passes += 1
  if (passes > passesMax) throw new Error(endlessMessage)
  return number === order.mutant
}

Object.assign(globalThis, { [switchName]: isMutant })

export default class TrialRunner extends VitestTestRunner {
  readonly #chosen = new Set(order.tests)

  onCollected(files: File[]): void {
    tell('', 0)
    if (order.tests === undefined) return
    for (const file of files) this.#keep(file)
  }

  override async onBeforeRunTask(test: Test): Promise<void> {
    await super.onBeforeRunTask(test)
    passes = 0
  }

  override onAfterRunTask(test: Test): void {
    super.onAfterRunTask(test)
    tell(test.id, test.result?.duration ?? 0)
    // One test that notices is enough.
    if (test.result?.state === 'fail' && order.coveragePath === undefined)
      this.cancel('test-failure')
  }

  /** Whether anything in it is left to run. */
  #keep(task: Task): boolean {
    const isKept =
      task.type === 'test'
        ? this.#chosen.has(task.id)
        : task.tasks.map((inner) => this.#keep(inner)).includes(true)
    if (!isKept) task.mode = 'skip'
    return isKept
  }
}

/** What came by since the last time, which for the first test is what prepares them all too. */
function tell(id: string, ms: number): void {
  if (order.coveragePath !== undefined) {
    appendFileSync(order.coveragePath, `${JSON.stringify({ id, ms, mutants: [...reached] })}\n`)
  }
  reached.clear()
}
