/** Keys that were chosen to escape, to collide or to be mangled. */
import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeKey, encodeKey, isHashedName } from '../../src/storage/file/key-encoding.js'
import type { StateStore } from '../../src/store/index.js'
import { gather, useSandbox } from './sandbox.js'

const sandbox = useSandbox()
const seed = 20_261_121
const count = 10_000

const fragments = [
  ...['.', '..', '/', '\\', '../', '..\\', '//', '~', '$HOME', 'C:', ':', '*', '?', '"', '<', '|'],
  ...['\0', '\n', '\r', '\t', '\u007f', '\u0080', '\u2028', '\u202e', '\ufeff', '\u200d'],
  ...['con', 'CON', 'nul', 'NUL.json', 'aux', 'com1', 'COM9', 'lpt1', 'prn', 'con.txt', 'CONIN$'],
  ...['%', '!', '%%', '%2', '%2e', '%2E', '%2f', '%c3%a9', '!a', '!A', '!!', '%21', '%25', '%00'],
  ...['a', 'A', 'readme', 'README', 'Readme', 'ß', 'SS', 'ss', 'İ', 'i', 'ı', 'K', 'K', 'k', 'ſ'],
  ...['é', 'e\u0301', 'Å', 'Å', 'A\u030a', 'ﬁ', 'fi', '가', '\u1100\u1161', 'Ω', 'Ω'],
  ...[
    '😀',
    '👩‍👩‍👧',
    '🏳️‍🌈',
    '\ud800',
    '\udc00',
    '\ud83d',
    '\ude00',
    '日本',
    'نص',
    '\ufffd',
    '\uffff',
  ],
  ...[' ', '  ', '. ', ' .', '...', '-', '_', '+', '=', ',', '@', '.json', '.yaml', '.tmp', '.swp'],
  ...['__proto__', 'constructor', 'toString', '.holdfast', '.HOLDFAST', '.git', 'store.json'],
]

const long = fc
  .record({ part: fc.constantFrom(...fragments), size: fc.integer({ min: 60, max: 4096 }) })
  .map(({ part, size }) => part.repeat(Math.ceil(size / part.length)).slice(0, size))
const built = fc
  .array(fc.constantFrom(...fragments), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join(''))
const any = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 })
const broken = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { minLength: 1, maxLength: 12 })
  .map((units) => String.fromCharCode(...units))
const key = fc.oneof({ weight: 6, arbitrary: built }, any, broken, { weight: 1, arbitrary: long })

/** What is easily taken for the same key, and the names that stand for it. */
function relativesOf(text: string): string[] {
  const name = encodeKey(text)
  return [
    text,
    ...[text.toUpperCase(), text.toLowerCase(), text.normalize('NFC'), text.normalize('NFD')],
    ...[`${text}.`, `${text} `, ` ${text}`, `${text}.json`, `${text}\0`],
    ...[name, name.toUpperCase(), encodeKey(name), `${name}.json`],
  ].filter((relative) => relative.length > 0 && relative.length <= 8192)
}

function hostile(amount: number): string[] {
  const keys = new Set<string>(fragments)
  for (let round = 0; keys.size < amount; round++) {
    for (const text of fc.sample(key, { seed: seed + round, numRuns: 500 })) {
      for (const relative of relativesOf(text)) if (keys.size < amount) keys.add(relative)
    }
  }
  return [...keys]
}

/** As the least distinguishing file system sees a name. */
const folded = (name: string): string =>
  name
    .normalize('NFD')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFC')
    .replace(/[. ]+$/, '')

const legal = /^[a-z0-9\-_.@+=,%!]+$/
const device = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

describe('names of files', () => {
  const checked = (property: (text: string) => void): void =>
    fc.assert(fc.property(key, property), { seed, numRuns: 4000, endOnFailure: true })

  it('are legal everywhere', () => {
    checked((text) => {
      const name = encodeKey(text)
      expect(name).toMatch(legal)
      expect(name).not.toMatch(device)
      expect(name.startsWith('.')).toBe(false)
      expect(name.length).toBeLessThanOrEqual(180)
    })
  })

  it('decode to their key, unless they are hashes', () => {
    checked((text) => {
      const name = encodeKey(text)
      expect(decodeKey(name)).toBe(isHashedName(name) ? undefined : text)
    })
  })

  it('differ where keys differ, also where case is folded and Unicode normalised', () => {
    const keyOf = new Map<string, string>()
    checked((text) => {
      for (const relative of relativesOf(text)) {
        const name = folded(`${encodeKey(relative)}.json`)
        expect(keyOf.get(name) ?? relative).toBe(relative)
        keyOf.set(name, relative)
      }
    })
    expect(keyOf.size).toBeGreaterThan(count)
  })

  it('any two keys', () => {
    fc.assert(
      fc.property(key, key, (left, right) => {
        const same = folded(encodeKey(left)) === folded(encodeKey(right))
        expect(same).toBe(left === right)
      }),
      { seed, numRuns: 4000, endOnFailure: true },
    )
  })
})

describe(`hostile keys of seed ${seed}`, () => {
  async function reopened(store: StateStore): Promise<StateStore> {
    await store.close()
    return sandbox().open({ durability: 'process', backups: false })
  }

  function expectNothingBeside(collections: number): void {
    expect(readdirSync(sandbox().parent)).toEqual(['store'])
    expect(
      sandbox()
        .names('.')
        .filter((name) => name !== '.holdfast').length,
    ).toBe(collections)
  }

  it(`${count} as keys neither escape nor collide, and all come back`, async () => {
    const keys = hostile(count)
    let store = await sandbox().open({ durability: 'process', backups: false })
    const things = store.collection('things')
    await Promise.all(keys.map((text, index) => things.set(text, { index })))
    expectNothingBeside(1)
    expect(sandbox().names('things').length).toBe(count)
    store = await reopened(store)
    const again = store.collection<{ index: number }>('things')
    const read = await Promise.all(keys.map((text) => again.get(text)))
    expect(read.map((value) => value?.index)).toEqual(keys.map((_, index) => index))
    expect(await again.list()).toEqual([...keys].sort())
    expect(await store.verify()).toMatchObject({ documents: count, intact: count, findings: [] })
    await Promise.all(keys.map((text) => again.delete(text, { durability: 'process' })))
    expect(sandbox().names('things')).toEqual([])
  })

  it('as names of collections', async () => {
    const names = hostile(500)
    let store = await sandbox().open({ durability: 'process', backups: false })
    await Promise.all(names.map((name, index) => store.collection(name).set(name, { index }, {})))
    expectNothingBeside(names.length)
    store = await reopened(store)
    expect(await store.collections()).toEqual([...names].sort())
    for (const [index, name] of names.entries()) {
      const collection = store.collection(name)
      expect(await collection.get(name)).toEqual({ index })
      expect(await gather(collection.keys())).toEqual([name])
    }
  })

  it('as names of locks', async () => {
    const names = hostile(500)
    const store = await sandbox().open({ durability: 'process' })
    const locks = []
    for (const name of names) locks.push(await store.lock(name, { waitMs: 0 }))
    const held = (await store.locks()).filter(({ state }) => state === 'held')
    expect(held.map(({ name }) => name).sort()).toEqual([...names].sort())
    for (const lock of locks) await lock.release()
    expectNothingBeside(0)
  })
})
