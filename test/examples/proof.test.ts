import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Acknowledgement,
  type Beginning,
  isProven,
  type Proof,
  prove,
} from '../../examples/demo/proof.js'
import {
  addStep,
  doStep,
  noTotals,
  type Step,
  stepIdAfter,
  stepKinds,
  type Task,
} from '../../examples/demo/work.js'
import { portableCrc32 } from '../../src/log-segment/index.js'

const file = 'src/a.ts'
const source = '/** The letter a: the first. */\nexport const a = 1\n'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-proof-'))
  for (const path of [
    'state',
    'state/tasks',
    'state/totals',
    'state/counters',
    'state/logs',
    'sources',
    'sources/src',
  ]) {
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

interface Line {
  readonly id: string
  readonly type: string
  readonly step: string
}

const lines: readonly Line[] = [
  { id: '1.1', type: 'begun', step: 'src/a.ts#1:hash' },
  ...steps.map(({ id: step }, index) => ({ id: `1.${index + 5}`, type: 'done', step })),
]
const begun: readonly Beginning[] = [{ step: 'src/a.ts#1:hash', id: '1.1', attempts: 1 }]

function lineOf({ id, type, step }: Line): string {
  const body = `{"id":"${id}","at":"2026-11-21T10:00:00.000Z","type":"${type}","data":{"step":"${step}"}`
  return `${body},"sum":"${portableCrc32(body).toString(16).padStart(8, '0')}"}\n`
}

const writeLog = (written: readonly Line[]): void =>
  writeFileSync(join(directory, 'state/logs/work.jsonl'), written.map(lineOf).join(''))

function writeState(written: readonly Step[], revision?: string): void {
  writeLog(
    lines.filter(({ step, type }) => type === 'begun' || written.some(({ id }) => id === step)),
  )
  writeDocument('counters/attempts.json', { value: 1 })
  writeDocument('counters/steps.json', { value: written.length })
  const task: Task = { file, steps: written }
  writeDocument('tasks/a.json', task, revision)
  writeDocument('totals/all.json', written.reduce(addStep, noTotals), revision)
}

function proofOf(heard: readonly Acknowledgement[] = acknowledged): Proof {
  return prove({
    stateDirectory: join(directory, 'state'),
    sourceDirectory: join(directory, 'sources/src'),
    begun,
    acknowledged: heard,
    kills: 1,
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
    [
      'a missing log record',
      'missingRecords',
      () => {
        writeState(steps)
        writeLog(lines.slice(0, -1))
        return proofOf()
      },
    ],
    [
      'a missing record of a beginning',
      'missingRecords',
      () => {
        writeState(steps)
        writeLog(lines.slice(1))
        return proofOf()
      },
    ],
    [
      'a step that is not in the log, and was not heard of',
      'wrongRecords',
      () => {
        writeState(steps)
        writeLog(lines.slice(0, -1))
        return proofOf(acknowledged.slice(0, 3))
      },
    ],
    [
      'a log record that is there twice',
      'wrongRecords',
      () => {
        writeState(steps)
        writeLog([...lines, { ...lines[4], id: '1.20' } as Line])
        return proofOf()
      },
    ],
    [
      'log records out of order',
      'wrongRecords',
      () => {
        writeState(steps)
        writeLog([...lines.slice(0, 3), ...lines.slice(3).reverse()])
        return proofOf()
      },
    ],
    [
      'a log record of a step that was not done',
      'wrongRecords',
      () => {
        writeState(steps)
        writeLog([...lines, { id: '1.20', type: 'done', step: 'src/a.ts#2:count' }])
        return proofOf()
      },
    ],
    [
      'a damaged line of the log',
      'corrupt',
      () => {
        writeState(steps)
        const text = lines.map(lineOf).join('')
        const changed = `${text}${lineOf({ id: '1.20', type: 'begun', step: 'src/b.ts#1:hash' })}`
        writeFileSync(join(directory, 'state/logs/work.jsonl'), changed.replace('src/b', 'src/c'))
        return proofOf()
      },
    ],
    [
      'a count too few of the steps',
      'wrongCounters',
      () => {
        writeState(steps)
        writeDocument('counters/steps.json', { value: 3 })
        return proofOf()
      },
    ],
    ...[0, 3].map((value): [string, keyof Proof, () => Proof] => [
      `${value} attempts where 1 was heard of and 1 may not have been`,
      'wrongCounters',
      () => {
        writeState(steps)
        writeDocument('counters/attempts.json', { value })
        return proofOf()
      },
    ]),
  ])('fails for %s', (_, found, makeProof) => {
    const proof = makeProof()
    expect(proof[found]).not.toEqual([])
    expect(isProven(proof)).toBe(false)
  })

  it('reads closed segments up to where they were sealed, then the active file', () => {
    writeState(steps)
    for (const path of ['.holdfast', '.holdfast/logs', 'logs/work']) {
      mkdirSync(join(directory, 'state', path))
    }
    const closed = lines.slice(0, 2).map(lineOf).join('')
    const segments = [{ number: 1, bytes: closed.length }]
    const manifest = join(directory, 'state/.holdfast/logs/work.json')
    writeFileSync(manifest, JSON.stringify({ body: { log: 'work', segments } }))
    writeFileSync(
      join(directory, 'state/logs/work/000001.jsonl'),
      `${closed}${lineOf(lines[4] as Line)}`,
    )
    writeLog(lines.slice(2))
    expect(proofOf()).toMatchObject({ recordsFound: 5, wrongRecords: [], missingRecords: [] })
    expect(isProven(proofOf())).toBe(true)
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
