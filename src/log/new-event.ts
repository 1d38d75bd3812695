import type { Durability, LeaseClaim } from '../storage/index.js'

/** An event to be appended. */
export interface NewEvent<Input> {
  readonly type?: string | undefined
  /** Who it comes from. */
  readonly agent?: string | undefined
  /** Anything JSON can hold, or nothing. Copied before the call returns. */
  readonly data?: Input | undefined
}

export interface EventOptions {
  /** Who the event comes from. */
  readonly agent?: string | undefined
}

export interface AppendOptions extends EventOptions {
  /** A lock this append is made under: refused with `STATE_LEASE_LOST` once that was lost. */
  readonly lease?: LeaseClaim | undefined
  /** Default: the store's. */
  readonly durability?: Durability | undefined
  /** Ends the wait for a turn with `STATE_ABORTED`; an append that has begun is not interrupted. */
  readonly signal?: AbortSignal | undefined
}

export type BlockingAppendOptions = Omit<AppendOptions, 'signal'>

/** Options of the form that begins with the data. */
export type WithType<Options> = Options & { readonly type?: string | undefined }

/** What begins with a string begins with the type. */
export function eventOf<Options extends EventOptions>(
  first: unknown,
  second: unknown,
  third: Options | undefined,
): { readonly event: NewEvent<unknown>; readonly options: Partial<Options> } {
  if (typeof first === 'string') {
    const options: Partial<Options> = third ?? {}
    return { event: { type: first, agent: options.agent, data: second }, options }
  }
  const options = (second ?? {}) as Partial<WithType<Options>>
  return { event: { type: options.type, agent: options.agent, data: first }, options }
}
