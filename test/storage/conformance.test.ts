import { describe, expect, it } from 'vitest'
import { writeFileAtomicWriter } from '../../src/atomic-write/write-file-atomic/index.js'
import { properLockfileLock } from '../../src/file-lock/proper-lockfile/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import { describeStorageConformance } from '../../src/testing/index.js'
import { memoryFileSubject, memorySubject, realFileSubject } from './conformance-subjects.js'

const runner = { describe, it }

const summaries = {
  memory: describeStorageConformance(runner, memorySubject()),
  files: describeStorageConformance(runner, realFileSubject('FileStorage')),
}
describeStorageConformance(runner, memoryFileSubject('FileStorage in memory'))
describeStorageConformance(
  runner,
  memoryFileSubject('FileStorage where case is folded', { caseInsensitive: true }),
)
describeStorageConformance(
  runner,
  realFileSubject('FileStorage with write-file-atomic', { writer: writeFileAtomicWriter() }),
)
describeStorageConformance(
  runner,
  realFileSubject('FileStorage with proper-lockfile', { lock: properLockfileLock() }),
)
describeStorageConformance(
  runner,
  memoryFileSubject('FileStorage with YAML', { serializer: yamlSerializer() }),
)
describeStorageConformance(
  runner,
  realFileSubject('FileStorage that survives kill -9 only', { durability: 'process' }),
)

describe('the summary', () => {
  it('names what applies and what does not', () => {
    const { memory, files } = summaries
    expect(files.notApplicable).toEqual(['what is not supported'])
    expect(memory.notApplicable).toEqual([
      'serializers',
      'reopening',
      'reopening of logs',
      'several openers',
      'several openers of logs',
    ])
    expect(memory.groups).toContain('leases')
    const every = ({ groups, notApplicable }: typeof memory): string[] =>
      [...groups, ...notApplicable].sort()
    expect(every(memory)).toEqual(every(files))
  })
})
