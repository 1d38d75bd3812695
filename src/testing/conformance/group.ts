import type { StorageSupports } from '../../storage/index.js'
import type { ConformanceSubject, Exercise } from './subject.js'

export interface GroupTools {
  readonly supports: StorageSupports
  /** Adds a test. */
  check(name: string, exercise: Exercise): void
  /** Adds a test on data that refuse documents of more than so many bytes. */
  checkLimited(maxDocumentBytes: number, name: string, exercise: Exercise): void
}

/** Tests of one part of the contract. */
export interface Group {
  readonly name: string
  /** Default: always. */
  applies?(supports: StorageSupports, subject: ConformanceSubject): boolean
  define(tools: GroupTools): void
}
