import type { SequentialModel } from '../../../src/testing/index.js'
import type { DocumentInput, MixedHistory, Output, Seen } from './operations.js'

export const digestOf = (seen: Seen): string => (seen === null ? '-' : `${seen.mark}<${seen.from}`)

export const isSame = (left: Seen, right: Seen): boolean => digestOf(left) === digestOf(right)

export const isRefused = (output: Output | undefined): boolean =>
  typeof output === 'object' && 'refused' in output

/** What was read: undefined where nothing was told of it. */
export const seenIn = (output: Output | undefined): Seen | undefined =>
  typeof output === 'object' && 'seen' in output ? output.seen : undefined

/**
 * Which revision each write got, as far as anybody was told; and complaints where two were told different ones.
 * Who makes a write conditional on a revision was told it, so a revision that nobody was told meets none.
 */
export function revisionsIn(history: MixedHistory): {
  readonly revisions: ReadonlyMap<string, string>
  readonly complaints: readonly string[]
} {
  const revisions = new Map<string, string>()
  const complaints: string[] = []
  const learn = (mark: string, revision: string): void => {
    const known = revisions.get(mark) ?? revision
    if (known !== revision) complaints.push(`${mark} has the revisions ${known} and ${revision}`)
    revisions.set(mark, revision)
  }
  for (const { input, returned } of history) {
    const output = returned?.output
    if (typeof output !== 'object' || input.on !== 'document') continue
    if ('seen' in output && output.seen !== null && typeof output.revision === 'string') {
      learn(output.seen.mark, output.revision)
    }
    if ('written' in output && 'mark' in input && output.written !== '') {
      learn(input.mark, output.written)
    }
  }
  return { revisions, complaints }
}

/** One document by key. */
export function documentModel(
  revisions: ReadonlyMap<string, string>,
): SequentialModel<Seen, DocumentInput, Output> {
  const revisionOf = (state: Seen): string | null | undefined =>
    state === null ? null : revisions.get(state.mark)
  return {
    initial: null,
    step: (state, input, returned) => {
      const output = returned?.output
      switch (input.do) {
        case 'read': {
          const seen = seenIn(output)
          return seen === undefined || isSame(seen, state) ? state : undefined
        }
        case 'delete': {
          const existed = typeof output === 'object' && 'existed' in output && output.existed
          return output === undefined || existed === (state !== null) ? null : undefined
        }
        case 'set':
          return { mark: input.mark, from: null }
        case 'update': {
          const next = { mark: input.mark, from: state?.mark ?? null }
          const seen = seenIn(output)
          return seen === undefined || isSame(seen, next) ? next : undefined
        }
        case 'set if': {
          const fits = revisionOf(state) === input.ifRevision
          if (returned !== undefined && fits === isRefused(output)) return undefined
          return fits ? { mark: input.mark, from: null } : state
        }
      }
    },
    digest: digestOf,
    partition: ({ key }) => key,
  }
}
