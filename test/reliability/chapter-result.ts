/** What a test told with `report`. */
export interface Figures {
  readonly what: string
  readonly figures: Readonly<Record<string, unknown>>
}

export interface TestFileResult {
  readonly file: string
  readonly passed: number
  readonly failed: number
}

/** What came of running a chapter. */
export interface ChapterResult {
  readonly chapter: string
  /** Of the sources; with `+` when they were changed after it. */
  readonly commit: string
  /** ISO 8601, UTC. */
  readonly begunAt: string
  readonly durationSeconds: number
  readonly node: string
  readonly machine: string
  /** Of the program that ran it. */
  readonly exitCode: number
  readonly tests: readonly TestFileResult[]
  readonly figures: readonly Figures[]
}

export const hasPassed = ({ exitCode, tests }: ChapterResult): boolean =>
  exitCode === 0 && tests.every(({ failed }) => failed === 0)
