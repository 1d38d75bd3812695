export interface LineRecord {
  /** `0.0` for a line made by hand. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly type?: string | undefined
  readonly agent?: string | undefined
  readonly data: unknown
  readonly origin: 'store' | 'external'
  /** The next record is of the same commit, of which all records count or none. */
  readonly isContinued?: boolean
}
