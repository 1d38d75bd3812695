import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  isStateStoreError,
  openStateStore,
  type StateStore,
  type StateStoreEvents,
} from '../../src/index.js'

interface Home {
  readonly directory: string
  readonly store: StateStore
  readonly damage: StateStoreEvents['log:damaged'][]
  readonly file: string
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-logs-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return directory
}

async function openHome(options: Parameters<typeof openStateStore>[1] = {}): Promise<Home> {
  const directory = temporaryDirectory()
  const store = await openStateStore(directory, options)
  onTestFinished(() => store.close())
  const damage: StateStoreEvents['log:damaged'][] = []
  store.on('log:damaged', (detail) => damage.push(detail))
  return { directory, store, damage, file: join(directory, 'logs/x.jsonl') }
}

const dataOf = async (store: StateStore): Promise<unknown[]> =>
  (await store.log('x').query().toArray()).map(({ data }) => data)

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'done'
  } catch (error) {
    if (isStateStoreError(error)) return `${error.code} ${error.commitState}`
    throw error
  }
}

describe('a log that a person edits', () => {
  it.each([
    ['a line', '{"note":"by hand"}\n'],
    ['a line without its newline', '{"note":"by hand"}'],
    ['a line as Windows ends it', '{"note":"by hand"}\r\n'],
    ['an empty line', '\n{"note":"by hand"}\n\n'],
    ['a line of blanks', '   \n{"note":"by hand"}\n\t\n'],
  ])('shows %s that was added, and what is appended after it', async (_, text) => {
    const { damage, file, store } = await openHome()
    await store.log<unknown>('x').append({ n: 1 })
    appendFileSync(file, text)
    expect(await dataOf(store)).toEqual([{ n: 1 }, { note: 'by hand' }])
    await store.log<unknown>('x').append({ n: 2 })
    expect(await dataOf(store)).toEqual([{ n: 1 }, { note: 'by hand' }, { n: 2 }])
    expect(damage).toEqual([])
    const lines = readFileSync(file, 'utf8').split('\n')
    expect(lines.filter((line) => line.trim() !== '')).toHaveLength(3)
  })

  it('is followed when an editor saves it by rename', async () => {
    const { damage, file, store } = await openHome()
    for (const n of [1, 2, 3]) await store.log<unknown>('x').append({ n })
    const [first, , third] = readFileSync(file, 'utf8').split('\n')
    writeFileSync(`${file}.new`, `${first}\n{"note":"instead"}\n${third}\n`)
    renameSync(`${file}.new`, file)
    await store.log<unknown>('x').append({ n: 4 })
    expect(await dataOf(store)).toEqual([{ n: 1 }, { note: 'instead' }, { n: 3 }, { n: 4 }])
    expect(damage).toEqual([])
  })

  it('is followed when it is emptied, or cut in place', async () => {
    const { damage, file, store } = await openHome()
    for (const n of [1, 2, 3]) await store.log<unknown>('x').append({ n })
    const [first] = readFileSync(file, 'utf8').split('\n')
    writeFileSync(file, `${first}\n`)
    await store.log<unknown>('x').append({ n: 4 })
    expect(await dataOf(store)).toEqual([{ n: 1 }, { n: 4 }])
    writeFileSync(file, '')
    await store.log<unknown>('x').append({ n: 5 })
    expect(await dataOf(store)).toEqual([{ n: 5 }])
    expect(damage).toEqual([])
  })

  it('tells of a record that was changed in place, and gives the others', async () => {
    const { damage, file, store } = await openHome()
    for (const n of [1, 2, 3]) await store.log<unknown>('x').append({ n })
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('"n":2', '"n":9'))
    expect(await dataOf(store)).toEqual([{ n: 1 }, { n: 3 }])
    const offset = text.indexOf('\n') + 1
    const bytes = text.indexOf('\n', offset) - offset
    expect(damage).toEqual([expect.objectContaining({ log: 'x', path: file, offset, bytes })])
    await store.log<unknown>('x').append({ n: 4 })
    expect(await dataOf(store)).toEqual([{ n: 1 }, { n: 3 }, { n: 4 }])
    const { findings } = await store.verify()
    expect(findings).toContainEqual(expect.objectContaining({ path: file }))
  })

  it.each([
    ['zeros', Buffer.alloc(5000)],
    ['half a line', Buffer.from('{"id":"1.2","at":"2026-11-21T10:0')],
    ['half a line and its break', Buffer.from('{"id":"1.2","at":"2026-11-21T10:0\n')],
  ])('loses nothing to %s at its end, also when it is opened again', async (_, rest) => {
    const { directory, file, store } = await openHome()
    await store.log<unknown>('x').append({ n: 1 })
    appendFileSync(file, rest)
    expect(await dataOf(store)).toEqual([{ n: 1 }])
    await store.log<unknown>('x').append({ n: 2 })
    expect(await dataOf(store)).toEqual([{ n: 1 }, { n: 2 }])
    await store.close()
    appendFileSync(file, rest)
    const again = await openStateStore(directory)
    await again.log<unknown>('x').append({ n: 3 })
    expect(await dataOf(again)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    await again.close()
  })

  it('keeps what it cuts from the end', async () => {
    const { damage, directory, file, store } = await openHome()
    await store.log<unknown>('x').append({ n: 1 })
    appendFileSync(file, '{"id":"1.2","at":"2026-11-21T10:0')
    await store.log<unknown>('x').append({ n: 2 })
    const kept = readdirSync(join(directory, '.holdfast/quarantine/logs'))
    expect(kept).toHaveLength(1)
    const text = readFileSync(join(directory, '.holdfast/quarantine/logs', kept[0] ?? ''), 'utf8')
    expect(text).toContain('{"id":"1.2","at":"2026-11-21T10:0')
    expect(damage).toEqual([expect.objectContaining({ reason: expect.stringContaining('torn') })])
  })

  it('gives back what stands behind half a line in the same line', async () => {
    const { damage, file, store } = await openHome()
    await store.log<unknown>('x').append({ n: 1 })
    const line = readFileSync(file, 'utf8')
    await store.log<unknown>('x').append({ n: 2 })
    const [, second = ''] = readFileSync(file, 'utf8').split('\n')
    const half = line.slice(0, 50)
    writeFileSync(file, `${line}${half}${second}\n`)
    expect(await dataOf(store)).toEqual([{ n: 1 }, { n: 2 }])
    expect(damage).toEqual([expect.objectContaining({ offset: line.length, bytes: half.length })])
  })

  it.each(['\u2028', '\u2029', '\u0085', '\n', '\r\n', '\0', '\ud800', '\ufeff'])(
    'keeps a text with %j on one line',
    async (character) => {
      const { file, store } = await openHome()
      const data = { text: `before${character}after` }
      await store.log<unknown>('x').append(data)
      await store.log<unknown>('x').append({ n: 2 })
      expect(await dataOf(store)).toEqual([data, { n: 2 }])
      expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(2)
    },
  )
})

describe('a record of 20 MB', () => {
  const data = { text: 'x'.repeat(20 * 1024 * 1024) }

  it('is refused, and nothing is written', async () => {
    const { file, store } = await openHome()
    await store.log<unknown>('x').append({ n: 1 })
    const before = readFileSync(file)
    expect(await codeOf(store.log<unknown>('x').append(data))).toBe(
      'STATE_DOCUMENT_TOO_LARGE not-committed',
    )
    expect(readFileSync(file).equals(before)).toBe(true)
    await store.log<unknown>('x').append({ n: 2 })
    expect(await dataOf(store)).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('is kept where so much is allowed, in either direction and in a transaction', async () => {
    const { store } = await openHome({ maxDocumentBytes: 32 * 1024 * 1024 })
    const log = store.log<unknown>('x')
    await log.append({ n: 1 })
    await log.append(data)
    await store.transaction((transaction) => {
      transaction.append(log, data)
      transaction.append(log, { n: 2 })
    })
    const expected = [{ n: 1 }, data, data, { n: 2 }]
    expect(await dataOf(store)).toEqual(expected)
    expect((await log.last(4)).map((event) => event.data)).toEqual([...expected].reverse())
    expect(await log.count({ since: '1h' })).toBe(4)
  })
})

describe('a symlink', () => {
  it.each(['a file', 'nothing'])('to %s outside is refused as a log', async (target) => {
    const outside = join(temporaryDirectory(), 'outside.jsonl')
    if (target === 'a file') writeFileSync(outside, '{"secret":1}\n')
    const { directory, store, file } = await openHome()
    mkdirSync(join(directory, 'logs'), { recursive: true })
    symlinkSync(outside, file)
    expect(await codeOf(store.log<unknown>('x').append({ n: 1 }))).toBe(
      'STATE_PATH_ESCAPE not-committed',
    )
    expect(await codeOf(dataOf(store))).toMatch(/^STATE_PATH_ESCAPE/)
    expect(readdirSync(join(outside, '..'))).toEqual(target === 'a file' ? ['outside.jsonl'] : [])
    if (target === 'a file') expect(readFileSync(outside, 'utf8')).toBe('{"secret":1}\n')
    // Nor is it in the way of others, also of those who take over.
    await store.log<unknown>('y').append({ n: 1 })
    expect((await store.logs()).map(({ log }) => log)).toEqual(['y'])
    rmSync(join(directory, '.holdfast/domains'), { recursive: true })
    const again = await openStateStore(directory)
    await again.log<unknown>('y').append({ n: 2 })
    expect(await again.log('y').count()).toBe(2)
    await again.close()
  })

  it('in the place of the directory of logs is refused', async () => {
    const outside = temporaryDirectory()
    const { directory, store } = await openHome()
    writeFileSync(join(outside, 'x.jsonl'), '{"secret":1}\n')
    symlinkSync(outside, join(directory, 'logs'))
    expect(await codeOf(store.log<unknown>('x').append({ n: 1 }))).toBe(
      'STATE_PATH_ESCAPE not-committed',
    )
    expect(await codeOf(dataOf(store))).toMatch(/^STATE_PATH_ESCAPE/)
    expect(readFileSync(join(outside, 'x.jsonl'), 'utf8')).toBe('{"secret":1}\n')
    expect(await store.logs()).toEqual([])
    await store.collection('tasks').set('fine', 1)
  })
})
