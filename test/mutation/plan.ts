/** Which tests to ask about a mutation, and in which order. */
import type { SourceMutations } from './modules.js'
import type { SurveyedTest } from './survey.js'

/** Longer tests are not asked: they are many short ones in a row. */
const testMsMax = 3_000
/** What a mutation that nobody notices may cost, in time of unmutated tests. */
const trialMsMax = 10_000

export interface Plan {
  readonly files: readonly string[]
  readonly tests: readonly string[]
  readonly ms: number
}

export class Planner {
  readonly #byMutant = new Map<number, SurveyedTest[]>()
  /** What is reached before any test runs, by the files of tests that need it. */
  readonly #loaded = new Map<number, Set<string>>()
  /** By their file: tests that come by no mutation themselves, and may look at what was loaded. */
  readonly #looking = new Map<string, SurveyedTest[]>()
  /** How often tests of a file noticed a mutation of a module. */
  readonly #noticed = new Map<string, number>()

  constructor(tests: readonly SurveyedTest[]) {
    for (const test of tests) {
      if (test.id !== '' && test.mutants.size === 0) {
        add(this.#looking, test.file, test)
      }
      for (const mutant of test.mutants) {
        if (test.id === '') {
          this.#loaded.set(mutant, (this.#loaded.get(mutant) ?? new Set()).add(test.file))
        } else add(this.#byMutant, mutant, test)
      }
    }
  }

  /** Undefined when no test comes by it. */
  plan(mutant: number, { module, first, mutations }: SourceMutations): Plan | undefined {
    const found = new Set(this.#byMutant.get(mutant))
    const loadedBy = this.#loaded.get(mutant)
    if (loadedBy !== undefined) {
      for (const file of loadedBy) {
        for (const test of this.#looking.get(file) ?? []) found.add(test)
      }
      for (let other = first; other < first + mutations.length; other++) {
        for (const test of this.#byMutant.get(other) ?? []) found.add(test)
      }
    }
    const shortFirst = [...found]
      .filter(({ ms }) => ms <= testMsMax)
      .sort((one, other) => one.ms - other.ms)
    const tests: string[] = []
    const msByFile = new Map<string, number>()
    let total = 0
    for (const { file, id, ms } of shortFirst) {
      if (total + ms > trialMsMax) break
      total += ms
      tests.push(id)
      msByFile.set(file, (msByFile.get(file) ?? 0) + ms)
    }
    if (tests.length === 0) return undefined
    const cost = ([file, ms]: [string, number]): number =>
      (ms + fileMs) / (1 + (this.#noticed.get(`${module} ${file}`) ?? 0))
    const files = [...msByFile].sort((one, other) => cost(one) - cost(other)).map(([file]) => file)
    return { files, tests, ms: total + files.length * fileMs }
  }

  /** Whose tests noticed one are asked sooner about the next. */
  noticed(module: string, file: string): void {
    const key = `${module} ${file}`
    this.#noticed.set(key, (this.#noticed.get(key) ?? 0) + 1)
  }
}

function add<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

/** What a file costs beside its tests. */
const fileMs = 30
