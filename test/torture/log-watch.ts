/** Looks at logs all the while they are written: follows each, and reads each from its end. */

import { createHash } from 'node:crypto'
import { type LogDamage, StateStore } from '../../src/index.js'
import { FileStorage } from '../../src/storage/file/index.js'
import { until } from '../support/campaign.js'
import { type Mark, nameOf, type StandingLogs, type StandingRecord } from './log-ledger.js'

interface Watched {
  readonly followed: StandingRecord[]
  /** Readings from the end. */
  readonly readings: Reading[]
}

interface Reading {
  readonly length: number
  readonly newest: StandingRecord | undefined
  /** Of all, in the order of the log. */
  readonly digest: string
}

/** A log is read again when it has grown by this part. */
const growth = 0.02

const readingOf = (records: readonly StandingRecord[]): Reading => {
  const hash = createHash('sha1')
  for (const { id, data } of records) hash.update(`${id} ${nameOf(data)}.${data.part}\n`)
  return { length: records.length, newest: records.at(-1), digest: hash.digest('hex') }
}

export class LogWatch implements AsyncDisposable {
  readonly damage: LogDamage[] = []
  readonly #watched = new Map<string, Watched>()
  readonly #store: StateStore
  readonly #over = new AbortController()
  readonly #ended: Promise<unknown>

  private constructor(store: StateStore, logs: readonly string[]) {
    this.#store = store
    store.on('log:damaged', (place) => this.damage.push(place))
    for (const log of logs) this.#watched.set(log, { followed: [], readings: [] })
    this.#ended = Promise.all(
      [...this.#watched].map(([log, watched]) => this.#follow(log, watched)),
    )
    // Met by whoever awaits the end.
    this.#ended.catch(() => undefined)
  }

  static async start(directory: string, logs: readonly string[]): Promise<LogWatch> {
    const storage = new FileStorage({ directory })
    return new LogWatch(await new StateStore({ storage }).open(), logs)
  }

  get figures() {
    const all = [...this.#watched.values()]
    return {
      followed: all.reduce((sum, { followed }) => sum + followed.length, 0),
      'read backward': all.reduce((sum, { readings }) => sum + readings.length, 0),
    }
  }

  /** Waits until the followers have seen what stands last; then tells what they saw that is wrong. */
  async complaints(logs: StandingLogs): Promise<string[]> {
    const followsAll = () =>
      [...logs].every(([log, records]) => {
        const last = this.#watched.get(log)?.followed.at(-1)?.id
        return records.length === 0 || last === records.at(-1)?.id
      })
    await Promise.race([until(followsAll), this.#ended])
    this.#over.abort()
    await this.#ended
    const complaints: string[] = []
    for (const [log, { followed, readings }] of this.#watched) {
      const standing = logs.get(log) ?? []
      const told = (what: string, complaint: string | undefined) => {
        if (complaint !== undefined) complaints.push(`${log}, ${what}: ${complaint}`)
      }
      told('followed', difference(followed, standing))
      for (const reading of readings) {
        const { digest, newest } = readingOf(standing.slice(0, reading.length))
        const isSame = digest === reading.digest
        const saw = `saw ${reading.length} records that do not stand so, up to ${reading.newest?.id}`
        told('read backward', isSame ? half(newest) : saw)
      }
    }
    return complaints
  }

  async #follow(log: string, { followed, readings }: Watched): Promise<void> {
    const { signal } = this.#over
    const events = this.#store.log<Mark>(log).follow({ after: '0.0', pollMs: 2, signal })
    let reading: Promise<void> | undefined
    let readAt = 1
    for await (const { id, data } of events) {
      followed.push({ id, data })
      if (followed.length < readAt || reading !== undefined) continue
      readAt = followed.length * (1 + growth)
      // Side by side with all that is written meanwhile.
      reading = this.#readBackward(log, readings).finally(() => {
        reading = undefined
      })
    }
    await reading
  }

  async #readBackward(log: string, readings: Reading[]): Promise<void> {
    const events = await this.#store.log<Mark>(log).query({ reverse: true }).toArray()
    readings.push(readingOf(events.reverse()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    await this.#ended.catch(() => undefined)
    await this.#store.close()
  }
}

function difference(
  seen: readonly StandingRecord[],
  standing: readonly StandingRecord[],
): string | undefined {
  const length = Math.max(seen.length, standing.length)
  for (let index = 0; index < length; index++) {
    const [saw, stands] = [seen[index], standing[index]]
    if (saw?.id === stands?.id && saw && stands && nameOf(saw.data) === nameOf(stands.data))
      continue
    const told = (record: StandingRecord | undefined) =>
      record === undefined ? 'nothing' : `${nameOf(record.data)} with id ${record.id}`
    return `saw ${told(saw)} at ${index}, where ${told(stands)} stands`
  }
  return undefined
}

/** Of a commit of several records, all are seen or none. */
const half = (newest: StandingRecord | undefined): string | undefined =>
  newest === undefined || newest.data.part === newest.data.parts - 1
    ? undefined
    : `saw a part of ${nameOf(newest.data)}`
