import type { BenchEvent } from './events.js'

/**
 * What an acknowledged event survives: `power cut`: it was synced; `kill -9`: it was handed to the
 * operating system; `nothing`: it was in the memory of the process.
 */
export type Survival = 'power cut' | 'kill -9' | 'nothing'

export interface AppendSession {
  /** Done when the event is acknowledged: on return, or when the promise resolves. */
  append(event: BenchEvent): Promise<unknown> | undefined
  close(): Promise<void>
}

export interface AppendContender {
  readonly name: string
  /** Ours: a wrong result of it fails the run. */
  readonly own?: boolean
  /** What it is there to promise; its rows are compared with those of the same. */
  readonly survival: Survival
  /** For native modules, whose calls the probe cannot see. */
  readonly isNative?: boolean
  /** Events that are in flight together could be written in any order. */
  readonly isUnordered?: boolean
  open(directory: string): Promise<AppendSession>
  /** The sequence numbers of all events that stand there, in their order. */
  read(directory: string): Promise<number[]>
}

export const appendNames = {
  holdfast: 'holdfast',
  holdfastProcess: "holdfast, 'process'",
  rawAsync: 'write + fdatasync, callbacks',
  rawBlocking: 'writeSync + fdatasyncSync, blocking',
  betterSqlite: 'better-sqlite3, WAL FULL, an insert each',
  pinoSync: 'pino, sync: true',
  pinoDrain: "pino, sync: false, until 'drain'",
  pinoBlind: 'pino, sync: false, not waited for',
} as const
