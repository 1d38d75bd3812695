import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Acknowledgement, isProven, type Proof, prove } from '../../examples/demo/proof.js'
import {
  addStep,
  doStep,
  noTotals,
  type Step,
  stepIdAfter,
  stepKinds,
  type Task,
} from '../../examples/demo/work.js'

const file = 'src/a.ts'
const source = '/** The letter a: the first. */\nexport const a = 1\n'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-proof-'))
  for (const path of ['state', 'state/tasks', 'state/totals', 'sources', 'sources/src']) {
    mkdirSync(join(directory, path))
  }
  writeFileSync(join(directory, 'sources', file), source)
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function writeDocument(path: string, value: object, revision = '1.9'): void {
  const checksum = `sha256:${'0'.repeat(16)}`
  const text = JSON.stringify({ ...value, $holdfast: { revision, checksum } }, null, 2)
  const digits = createHash('sha256').update(text).digest('hex').slice(0, 16)
  const sealed = text.replace(checksum, `sha256:${digits}`)
  writeFileSync(join(directory, 'state', path), sealed)
}

const stepAt = (index: number): Step => ({
  id: stepIdAfter(file, index),
  agent: 'agent-1',
  token: 1,
  result: doStep(stepKinds[index % 3] ?? 'hash', source),
})

const steps = [0, 1, 2, 3].map(stepAt)
const acknowledged: readonly Acknowledgement[] = steps.map(({ id }, index) => ({
  step: id,
  revision: `1.${index + 6}`,
}))

function writeState(written: readonly Step[], revision?: string): void {
  const task: Task = { file, steps: written }
  writeDocument('tasks/a.json', task, revision)
  writeDocument('totals/all.json', written.reduce(addStep, noTotals), revision)
}

function proofOf(heard: readonly Acknowledgement[] = acknowledged): Proof {
  return prove({
    stateDirectory: join(directory, 'state'),
    sourceDirectory: join(directory, 'sources/src'),
    acknowledged: heard,
  })
}

describe('the proof of the demo', () => {
  it('holds when every acknowledged step is there once', () => {
    writeState(steps)
    const proof = proofOf()
    expect(proof).toMatchObject({ files: 1, stepsFound: 4, notHeard: [], totalsAgree: true })
    expect(isProven(proof)).toBe(true)
  })

  it('allows a step that was committed and not heard of', () => {
    writeState(steps)
    const proof = proofOf(acknowledged.slice(0, 3))
    expect(proof.notHeard).toEqual(['src/a.ts#2:hash'])
    expect(isProven(proof)).toBe(true)
  })

  it.each<[string, keyof Proof, () => Proof]>([
    [
      'a missing step',
      'missing',
      () => {
        writeState(steps.slice(0, 3))
        return proofOf()
      },
    ],
    [
      'a step that is there twice',
      'duplicates',
      () => {
        writeState([...steps, ...steps.slice(3)])
        return proofOf()
      },
    ],
    [
      'a step that was done again',
      'duplicates',
      () => {
        writeState(steps)
        return proofOf([...acknowledged, ...acknowledged.slice(3)])
      },
    ],
    [
      'a wrong result',
      'wrong',
      () => {
        writeState(steps.with(1, { ...stepAt(1), result: { lines: 1, words: 1 } }))
        return proofOf()
      },
    ],
    [
      'a step out of order',
      'wrong',
      () => {
        writeState([stepAt(1), stepAt(0), stepAt(2), stepAt(3)])
        return proofOf()
      },
    ],
    [
      'a step under an older lease than the one before it',
      'wrong',
      () => {
        writeState(steps.with(2, { ...stepAt(2), token: 0 }))
        return proofOf()
      },
    ],
    [
      'a damaged file',
      'corrupt',
      () => {
        writeState(steps)
        writeFileSync(join(directory, 'state/tasks/b.json'), '{ "file": "src/b.ts", "st')
        return proofOf()
      },
    ],
    [
      'an older document than was acknowledged',
      'older',
      () => {
        writeState(steps, '1.8')
        return proofOf()
      },
    ],
  ])('fails for %s', (_, found, makeProof) => {
    const proof = makeProof()
    expect(proof[found]).not.toEqual([])
    expect(isProven(proof)).toBe(false)
  })

  it('fails for a changed byte', () => {
    writeState(steps)
    writeFileSync(
      join(directory, 'state/tasks/a.json'),
      JSON.stringify({ file, steps, $holdfast: { revision: '1.9', checksum: 'sha256:00ff' } }),
    )
    expect(proofOf().corrupt).toHaveLength(1)
  })

  it('fails for totals that do not agree', () => {
    writeState(steps)
    writeDocument('totals/all.json', steps.slice(1).reduce(addStep, noTotals))
    expect(proofOf()).toMatchObject({ totalsAgree: false })
    expect(isProven(proofOf())).toBe(false)
  })

  it('fails for an empty state', () => {
    expect(isProven(proofOf([]))).toBe(false)
  })
})
