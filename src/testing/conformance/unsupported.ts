import assert from 'node:assert/strict'
import { jsonSerializer } from '../../serializer/index.js'
import { at, expectDocuments, put, refused, refusedBlocking, writing } from './expectations.js'
import type { Group } from './group.js'

export const unsupported: Group = {
  name: 'what is not supported',
  applies: ({ blockingCommit, backups, serializers }) =>
    !(blockingCommit && backups && serializers),
  define({ check, supports }) {
    if (!supports.blockingCommit) {
      check('is refused: commits and flushes that block', async ({ storage }) => {
        const commit = { writes: [writing('a', 1)] }
        refusedBlocking('STATE_UNSUPPORTED', () => storage.commitBlocking(commit, 0))
        refusedBlocking('STATE_UNSUPPORTED', () => storage.flushBlocking(0))
        await expectDocuments(storage, {})
      })
    }
    if (!supports.backups) {
      check('is refused: backups', async ({ storage }) => {
        await put(storage, 'a', 1)
        await refused('STATE_UNSUPPORTED', () => storage.backups(at('a')))
        await refused('STATE_UNSUPPORTED', () => storage.readBackup(at('a'), 'any'))
      })
    }
    if (!supports.serializers) {
      check('is ignored: serializers', async ({ storage }) => {
        storage.useSerializer('things', jsonSerializer({ sortKeys: true }))
        await put(storage, 'a', { b: 1, a: 2 })
        const document = await storage.read(at('a'))
        assert.equal(JSON.stringify(document?.value), '{"b":1,"a":2}')
      })
    }
  },
}
