/** What storages do alike with records that are to be appended. */
import { StateStoreError } from '../errors/index.js'
import { toStorable } from '../serializer/index.js'
import type { LogAppend, NewRecord } from './log.js'
import { recordTooLarge, refuseUnusable } from './refusals.js'

/** A record as it will be stored, sharing nothing with what the caller gave. */
export interface StorableRecord {
  readonly type: string | undefined
  readonly agent: string | undefined
  /** The data as JSON on one line; undefined for none. */
  readonly json: string | undefined
}

export interface StorableAppend {
  readonly log: string
  readonly records: readonly StorableRecord[]
}

/**
 * Throws `STATE_INVALID_KEY` for what is no name of a log, `STATE_INVALID_OPTION` for an append of nothing
 * and a type or agent that is no string, `STATE_INVALID_VALUE` naming the path in the data, and
 * `STATE_DOCUMENT_TOO_LARGE`.
 */
export const toStorableAppends = (
  appends: readonly LogAppend[],
  maxDocumentBytes: number,
): StorableAppend[] =>
  appends.map(({ log, records }) => {
    refuseUnusable('log', log)
    if (records.length === 0) throw nothingToAppend(log)
    return { log, records: records.map((record) => storable(log, record, maxDocumentBytes)) }
  })

/** What a record takes as JSON, without id and time. */
export const bytesOfRecord = ({ type, agent, json }: StorableRecord): number =>
  Buffer.byteLength(JSON.stringify({ type, agent })) + Buffer.byteLength(json ?? '')

/** A unit of a string as JSON: `\u0000`. */
const maxUnitBytes = 6
/** `{"type":"","agent":""}`, and some. */
const namesBytes = 32

function storable(
  log: string,
  { type, agent, data }: NewRecord,
  maxDocumentBytes: number,
): StorableRecord {
  refuseNoString(log, 'type', type)
  refuseNoString(log, 'agent', agent)
  const json = data === undefined ? undefined : JSON.stringify(toStorable(data))
  const units = (json?.length ?? 0) + (type?.length ?? 0) + (agent?.length ?? 0)
  if (units * maxUnitBytes + namesBytes > maxDocumentBytes) {
    const bytes = bytesOfRecord({ type, agent, json })
    if (bytes > maxDocumentBytes) throw recordTooLarge(log, bytes, maxDocumentBytes)
  }
  return { type, agent, json }
}

function refuseNoString(log: string, what: 'type' | 'agent', given: unknown): void {
  if (given === undefined || typeof given === 'string') return
  throw new StateStoreError({
    code: 'STATE_INVALID_OPTION',
    message: `The ${what} of a record of log ${log} must be a string, not ${given === null ? 'null' : `of type ${typeof given}`}`,
    operation: 'commit',
    details: { log },
  })
}

const nothingToAppend = (log: string): StateStoreError =>
  new StateStoreError({
    code: 'STATE_INVALID_OPTION',
    message: `An append to log ${log} has no records`,
    operation: 'commit',
    details: { log },
  })
