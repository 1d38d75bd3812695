/** Who holds a generation, as it stands in its file, and beside the staging directory of an opened store. */
import type { ProcessIdentity } from './process-identity.js'

export interface GenerationOwner extends Partial<ProcessIdentity> {
  /** The opened store that holds it. */
  readonly incarnation?: string | undefined
  /** ISO 8601. */
  readonly since?: string | undefined
  readonly ttlMs?: number | undefined
  readonly purpose?: string | undefined
  /** What is held, where the directory's name does not spell it. */
  readonly name?: string | undefined
}

/** Nobody may ask to be silent for longer. */
const maxTtlMs = 86_400_000

/** The name of a staging directory: nothing else is ever revoked. */
const incarnationShape = /^[\w-]+$/

export const isIncarnation = (text: unknown): text is string =>
  typeof text === 'string' && incarnationShape.test(text)

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

const numberOf = (value: unknown, most: number): number | undefined =>
  typeof value === 'number' && value > 0 && value <= most ? value : undefined

/**
 * What can be told of an owner. A member that is not what it should be counts as absent: damage must not
 * lead anywhere else, nor keep a place for ever.
 */
export function parseOwner(text: string): GenerationOwner {
  let owner: unknown
  try {
    owner = JSON.parse(text)
  } catch {
    return {}
  }
  if (typeof owner !== 'object' || owner === null) return {}
  const { incarnation, pid, ttlMs, ...texts } = owner as Record<keyof GenerationOwner, unknown>
  const known = {
    incarnation: isIncarnation(incarnation) ? incarnation : undefined,
    pid: Number.isInteger(pid) ? numberOf(pid, Number.MAX_SAFE_INTEGER) : undefined,
    host: textOf(texts.host),
    bootId: textOf(texts.bootId),
    pidNamespace: textOf(texts.pidNamespace),
    startTime: textOf(texts.startTime),
    since: Number.isNaN(Date.parse(textOf(texts.since) ?? '')) ? undefined : textOf(texts.since),
    ttlMs: numberOf(ttlMs, maxTtlMs),
    purpose: textOf(texts.purpose),
    name: textOf(texts.name),
  }
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined))
}
