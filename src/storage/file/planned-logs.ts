/** What commits append to logs: encoded when they are asked for, numbered when they are written. */
import { StateStoreError } from '../../errors/index.js'
import { encodeContent, encodeLine } from '../../log-segment/index.js'
import { toStorable } from '../../serializer/index.js'
import type { AppendOutcome, LogAppend } from '../log.js'
import type { Revision } from '../revision.js'
import type { CommitJob } from './commit-job.js'
import { encodeKey } from './key-encoding.js'
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

/** Throws `STATE_INVALID_KEY`, `STATE_INVALID_OPTION`, `STATE_INVALID_VALUE`, `STATE_DOCUMENT_TOO_LARGE`. */
export function encodeAppends(
  appends: readonly LogAppend[] | undefined,
  maxBytes: number,
): readonly EncodedAppend[] {
  if (appends === undefined) return []
  return appends.map(({ log, records }) => {
    encodeKey(log, 'log')
    if (records.length === 0) refuse(log, 'there is no record to append')
    const contents = records.map(({ type, agent, data }) => {
      if (type !== undefined && typeof type !== 'string') refuse(log, 'a type must be a string')
      if (agent !== undefined && typeof agent !== 'string') refuse(log, 'an agent must be a string')
      const text = data === undefined ? undefined : JSON.stringify(toStorable(data))
      const content = encodeContent({ type, agent, data: text })
      if (content.length * 3 > maxBytes) refuseTooLarge(log, Buffer.byteLength(content), maxBytes)
      return content
    })
    return { log, contents }
  })
}

function refuse(log: string, why: string): never {
  throw new StateStoreError({
    code: 'STATE_INVALID_OPTION',
    message: `Cannot append to log ${log}: ${why}`,
    operation: 'append',
    details: { log },
  })
}

function refuseTooLarge(log: string, bytes: number, maxDocumentBytes: number): void {
  if (bytes <= maxDocumentBytes) return
  throw new StateStoreError({
    code: 'STATE_DOCUMENT_TOO_LARGE',
    message: `A record of log ${log} would take ${bytes} bytes, more than ${maxDocumentBytes}`,
    operation: 'append',
    hint: 'Keep what is large in a document or a file and its name in the log, or raise maxDocumentBytes.',
    details: { log, bytes, maxDocumentBytes },
  })
}

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
    const rest = new Map<string, number>()
    for (const { log, contents } of job.appends) {
      rest.set(log, (rest.get(log) ?? 0) + contents.length)
    }
    return job.appends.map(({ log, contents }) => {
      const planned = this.#planned(log, job)
      const ids = contents.map((content) => {
        const id = this.#nextRevision()
        const left = (rest.get(log) ?? 1) - 1
        rest.set(log, left)
        planned.lines.push({ id, line: encodeLine(id, this.#time, content, left > 0) })
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
