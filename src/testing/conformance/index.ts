/** The conformance suite: what every implementation of the storage port must do. */
import assert from 'node:assert/strict'
import { backups, verification } from './backups.js'
import { batches, sizeLimit } from './batches.js'
import { blockingCommits, blockingFlush } from './blocking.js'
import { changeFunctions, superseding } from './change-functions.js'
import { documents } from './documents.js'
import type { Group } from './group.js'
import { aborting, leaseCommits } from './lease-commits.js'
import { leases, waitingForLeases } from './leases.js'
import { closing, reopening, serializers } from './lifetime.js'
import { collections, keys, lists } from './lists.js'
import { blockingLogCommits, logCommits, recordSizeLimit } from './log-commits.js'
import { reopenedLogs, severalAppenders } from './log-openers.js'
import { logQueries } from './log-queries.js'
import { logNames, logs } from './logs.js'
import { checks, conditions, revisions } from './revisions.js'
import { severalOpeners } from './several-openers.js'
import { status } from './status.js'
import { atDesk, type ConformanceRunner, type ConformanceSubject, fullSupport } from './subject.js'
import { unsupported } from './unsupported.js'
import { ownership, values } from './values.js'

export type { ConformanceRunner, ConformanceSubject, StorageSubject } from './subject.js'

/** What a call of {@link describeStorageConformance} has registered. */
export interface ConformanceSummary {
  /** Names of the groups whose tests were registered, in their order. */
  readonly groups: readonly string[]
  /** Names of the groups about what the storage does not support. */
  readonly notApplicable: readonly string[]
}

const everyGroup: readonly Group[] = [
  documents,
  values,
  ownership,
  revisions,
  conditions,
  checks,
  changeFunctions,
  superseding,
  batches,
  sizeLimit,
  lists,
  collections,
  keys,
  leases,
  waitingForLeases,
  leaseCommits,
  aborting,
  blockingCommits,
  blockingFlush,
  logs,
  logNames,
  logQueries,
  logCommits,
  blockingLogCommits,
  recordSizeLimit,
  backups,
  verification,
  status,
  serializers,
  unsupported,
  closing,
  reopening,
  reopenedLogs,
  severalOpeners,
  severalAppenders,
]

/**
 * Registers the tests of the storage port with a test runner. A storage conforms when all of them
 * pass. Nothing is skipped: groups about what the storage does not support are not registered, and
 * named in the summary.
 *
 * @example
 * import { describe, it } from 'node:test'
 * import { describeStorageConformance } from 'holdfast/testing'
 *
 * describeStorageConformance({ describe, it }, {
 *   name: 'MyStorage',
 *   supports: new MyStorage(options).supports,
 *   create: async () => ({
 *     open: async () => {
 *       const storage = new MyStorage(options)
 *       await storage.open(() => {})
 *       return storage
 *     },
 *     dispose: async () => {},
 *   }),
 * })
 */
export function describeStorageConformance(
  runner: ConformanceRunner,
  subject: ConformanceSubject,
): ConformanceSummary {
  const supports = subject.supports ?? fullSupport
  const applies = (group: Group): boolean => group.applies?.(supports, subject) ?? true
  const groups = everyGroup.filter(applies)
  runner.describe(`${subject.name} conforms to the storage port:`, () => {
    runner.it('its manifest is what the tests were chosen by', () =>
      atDesk(
        () => subject.create(),
        async ({ storage }) => {
          assert.deepEqual({ ...storage.supports }, { ...supports })
          assert.ok(storage.name.length > 0, 'it has a name')
        },
      ),
    )
    for (const group of groups) register(runner, subject, group)
  })
  const named = ({ name }: Group): string => name
  return {
    groups: groups.map(named),
    notApplicable: everyGroup.filter((group) => !applies(group)).map(named),
  }
}

function register(runner: ConformanceRunner, subject: ConformanceSubject, group: Group): void {
  runner.describe(group.name, () => {
    group.define({
      supports: subject.supports ?? fullSupport,
      check: (name, exercise) => {
        runner.it(name, () => atDesk(() => subject.create(), exercise))
      },
      checkLimited: (maxDocumentBytes, name, exercise) => {
        const { createLimited } = subject
        if (createLimited === undefined) return
        runner.it(name, () => atDesk(() => createLimited(maxDocumentBytes), exercise))
      },
    })
  })
}
