/** What processes do to one store together, and what they were told. */
import type { History, Operation } from '../../../src/testing/index.js'

export const documentKeys = ['first', 'second', 'third', 'fourth'] as const
export const groups = ['near', 'far'] as const
export const sides = ['left', 'right'] as const
export const leaseNames = ['gate', 'door'] as const
export const logs = ['sent', 'seen'] as const
/** An event for each move, whatever the group. */
export const moveLog = 'moved'
/** `hits` is never set back. */
export const counters = ['hits', 'misses'] as const

export type Side = (typeof sides)[number]

/** Every write has a mark of its own, so that who reads it tells which write he saw. */
export type DocumentInput =
  | { readonly on: 'document'; readonly key: string; readonly do: 'read' | 'delete' }
  | { readonly on: 'document'; readonly key: string; readonly do: 'set'; readonly mark: string }
  /** Writes down which mark it replaced. */
  | { readonly on: 'document'; readonly key: string; readonly do: 'update'; readonly mark: string }
  | {
      readonly on: 'document'
      readonly key: string
      readonly do: 'set if'
      readonly mark: string
      readonly ifRevision: string | null
    }

/**
 * A group is two documents and a counter. A move updates both, counts, and appends an event with its mark,
 * in a transaction; a look reads all three in one.
 */
export type GroupInput =
  | { readonly on: 'group'; readonly group: string; readonly do: 'move'; readonly mark: string }
  | { readonly on: 'group'; readonly group: string; readonly do: 'look' }
  | {
      readonly on: 'group'
      readonly group: string
      readonly do: 'set'
      readonly side: Side
      readonly mark: string
    }

export interface CounterInput {
  readonly on: 'counter'
  readonly name: string
  readonly do: 'increment' | 'read' | 'reset'
}

/** A lease, and a document that is written under it alone. */
export type LeaseInput =
  | { readonly on: 'lease'; readonly name: string; readonly do: 'take' | 'read' }
  | { readonly on: 'lease'; readonly name: string; readonly do: 'give'; readonly token: number }
  | {
      readonly on: 'lease'
      readonly name: string
      readonly do: 'write'
      readonly token: number
      readonly mark: string
    }

export type LogInput =
  | {
      readonly on: 'log'
      readonly log: string
      readonly do: 'append'
      readonly lane: number
      readonly seq: number
      readonly parts: number
    }
  | { readonly on: 'log'; readonly log: string; readonly do: 'query'; readonly after: string }

export type Input = DocumentInput | GroupInput | CounterInput | LeaseInput | LogInput

/** What a document of a mark says; its `echo` follows from the mark, so that a torn one shows. */
export interface Marked {
  readonly mark: string
  readonly from: string | null
  readonly echo: string
}

export type Seen = Pick<Marked, 'mark' | 'from'> | null

export const echoOf = (mark: string): string => mark.repeat(1 + (mark.length % 7) * 8)

export interface SeenRecord {
  readonly id: string
  readonly name: string
}

/** A refusal says that nothing was done. */
export type Output =
  | { readonly refused: string }
  | { readonly seen: Seen; readonly revision?: string | null }
  | { readonly written: string }
  | { readonly existed: boolean }
  | { readonly left: Seen; readonly right: Seen; readonly moves: number }
  | { readonly value: number }
  | { readonly token: number }
  | { readonly ids: readonly string[] }
  | { readonly records: readonly SeenRecord[] }
  /** It has taken effect; what was told is lost. */
  | 'lost'
  | 'done'

export type MixedOperation = Operation<Input, Output>
export type MixedHistory = History<Input, Output>

/** The most that a query asks for. */
export const queryLimit = 100
