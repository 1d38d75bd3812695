/**
 * Revisions: `generation.counter` of the write lease, totally ordered over a store and never used
 * twice, also not across delete and re-creation. A document that somebody edited outside the store
 * has the revision it was last saved with (`0.0` if never) and a mark of its present content:
 * `12.3~9f86d081`. So a conditional write that was prepared before the edit is refused.
 */
export type Revision = string

const shape = /^(\d{1,16})\.(\d{1,16})(?:~([0-9a-f]+))?$/

export const formatRevision = (generation: number, counter: number): Revision =>
  `${generation}.${counter}`

/** The revision of content that was edited after `base` was saved. */
export const editedRevision = (base: Revision | undefined, contentHash: string): Revision =>
  `${(base ?? '0.0').split('~', 1)[0]}~${contentHash.slice(0, 16)}`

export const isRevision = (text: unknown): text is Revision =>
  typeof text === 'string' && shape.test(text)

/**
 * Negative when `left` was committed before `right`, positive when after, 0 for the same commit.
 * An edited revision sorts with the commit it was based on.
 */
export function compareRevisions(left: Revision, right: Revision): number {
  const [leftGeneration = 0, leftCounter = 0] = left.split('~', 1)[0]?.split('.').map(Number) ?? []
  const [rightGeneration = 0, rightCounter = 0] =
    right.split('~', 1)[0]?.split('.').map(Number) ?? []
  return leftGeneration - rightGeneration || leftCounter - rightCounter
}
