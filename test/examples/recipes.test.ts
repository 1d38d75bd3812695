import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../docs/run-program.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What each prints; a place that differs from run to run is a pattern. */
const printed: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'event-log.ts': [
    '3 replies in the last hour. By scout:',
    '- sent in #general',
    '- failed in #general',
    'The last failure: timed out in #general',
  ],
  'atomic-state.ts': [
    'After ten at once, scout has 90',
    'Refused: scout has only 50',
    'scout: 50 tokens',
    'scribe: 40 tokens',
    'Moves on record: 1',
  ],
  'lock.ts': [
    'scout makes the report',
    'scribe sees that somebody is at it already',
    'scout is done',
    'editor makes the report',
    'editor is done',
    'The report is by editor',
  ],
  'counter.ts': [
    'messages: 100',
    'cents spent today: 42',
    'days with expenses: 1',
    'all of them: { cents: 42, messages: 101, tasks_done: 1, words: 250 }',
    'messages before the reset: 101',
  ],
  'health.ts': [
    'mail: new -> ok',
    'search: new -> ok',
    'mail: ok -> error',
    'mail is error and was ok',
    'recorded: { mail: { ok: 2, error: 1 }, search: { ok: 1 } }',
    'changes: 2',
    'the store is fine',
    /^session morning \| state \/.*\.state \| no locks \| error mail \d+s \(.*connection refused.*\) \| ok search \| as of \d+s ago$/,
  ],
}

const recipes = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.ts'))
const textOf = (name: string): string => readFileSync(join(root, 'examples', name), 'utf8')

describe('the recipes', () => {
  it('are all known here and on their page', () => {
    expect(recipes.sort()).toEqual(Object.keys(printed).sort())
    const page = textOf('README.md')
    expect(recipes.filter((name) => !page.includes(`(${name})`))).toEqual([])
  })

  it.each(recipes)('%s is under 40 lines', (name) => {
    expect(textOf(name).trimEnd().split('\n').length).toBeLessThan(40)
  })

  it.each(recipes)('%s prints what it is to show', async (name) => {
    const program = { page: `examples/${name}`, blocks: [], text: textOf(name), output: undefined }
    const { code, stdout, stderr } = await runProgram(root, program)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    const wanted = printed[name] ?? []
    expect(lines).toEqual(
      wanted.map((line) => (typeof line === 'string' ? line : expect.stringMatching(line))),
    )
  })
})
