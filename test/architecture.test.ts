import { existsSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import tsupConfig from '../tsup.config.js'
import {
  checkEntrances,
  checkFolderComments,
  checkFolderNames,
  type InnerFolders,
} from './architecture/folders.js'
import { checkCycles, checkReachable } from './architecture/graph.js'
import { checkLayers, type LayerTable } from './architecture/layers.js'
import { checkMachineAccess, type MachineRule } from './architecture/machine-access.js'
import { readModules } from './architecture/source-module.js'
import { checkEmptyCatch, checkLength, checkSkippedTests } from './architecture/tidiness.js'

/** From the top: a unit may import whatever stands in a lower row. */
const layers: LayerTable = [
  { units: ['testing'] },
  { units: ['index.ts'] },
  {
    units: ['store', 'lock', 'counter', 'health', 'backup', 'schema', 'log'],
    sideways: {
      store: ['lock', 'schema', 'backup', 'counter', 'log', 'health'],
      log: ['schema'],
      health: ['lock', 'log'],
    },
  },
  {
    units: ['storage', 'storage/file', 'storage/memory'],
    sideways: { 'storage/file': ['storage'], 'storage/memory': ['storage'] },
  },
  { units: ['atomic-write', 'file-lock', 'journal', 'log-segment', 'serializer'] },
  { units: ['file-system'] },
  { units: ['errors', 'clock'] },
]

/** These implement what the folder around them defines, whose index may name them in turn. */
const innerFolders: InnerFolders = {
  'src/storage/file': 'src/storage',
  'src/storage/memory': 'src/storage',
  'src/serializer/yaml': 'src/serializer',
  'src/atomic-write/write-file-atomic': 'src/atomic-write',
  'src/file-lock/proper-lockfile': 'src/file-lock',
}

const machineAccess: readonly MachineRule[] = [
  {
    names: ['node:fs', 'node:fs/promises'],
    onlyIn: /^src\/file-system\/node-[^/]+\.ts$/,
  },
  {
    names: [
      'Date.now',
      'new Date()',
      'performance.now',
      'process.hrtime',
      'node:perf_hooks',
      'setTimeout',
      'setInterval',
      'node:timers',
      'node:timers/promises',
      'AbortSignal.timeout',
      'Math.random',
      'crypto.randomUUID',
      'crypto.getRandomValues',
      'node:crypto.randomBytes',
      'node:crypto.randomFill',
      'node:crypto.randomFillSync',
      'node:crypto.randomInt',
      'node:crypto.randomUUID',
      'node:crypto.getRandomValues',
      'node:crypto.webcrypto',
    ],
    onlyIn: /^src\/clock\//,
  },
]

const namelessFolders = ['utils', 'helpers', 'common', 'shared', 'misc', 'lib', 'manager']

const linesMax = 500

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = readModules(root, 'src')
const tests = readModules(root, 'test')

function entryPoints(): string[] {
  if (typeof tsupConfig === 'function' || Array.isArray(tsupConfig)) {
    throw new TypeError('tsup.config.ts is expected to hold one plain configuration')
  }
  const entries = Object.values(tsupConfig.entry ?? {})
  return entries.map((entry) => relative(root, `${root}/${entry}`).split(sep).join('/'))
}

describe('the sources', () => {
  it('are found', () => {
    expect(existsSync(`${root}/src/index.ts`), 'src/index.ts exists').toBe(true)
    expect(sources.length).toBeGreaterThan(10)
    expect(entryPoints()).toContain('src/index.ts')
  })

  it('import downwards only', () => {
    expect(checkLayers(sources, layers)).toEqual([])
  })

  it('enter a folder through its index.ts', () => {
    expect(checkEntrances(sources, innerFolders)).toEqual([])
  })

  it('have no import cycles', () => {
    expect(checkCycles(sources)).toEqual([])
  })

  it('are all reached from an entry point', () => {
    expect(checkReachable(sources, entryPoints())).toEqual([])
  })

  it('leave files, time and chance to their adapters', () => {
    expect(checkMachineAccess(sources, machineAccess)).toEqual([])
  })

  it('say in each folder what lives there', () => {
    expect(checkFolderComments(sources)).toEqual([])
  })

  it('lose no error in an empty catch', () => {
    expect(checkEmptyCatch(sources)).toEqual([])
  })
})

describe('sources and tests', () => {
  it('are short files', () => {
    expect(checkLength([...sources, ...tests], linesMax)).toEqual([])
  })

  it('stand in folders that name a concept', () => {
    expect(checkFolderNames([...sources, ...tests], namelessFolders)).toEqual([])
  })

  it('skip nothing', () => {
    expect(checkSkippedTests(tests)).toEqual([])
  })
})
