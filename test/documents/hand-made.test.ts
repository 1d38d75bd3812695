/** Directories that a person made: holdfast takes them as they are. */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../src/file-system/index.js'
import { yamlSerializer } from '../../src/serializer/yaml/index.js'
import { openStateStore, type StateStore } from '../../src/store/index.js'
import { codeOf, collect, gather, useSandbox } from './sandbox.js'

const sandbox = useSandbox()

type Note = Record<string, unknown>

const names = [
  'plain',
  'Notes 1',
  'UPPER',
  'CamelCase',
  'grüße',
  'gru\u0308n',
  '日本語',
  '🎉 party',
  'trailing ',
  'dots..',
  '100%',
  '%41',
  'wow!',
  '!A',
  'a.b.c',
  "it's (1)",
  'con',
  'n'.repeat(150),
  'w'.repeat(240),
  '長'.repeat(70),
]

const bare = (value: unknown): string => JSON.stringify(value)

describe('plain JSON files', () => {
  it.each(names)('%j is listed, read and updated in place', async (name) => {
    sandbox().write(`notes/${name}.json`, bare({ title: name, count: 1 }))
    const store = await sandbox().open()
    const notes = store.collection<Note>('notes')
    expect(await store.collections()).toEqual(['notes'])
    expect(await notes.list()).toEqual([name])
    expect(await notes.read(name)).toMatchObject({
      value: { title: name, count: 1 },
      origin: 'external',
      writer: undefined,
    })
    const updated = await notes.update(name, (note) => ({ ...note, count: 2 }))
    expect(updated).toEqual({ title: name, count: 2 })
    expect(sandbox().names('notes'), 'it is the same file').toEqual([`${name}.json`])
    const written = JSON.parse(sandbox().read(`notes/${name}.json`)) as Note
    expect(written).toMatchObject({
      title: name,
      count: 2,
      $holdfast: { revision: expect.any(String) },
    })
    expect((await notes.read(name))?.origin).toBe('store')
    await store.close()
    const again = (await sandbox().open()).collection<Note>('notes')
    expect(await again.list()).toEqual([name])
    expect(await again.get(name)).toEqual({ title: name, count: 2 })
    expect(await again.delete(name)).toBe(true)
    expect(sandbox().names('notes')).toEqual([])
  })

  it('can be set and deleted without having been read', async () => {
    sandbox().write('notes/Notes 1.json', bare({ a: 1 }))
    sandbox().write('notes/Notes 2.json', bare({ a: 2 }))
    const notes = (await sandbox().open()).collection<Note>('notes')
    await notes.set('Notes 1', { a: 3 })
    expect(await notes.delete('Notes 2')).toBe(true)
    expect(sandbox().names('notes')).toEqual(['Notes 1.json'])
    expect(await notes.get('Notes 1')).toEqual({ a: 3 })
    expect(await notes.list()).toEqual(['Notes 1'])
  })

  it('take part in transactions', async () => {
    sandbox().write('notes/Notes 1.json', bare({ a: 1 }))
    sandbox().write('notes/Notes 2.json', bare({ a: 2 }))
    const store = await sandbox().open()
    const notes = store.collection<Note>('notes')
    await store.transaction(async (transaction) => {
      const first = await transaction.get(notes, 'Notes 1')
      transaction.set(notes, 'Notes 1', { a: (await transaction.get(notes, 'Notes 2'))?.a })
      transaction.set(notes, 'Notes 2', { a: first?.a })
    })
    expect(sandbox().names('notes')).toEqual(['Notes 1.json', 'Notes 2.json'])
    expect(await notes.get('Notes 1')).toEqual({ a: 2 })
    expect(await notes.get('Notes 2')).toEqual({ a: 1 })
  })

  const spellings: [string, string, unknown][] = [
    ['a byte order mark', '\ufeff{"a": 1}', { a: 1 }],
    ['CRLF line ends', '{\r\n  "a": 1\r\n}\r\n', { a: 1 }],
    ['trailing spaces', '  {"a": 1}   \n\n  ', { a: 1 }],
    ['duplicate keys, of which the last counts', '{"a": 0, "a": 1}', { a: 1 }],
    ['an array', '[1, 2]', [1, 2]],
    ['a scalar', '7', 7],
    ['null', 'null', null],
    ['an empty object', '{}', {}],
    [
      'metadata inside a value',
      '{"a":{"$holdfast":{"mine":1}}}',
      { a: { $holdfast: { mine: 1 } } },
    ],
  ]

  it.each(spellings)('may have %s', async (_, text, value) => {
    sandbox().write('notes/one.json', text)
    const notes = (await sandbox().open()).collection('notes')
    expect(await notes.get('one')).toEqual(value)
    await notes.update('one', (current) => current)
    expect(await notes.read('one')).toMatchObject({ value, origin: 'store' })
  })

  it('gives back a document it wrote after its spelling was changed by an editor', async () => {
    const store = await sandbox().open()
    const notes = store.collection('notes')
    const { revision } = await notes.set('one', { a: 1, b: ['x'] })
    const written = sandbox().read('notes/one.json')
    for (const text of [`\ufeff${written}`, written.replaceAll('\n', '\r\n'), `${written}  \n`]) {
      sandbox().write('notes/one.json', text)
      expect(await notes.read('one')).toMatchObject({ revision, origin: 'store' })
    }
  })

  it('that are no JSON are refused and stay as they are', async () => {
    const texts = ['', '{', '{"a": 1,}', '// hello\n{}', "{'a': 1}", '{"a": NaN}', '\0\0\0\0']
    for (const [index, text] of texts.entries()) sandbox().write(`notes/${index}.json`, text)
    sandbox().write('notes/good.json', '{}')
    const store = await sandbox().open()
    const notes = store.collection('notes')
    const reported = collect(store, 'state:corrupt')
    expect((await gather(notes.entries())).map(({ key }) => key)).toEqual(['good'])
    expect(reported.length).toBe(texts.length)
    for (const [index, text] of texts.entries()) {
      expect(await codeOf(notes.get(String(index)))).toBe('STATE_CORRUPT')
      expect(sandbox().read(`notes/${index}.json`)).toBe(text)
    }
  })

  it('of other kinds are left alone', async () => {
    sandbox().write('notes/README.md', '# Hello')
    sandbox().write('notes/.hidden.json', '{}')
    sandbox().write('notes/deeper/a.json', '{}')
    sandbox().write('package.json', '{}')
    sandbox().write('notes/a.json', '{}')
    sandbox().write('.git/config', '')
    const store = await sandbox().open()
    expect(await store.collections()).toEqual(['notes'])
    expect(await store.collection('notes').list()).toEqual(['a'])
    expect(await store.verify()).toMatchObject({ documents: 1 })
  })
})

describe('what is hostile in a file made by hand', () => {
  it('a prototype is data', async () => {
    const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'
    sandbox().write('notes/one.json', text)
    sandbox().write('notes/two.yaml', '__proto__:\n  polluted: true\nconstructor: 1\n')
    const store = await sandbox().open()
    const notes = store.collection<Note>('notes')
    const check = (note: Note | undefined): void => {
      expect(Object.keys(note ?? {})).toEqual(expect.arrayContaining(['__proto__', 'constructor']))
      expect(Object.getPrototypeOf(note)).toBe(Object.prototype)
      expect(({} as Note).polluted).toBeUndefined()
      expect(note?.polluted).toBeUndefined()
    }
    check(await notes.get('one'))
    check(await notes.update('one', (note) => ({ ...note, more: 1 })))
    check(await notes.merge('one', { most: 2 }))
    check(await notes.get('one'))
    await store.transaction(async (transaction) => check(await transaction.get(notes, 'one')))
    expect(Object.keys((await notes.get('one')) ?? {})).toContain('most')
    await store.close()
    const yaml = await sandbox().open({ serializer: yamlSerializer() })
    const other = yaml.collection<Note>('notes')
    check(await other.get('two'))
    check(await other.update('two', (note) => ({ ...note, more: 1 })))
    check(await other.get('two'))
  })

  it.each([
    ['json', 513],
    ['json', 5000],
    ['json', 200_000],
    ['yaml', 5000],
  ])('%s nested too deeply (%d) disturbs nobody else', async (extension, depth) => {
    const text = `${'['.repeat(depth)}${']'.repeat(depth)}`
    sandbox().write(`notes/deep.${extension}`, text)
    sandbox().write(`notes/good.${extension}`, '{"a":1}')
    const serializer = extension === 'yaml' ? { serializer: yamlSerializer() } : {}
    const store = await sandbox().open(serializer)
    const notes = store.collection<Note>('notes')
    // It reads as what it is or counts as damaged; it cannot be stored, and nothing else suffers.
    const tried = await Promise.allSettled([
      notes.get('deep'),
      notes.update('deep', (value) => value),
      notes.update('good', (value) => ({ a: Number(value.a) + 1 })),
      notes.set('other', {}),
    ])
    expect(tried.map(({ status }) => status).slice(1)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(await notes.get('good')).toEqual({ a: 2 })
    expect(sandbox().read(`notes/deep.${extension}`)).toBe(text)
    expect((await store.verify()).documents).toBe(3)
  })

  it('numbers beyond what JSON numbers can hold', async () => {
    const text = '{"big":1e400,"long":79228162514264337593543950336,"tiny":1e-400,"minus":-0}'
    sandbox().write('notes/one.json', text)
    const notes = (await sandbox().open()).collection<Note>('notes')
    expect(await notes.get('one')).toEqual({
      big: Number.POSITIVE_INFINITY,
      long: 2 ** 96,
      tiny: 0,
      minus: -0,
    })
    expect(await codeOf(notes.update('one', (value) => value))).toBe('STATE_INVALID_VALUE')
    expect(sandbox().read('notes/one.json'), 'nothing is rounded behind the back').toBe(text)
  })

  it.each([
    'true',
    '"text"',
    '{}',
    '[]',
    '{"revision":5}',
    '{"revision":"1.1","savedAt":"never","checksum":"sha256:0000000000000000"}',
    '{"revision":"x","savedAt":"2026-01-01T00:00:00.000Z","checksum":"sha256:0000000000000000"}',
    '{"__proto__":{"revision":"1.1"}}',
  ])('metadata that is none: %s', async (metadata) => {
    sandbox().write('notes/one.json', `{"a":1,"$holdfast":${metadata}}`)
    const store = await sandbox().open()
    const notes = store.collection<Note>('notes')
    expect(await notes.get('one')).toMatchObject({ a: 1 })
    await notes.set('one', { a: 2 })
    expect(await notes.read('one')).toMatchObject({ value: { a: 2 }, origin: 'store' })
  })

  it('a hashed name whose content claims another key', async () => {
    const store = await sandbox().open()
    const notes = store.collection<Note>('notes')
    await notes.set('x'.repeat(500), { a: 1 })
    const [name = ''] = sandbox().names('notes')
    const honest = sandbox().read(`notes/${name}`)
    const claims = ['', 'y'.repeat(9000), 'plain', '../outside']
    for (const claim of claims) {
      sandbox().write(`notes/${name}`, honest.replace('x'.repeat(500), claim))
      expect(await notes.list(), `claiming ${claim.slice(0, 20)}`).toEqual([])
      expect(await gather(notes.entries())).toEqual([])
      expect((await store.verify()).findings).toMatchObject([{ kind: 'corrupt' }])
    }
  })
})

describe('YAML files', () => {
  const open = (): Promise<StateStore> => sandbox().open({ serializer: yamlSerializer() })

  it('with comments, several styles and a byte order mark', async () => {
    sandbox().write('notes/Plan A.yaml', '\ufeff# why\ntitle: "Plan"   # here\r\nsteps:\r\n  - 1\n')
    sandbox().write('notes/scalar.yaml', 'just text\n')
    sandbox().write('notes/flow.yaml', '{a: [1, 2], b: ~}')
    sandbox().write('notes/anchors.yaml', 'one: &x {n: 1}\ntwo: *x\n')
    const store = await open()
    const notes = store.collection<Note>('notes')
    expect(await notes.list()).toEqual(['Plan A', 'anchors', 'flow', 'scalar'])
    expect(await notes.get('Plan A')).toEqual({ title: 'Plan', steps: [1] })
    expect(await notes.get('scalar')).toBe('just text')
    expect(await notes.get('flow')).toEqual({ a: [1, 2], b: null })
    expect(await notes.get('anchors')).toEqual({ one: { n: 1 }, two: { n: 1 } })
    await notes.update('Plan A', (plan) => ({ ...plan, title: 'Plan B' }))
    expect(sandbox().names('notes')).toContain('Plan A.yaml')
    expect(sandbox().read('notes/Plan A.yaml')).toMatch(/^title: Plan B\n[\s\S]*\$holdfast:/m)
    expect(await notes.read('Plan A')).toMatchObject({ origin: 'store' })
  })

  it('a comment in a file that holdfast wrote is no edit of the document', async () => {
    const store = await open()
    const notes = store.collection<Note>('notes')
    const { revision } = await notes.set('one', { a: 1 })
    sandbox().write('notes/one.yaml', `# note to self\n${sandbox().read('notes/one.yaml')}`)
    expect(await notes.read('one')).toMatchObject({ revision, origin: 'store' })
  })

  it('with duplicate keys, aliases without end, or several documents are refused', async () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]']
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg'])
      bomb.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(',')}]`)
    const texts = { twice: 'a: 1\na: 2\n', bomb: bomb.join('\n'), many: 'a: 1\n---\nb: 2\n' }
    for (const [name, text] of Object.entries(texts)) sandbox().write(`notes/${name}.yaml`, text)
    const store = await open()
    const notes = store.collection<Note>('notes')
    for (const [name, text] of Object.entries(texts)) {
      expect(await codeOf(notes.get(name)), name).toBe('STATE_CORRUPT')
      expect(sandbox().read(`notes/${name}.yaml`)).toBe(text)
    }
  })

  it('stand beside JSON files of the same name', async () => {
    sandbox().write('notes/a.yaml', 'kind: yaml\n')
    sandbox().write('notes/a.json', '{"kind":"json"}')
    const store = await sandbox().open()
    expect(await store.collection<Note>('notes').get('a')).toEqual({ kind: 'json' })
    await store.close()
    const notes = (await open()).collection<Note>('notes')
    expect(await notes.get('a')).toEqual({ kind: 'yaml' })
    expect(await notes.list()).toEqual(['a'])
  })
})

describe('a file system that folds case', () => {
  const made = (): MemoryFileSystem => new MemoryFileSystem({ caseInsensitive: true })

  function put(fileSystem: MemoryFileSystem, path: string, text: string): void {
    const { blocking } = fileSystem
    const bytes = Buffer.from(text)
    const file = blocking.open(path, 'create')
    blocking.write(file, bytes, 0, bytes.byteLength, 0)
    blocking.close(file)
  }

  it('keeps A and a apart', async () => {
    const fileSystem = made()
    const store = await openStateStore('/store', { fileSystem })
    const notes = store.collection<Note>('notes')
    const keys = ['A', 'a', 'AB', 'Ab', 'aB', 'ab', '!a', '!A', 'É', 'é', 'ß', 'ẞ', 'SS']
    await Promise.all(keys.map((key) => notes.set(key, { key })))
    for (const key of keys) expect(await notes.get(key)).toEqual({ key })
    expect(await notes.list()).toEqual([...keys].sort())
    for (const key of keys) await notes.delete(key)
    expect(await notes.list()).toEqual([])
    await store.close()
  })

  it('does not give A.json, made by hand, to a', async () => {
    const fileSystem = made()
    fileSystem.blocking.makeDirectory('/store', 0o700)
    fileSystem.blocking.makeDirectory('/store/notes', 0o700)
    put(fileSystem, '/store/notes/A.json', '{"mine":"A"}')
    const store = await openStateStore('/store', { fileSystem })
    const notes = store.collection<Note>('notes')
    expect(await notes.get('A')).toEqual({ mine: 'A' })
    expect(await notes.get('a')).toBeUndefined()
    await notes.update('A', (note) => ({ ...note, more: 1 }))
    expect(await notes.get('A')).toEqual({ mine: 'A', more: 1 })
    expect(await notes.get('a')).toBeUndefined()
    expect(await notes.delete('a')).toBe(false)
    expect(await notes.list()).toEqual(['A'])
    await store.close()
  })
})

describe('a file made by hand beside the document of its key', () => {
  it('a link to a file that was named by hand is followed like any other', async () => {
    writeFileSync(sandbox().write('notes/real.json', ''), '{"a":1}')
    symlinkSync('real.json', sandbox().path('notes/My Link.json'))
    const notes = (await sandbox().open()).collection<Note>('notes')
    expect(await notes.get('My Link')).toEqual({ a: 1 })
    await notes.set('My Link', { a: 2 })
    expect(sandbox().names('notes')).toEqual(['My Link.json', 'real.json'])
    expect(JSON.parse(readFileSync(sandbox().path('notes/real.json'), 'utf8'))).toMatchObject({
      a: 2,
    })
  })
})
