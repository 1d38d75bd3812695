/** What commits append to logs: encoded when they are asked for, numbered when they are written. */
import { encodeContent, encodeLine } from '../../log-segment/index.js'
import type { AppendOutcome, LogAppend } from '../log.js'
import { toStorableAppends } from '../log-appends.js'
import type { Revision } from '../revision.js'
import type { CommitJob } from './commit-job.js'
import type { LineToAppend } from './log-writer.js'

export interface EncodedAppend {
  readonly log: string
  /** What stands in each line between its time and its checksum. */
  readonly contents: readonly string[]
}

/** What a batch appends to one log. */
export interface PlannedLog {
  readonly log: string
  readonly lines: LineToAppend[]
  readonly jobs: CommitJob[]
}

export const bytesOf = ({ lines }: PlannedLog): Buffer =>
  Buffer.from(lines.length === 1 ? (lines[0]?.line ?? '') : lines.map(({ line }) => line).join(''))

/** Throws what {@link toStorableAppends} does. */
export const encodeAppends = (
  appends: readonly LogAppend[] | undefined,
  maxBytes: number,
): readonly EncodedAppend[] =>
  appends === undefined
    ? []
    : toStorableAppends(appends, maxBytes).map(({ log, records }) => ({
        log,
        contents: records.map(encodeContent),
      }))

/** Gives the records of a batch their ids, in the order of the commits. */
export class LogPlanner {
  readonly #logs = new Map<string, PlannedLog>()
  readonly #time: string
  readonly #nextRevision: () => Revision

  constructor(savedAt: number, nextRevision: () => Revision) {
    this.#time = new Date(savedAt).toISOString()
    this.#nextRevision = nextRevision
  }

  get planned(): readonly PlannedLog[] {
    return [...this.#logs.values()]
  }

  add(job: CommitJob): AppendOutcome[] {
    const last = new Map(job.appends.map((append) => [append.log, append]))
    return job.appends.map((append) => {
      const { log, contents } = append
      const planned = this.#planned(log, job)
      const isLast = last.get(log) === append
      const ids = contents.map((content, index) => {
        const id = this.#nextRevision()
        const isContinued = !isLast || index < contents.length - 1
        planned.lines.push({ id, line: encodeLine(id, this.#time, content, isContinued) })
        return id
      })
      return { log, ids }
    })
  }

  #planned(log: string, job: CommitJob): PlannedLog {
    let planned = this.#logs.get(log)
    if (planned === undefined) {
      planned = { log, lines: [], jobs: [] }
      this.#logs.set(log, planned)
    }
    if (planned.jobs.at(-1) !== job) planned.jobs.push(job)
    return planned
  }
}
