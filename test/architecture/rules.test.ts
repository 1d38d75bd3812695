import { describe, expect, it } from 'vitest'
import { checkEntrances, checkFolderComments, checkFolderNames } from './folders.js'
import { checkCycles, checkReachable } from './graph.js'
import { checkLayers, type LayerTable } from './layers.js'
import { checkMachineAccess } from './machine-access.js'
import { parseModules } from './source-module.js'
import { checkEmptyCatch, checkLength, checkSkippedTests } from './tidiness.js'

describe('parseModules', () => {
  it('sees every way of importing, with its line', () => {
    const [module] = parseModules({
      'src/a.ts': [
        "import { b } from './b.js'",
        "import type { B } from './b.js'",
        "import { type B as C } from './b.js'",
        "export * from './b.js'",
        "export type { B } from './b.js'",
        "import './b.js'",
        "const lazy = await import('./b.js')",
        "const old = require('./b.js')",
        "type D = import('./b.js').D",
        "import e = require('./b.js')",
        "const text = \"import x from './not.js'\" // import './nor.js'",
      ].join('\n'),
      'src/b.ts': '',
    })
    expect(module?.imports.map(({ line, typeOnly }) => [line, typeOnly])).toEqual([
      [1, false],
      [2, true],
      [3, false],
      [4, false],
      [5, true],
      [6, false],
      [7, false],
      [8, false],
      [9, true],
      [10, false],
    ])
    expect(new Set(module?.imports.map(({ target }) => target))).toEqual(new Set(['src/b.ts']))
  })
})

describe('checkLayers', () => {
  const table: LayerTable = [
    { units: ['index.ts'] },
    { units: ['store', 'lock'], sideways: { store: ['lock'] } },
    { units: ['storage', 'storage/file'], sideways: { 'storage/file': ['storage'] } },
    { units: ['errors', 'clock'] },
  ]
  const files = {
    'src/index.ts': '',
    'src/store/index.ts': '',
    'src/lock/index.ts': '',
    'src/storage/index.ts': '',
    'src/storage/file/index.ts': '',
    'src/errors/index.ts': '',
    'src/clock/index.ts': '',
  }
  const check = (path: string, text: string): string[] =>
    checkLayers(parseModules({ ...files, [path]: text }), table)

  it.each([
    ['src/index.ts', "export * from './store/index.js'"],
    ['src/store/index.ts', "import '../errors/index.js'"],
    ['src/store/index.ts', "import '../lock/index.js'"],
    ['src/store/index.ts', "import './collection.js'; import 'zod'; import 'node:path'", true],
    ['src/storage/file/index.ts', "import '../index.js'"],
  ])('lets %s say %s', (path, text, withSibling = false) => {
    const sibling = withSibling ? { 'src/store/collection.ts': '' } : {}
    expect(checkLayers(parseModules({ ...files, ...sibling, [path]: text }), table)).toEqual([])
  })

  it.each([
    ['src/errors/index.ts', "import '../clock/index.js'", 'its neighbour in the layer'],
    ['src/lock/index.ts', "import '../store/index.js'", 'its neighbour in the layer'],
    ['src/storage/index.ts', "import './file/index.js'", 'its neighbour in the layer'],
    ['src/storage/file/index.ts', "import '../../lock/index.js'", 'a layer above it'],
    ['src/errors/index.ts', "import type { S } from '../store/index.js'", 'a layer above it'],
    ['src/store/index.ts', "export * from '../index.js'", 'a layer above it'],
    ['src/store/index.ts', "const late = () => import('../index.js')", 'a layer above it'],
    ['src/store/index.ts', "import './gone.js'", 'leads nowhere'],
    ['src/store/index.ts', "import 'holdfast/testing'", 'is this package'],
    ['src/cache/index.ts', '', 'stands in no layer'],
    ['src/version.ts', '', 'stands in no layer'],
  ])('stops %s saying %s', (path, text, complaint) => {
    expect(check(path, text)).toEqual([expect.stringContaining(complaint)])
    expect(check(path, text)[0]).toContain(path)
  })
})

describe('checkEntrances', () => {
  const files = {
    'src/store/index.ts': '',
    'src/storage/index.ts': '',
    'src/storage/storage.ts': '',
    'src/storage/file/index.ts': '',
    'src/storage/file/layout.ts': '',
  }
  const inner = { 'src/storage/file': 'src/storage' }
  const check = (path: string, text: string): string[] =>
    checkEntrances(parseModules({ ...files, [path]: text }), inner)

  it.each([
    ['src/store/index.ts', "import '../storage/index.js'"],
    ['src/storage/file/index.ts', "import '../storage.js'; import './layout.js'"],
  ])('lets %s say %s', (path, text) => {
    expect(check(path, text)).toEqual([])
  })

  it.each([
    ['src/store/index.ts', "import '../storage/storage.js'", 'src/storage/index.ts'],
    ['src/store/index.ts', "import type { L } from '../storage/file/layout.js'", 'file/index.ts'],
    ['src/storage/storage.ts', "import './file/layout.js'", 'src/storage/file/index.ts'],
    ['src/storage/memory/index.ts', "import '../storage.js'", 'src/storage/index.ts'],
  ])('stops %s saying %s', (path, text, entrance) => {
    expect(check(path, text)).toEqual([expect.stringContaining(`goes around`)])
    expect(check(path, text)[0]).toContain(entrance)
  })
})

describe('checkCycles', () => {
  it('prints each cycle once', () => {
    const modules = parseModules({
      'src/a.ts': "import './b.js'",
      'src/b.ts': "import './c.js'",
      'src/c.ts': "export * from './a.js'",
      'src/d.ts': "import './a.js'; import './d.js'",
    })
    expect(checkCycles(modules)).toEqual([
      'src/a.ts → src/b.ts → src/c.ts → src/a.ts',
      'src/d.ts → src/d.ts',
    ])
  })

  it('does not count imports that the compiler erases', () => {
    const erased = { 'src/a.ts': "import './b.js'", 'src/b.ts': "import type { A } from './a.js'" }
    expect(checkCycles(parseModules(erased))).toEqual([])
    const kept = { ...erased, 'src/b.ts': "import { type A } from './a.js'" }
    expect(checkCycles(parseModules(kept))).toEqual(['src/a.ts → src/b.ts → src/a.ts'])
  })
})

describe('checkReachable', () => {
  const modules = parseModules({
    'src/index.ts': "import type { A } from './a.js'",
    'src/a.ts': "import './b.js'",
    'src/b.ts': '',
    'src/orphan.ts': "import './index.js'",
  })

  it('finds files that nothing leads to', () => {
    expect(checkReachable(modules, ['src/index.ts'])).toEqual([
      'src/orphan.ts: no entry point reaches it',
    ])
    expect(checkReachable(modules, ['src/index.ts', 'src/orphan.ts'])).toEqual([])
  })

  it('finds entry points that do not exist', () => {
    expect(checkReachable(modules, ['src/orphan.ts', 'src/main.ts'])).toEqual([
      'src/main.ts: no such entry point',
    ])
  })
})

describe('checkMachineAccess', () => {
  const rules = [
    { names: ['node:fs', 'node:fs/promises'], onlyIn: /^src\/file-system\/node-[^/]+\.ts$/ },
    {
      names: ['Date.now', 'new Date()', 'setTimeout', 'Math.random', 'node:crypto.randomBytes'],
      onlyIn: /^src\/clock\//,
    },
  ]
  const check = (path: string, text: string): string[] =>
    checkMachineAccess(parseModules({ [path]: text }), rules)

  it.each([
    ["import { readFile } from 'node:fs/promises'", 'node:fs/promises'],
    ["import * as fs from 'fs'", 'node:fs'],
    ["import type { Stats } from 'node:fs'", 'node:fs'],
    ["const fs = await import('node:fs')", 'node:fs'],
    ['const t = Date.now()', 'Date.now'],
    ["const t = Date['now']()", 'Date.now'],
    ['const { now } = Date', 'Date.now'],
    ['const { now: clock } = globalThis.Date', 'Date.now'],
    ['const options = { now: Date.now }', 'Date.now'],
    ['const t = new Date()', 'new Date()'],
    ['const t = new Date', 'new Date()'],
    ['const t = Date()', 'new Date()'],
    ['setTimeout(f, 1)', 'setTimeout'],
    ['globalThis.setTimeout(f, 1)', 'setTimeout'],
    ['const timers = { setTimeout }', 'setTimeout'],
    ['const timers = { later: setTimeout }', 'setTimeout'],
    ['const later = setTimeout', 'setTimeout'],
    ['const n = Math.random()', 'Math.random'],
    ["import { randomBytes as bytes } from 'node:crypto'", 'node:crypto.randomBytes'],
    ["export { randomBytes } from 'crypto'", 'node:crypto.randomBytes'],
    ["import * as crypto from 'node:crypto'; crypto.randomBytes(4)", 'node:crypto.randomBytes'],
    ["import crypto from 'crypto'; crypto.randomBytes(4)", 'node:crypto.randomBytes'],
  ])('finds %s', (text, name) => {
    expect(check('src/store/index.ts', text)).toEqual([`src/store/index.ts:1: uses ${name}`])
  })

  it.each([
    "import { createHash } from 'node:crypto'",
    'const t = new Date(savedAt).toISOString()',
    'const same = value instanceof Date',
    'const t = clock.now()',
    'type Timer = ReturnType<typeof setTimeout>',
    'interface Timers { setTimeout(action: () => void): void }',
    'const timers = { setTimeout: undefined }; timers.setTimeout',
    "const text = 'Date.now()' // setTimeout()",
    "import { readFile } from './fs.js'",
  ])('does not mind %s', (text) => {
    expect(check('src/store/index.ts', text)).toEqual([])
  })

  it('allows a use where its rule does', () => {
    expect(check('src/clock/index.ts', 'setTimeout(f, Date.now())')).toEqual([])
    expect(check('src/file-system/node-file-system.ts', "import 'node:fs'")).toEqual([])
    expect(check('src/file-system/steps.ts', "import 'node:fs'")).toHaveLength(1)
    expect(check('src/file-system/node-file-system.ts', 'Date.now()')).toHaveLength(1)
  })
})

describe('checkFolderComments', () => {
  const check = (text: string): string[] =>
    checkFolderComments(parseModules({ 'src/lock/index.ts': text, 'src/lock/lock.ts': '' }))

  it('asks each folder to say what lives there', () => {
    expect(check('/** Locks: named, fenced, across processes. */\nexport {}')).toEqual([])
    expect(check('// Locks: named, fenced.\nexport {}')).toEqual([])
    expect(check('export {}\n/** Locks: named, fenced. */')).toHaveLength(1)
    expect(check('/** Index. */\nexport {}')).toHaveLength(1)
    expect(check('')).toHaveLength(1)
    expect(checkFolderComments(parseModules({ 'src/lock/lock.ts': '' }))).toEqual([
      'src/lock: has no index.ts',
    ])
  })
})

describe('checkFolderNames', () => {
  it('refuses names that say nothing, at any depth', () => {
    const modules = parseModules({ 'src/store/utils/a.ts': '', 'src/store/utilities.ts': '' })
    expect(checkFolderNames(modules, ['utils'])).toEqual([
      "src/store/utils: 'utils' does not name a concept",
    ])
  })
})

describe('checkLength', () => {
  it('counts lines, not the newline at the end', () => {
    const check = (text: string): string[] => checkLength(parseModules({ 'src/a.ts': text }), 3)
    expect(check('1\n2\n3\n')).toEqual([])
    expect(check('1\n2\n3\n4')).toEqual(['src/a.ts: has 4 lines, more than 3'])
  })
})

describe('checkEmptyCatch', () => {
  it('finds them, with or without a comment or a binding', () => {
    const text = 'try { a() } catch {}\ntry { a() } catch (error) { /* fine */ }'
    expect(checkEmptyCatch(parseModules({ 'src/a.ts': text }))).toEqual([
      'src/a.ts:1: empty catch',
      'src/a.ts:2: empty catch',
    ])
    const handled = 'try { a() } catch { b() }'
    expect(checkEmptyCatch(parseModules({ 'src/a.ts': handled }))).toEqual([])
  })
})

describe('checkSkippedTests', () => {
  it.each(['it.skip', 'test.only', 'describe.todo', 'it.concurrent.only', 'it.each([1]).skip'])(
    'finds %s',
    (text) => {
      const modules = parseModules({ 'test/a.test.ts': `${text}('does', () => {})` })
      expect(checkSkippedTests(modules)).toEqual([`test/a.test.ts:1: ${text}`])
    },
  )

  it('does not mind other uses of the words', () => {
    const text = "it('skips', () => { cursor.skip(1); it.skipIf(isRoot)('x', f) }) // it.skip"
    expect(checkSkippedTests(parseModules({ 'test/a.test.ts': text }))).toEqual([])
  })
})
