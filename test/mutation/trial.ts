/** What a shard has the tests do with one mutation; handed to their process as JSON in a file. */

/** Where the order of a trial lies. */
export const orderVariable = 'HOLDFAST_MUTATION_ORDER'

export interface TrialOrder {
  /** The number of the mutation; -1 for none. */
  readonly mutant: number
  /** The tests to run, by their ids; undefined for all. */
  readonly tests: readonly string[] | undefined
  /** Where to add lines of {@link TestCoverage}, when they are wanted. */
  readonly coveragePath: string | undefined
}

/** What one test came by. What a file came by before its tests has an empty `id`. */
export interface TestCoverage {
  readonly id: string
  readonly ms: number
  readonly mutants: readonly number[]
}

/** How often a test may come by mutations before it is thought to go round for ever. */
export const passesMax = 100_000_000

/** In the message of what is thrown after too many passes. */
export const endlessMessage = 'The mutated code does not end'
