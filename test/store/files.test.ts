/** What is particular to collections on files: what stands in them, damage, formats, the queue. */
import { jsonSerializer, type StateStoreEvents } from 'holdfast'
import { yamlSerializer } from 'holdfast/yaml'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { failure, fileHomes, Home, holdNextSync, memoryHome, nextRound, thrown } from './homes.js'

describe.each(fileHomes)('a collection on $name', ({ home: makeHome }) => {
  let home: Home
  beforeEach(async () => {
    home = await makeHome()
  })

  it('is readable with nothing but a JSON parser, metadata and all', async () => {
    const tasks = (await home.open()).collection('tasks', { version: 2 })
    const { revision, savedAt } = await tasks.set('a', { status: 'new', list: [1, 2] })
    expect(home.readJson('tasks/a.json')).toEqual({
      status: 'new',
      list: [1, 2],
      $holdfast: {
        revision,
        savedAt: new Date(savedAt).toISOString(),
        writer: expect.stringContaining(`${process.pid}-`),
        schemaVersion: 2,
        checksum: expect.stringMatching(/^sha256:[0-9a-f]{16}$/),
      },
    })
    expect(home.readText('tasks/a.json')).toMatch(/^\{\n {2}"status": "new",\n/)
    await tasks.set('list', [1, 2])
    expect(home.readJson('tasks/list.json')).toMatchObject({
      value: [1, 2],
      $holdfast: { envelope: true },
    })
    await tasks.delete('a')
    expect(home.has('tasks/a.json')).toBe(false)
  })

  it('takes what a person has edited, under a revision of its own', async () => {
    const tasks = (await home.open()).collection('tasks')
    const { revision } = await tasks.set('a', { status: 'new' })
    home.edit('tasks/a.json', home.readText('tasks/a.json').replace('new', 'edited'))
    home.edit('tasks/b.json', '{ "status": "by hand" }')
    const document = await tasks.read('a')
    expect(document).toMatchObject({ value: { status: 'edited' }, origin: 'external' })
    expect(document?.revision).toMatch(`${revision}~`)
    expect(await tasks.read('b')).toMatchObject({ value: { status: 'by hand' }, writer: undefined })
    await failure('STATE_REVISION_CONFLICT', tasks.set('a', 1, { ifRevision: revision }))
    await tasks.set('a', 1, { ifRevision: document?.revision ?? '' })
  })

  it('leaves corrupt and invalid neighbours out of its entries, and reports each', async () => {
    const store = await home.open({ backups: false })
    const schema = z.object({ n: z.number() })
    const tasks = store.collection('tasks', { schema })
    const keys = ['a', 'b', 'corrupt', 'd', 'invalid', 'f']
    for (const [n, key] of keys.entries()) await tasks.set(key, { n })
    home.damage('tasks/corrupt.json')
    home.edit('tasks/invalid.json', '{ "n": "seven" }')
    const corrupt: StateStoreEvents['state:corrupt'][] = []
    const invalid: StateStoreEvents['state:invalid'][] = []
    store.on('state:corrupt', (detail) => corrupt.push(detail))
    store.on('state:invalid', (detail) => invalid.push(detail))

    const seen: string[] = []
    for await (const { key } of tasks.entries()) seen.push(key)
    expect(seen.sort()).toEqual(['a', 'b', 'd', 'f'])
    expect(corrupt).toEqual([
      {
        address: { collection: 'tasks', key: 'corrupt' },
        path: expect.stringContaining('tasks/corrupt.json'),
        reason: expect.stringContaining('not valid json'),
        quarantinedAs: expect.stringContaining('.holdfast/quarantine/tasks/corrupt.json.'),
      },
    ])
    expect(invalid).toEqual([
      {
        collection: 'tasks',
        key: 'invalid',
        error: expect.objectContaining({ code: 'STATE_VALIDATION_FAILED' }),
      },
    ])
    expect(await tasks.list()).toEqual([...keys].sort())
    await failure('STATE_CORRUPT', tasks.get('corrupt'))
    await failure('STATE_CORRUPT', tasks.has('corrupt'))
    await failure(
      'STATE_CORRUPT',
      tasks.update('corrupt', (task) => task),
    )
    await failure('STATE_VALIDATION_FAILED', tasks.get('invalid'))
    await tasks.set('corrupt', { n: 7 })
    expect(await tasks.get('corrupt')).toEqual({ n: 7 })
  })

  it('restores a damaged document from its newest backup, and updates go on from there', async () => {
    const store = await home.open()
    const counters = store.collection<number>('counters')
    for (const n of [1, 2, 3]) await counters.set('n', n)
    home.damage('counters/n.json')
    expect(await counters.get('n')).toBe(2)
    home.damage('counters/n.json')
    expect(await counters.update('n', (n) => n + 10)).toBe(12)
    expect(home.readJson('counters/n.json')).toMatchObject({ value: 12 })
  })

  it('keeps as many backups as it was told, or none', async () => {
    const store = await home.open({ backups: { keep: 3 } })
    const counters = store.collection<number>('counters')
    for (let n = 0; n < 12; n++) await counters.set('n', n)
    await store.close()
    const again = (await home.open({ backups: { keep: 3 } })).collection<number>('counters')
    const backups = await again.backups('n')
    expect(backups.length).toBeGreaterThanOrEqual(3)
    expect(backups.length).toBeLessThan(6)
    expect((await again.readBackup('n', backups.at(-1)?.id ?? '')).value).toBe(10)

    const without = (await home.open({ backups: false })).collection<number>('others')
    for (let n = 0; n < 5; n++) await without.set('n', n)
    expect(await without.backups('n')).toEqual([])
  })

  it('writes YAML where it is told to', async () => {
    const store = await home.open()
    const notes = store.collection('notes', { serializer: yamlSerializer() })
    await notes.set('a', { title: 'on: off', list: [1, null] })
    expect(parse(home.readText('notes/a.yaml'))).toMatchObject({
      title: 'on: off',
      list: [1, null],
      $holdfast: { checksum: expect.stringMatching(/^sha256:/) },
    })
    expect(await notes.list()).toEqual(['a'])
    expect(await notes.update('a', (note) => note)).toEqual({ title: 'on: off', list: [1, null] })
    // Whoever opens it in the same store without naming a format gets the one it has.
    expect(await store.collection('notes').get('a')).toEqual({ title: 'on: off', list: [1, null] })
    expect(await store.collections()).toEqual(['notes'])
  })

  it('has one format in an opened store', async () => {
    const store = await home.open()
    store.collection('notes', { serializer: yamlSerializer() })
    store.collection('notes', { serializer: yamlSerializer() })
    thrown('STATE_INVALID_OPTION', () =>
      store.collection('notes', { serializer: jsonSerializer() }),
    )
    await store.collection('tasks').set('a', 1)
    thrown('STATE_INVALID_OPTION', () =>
      store.collection('tasks', { serializer: yamlSerializer() }),
    )
    const sorted = store.collection('tasks', { serializer: jsonSerializer({ sortKeys: true }) })
    await sorted.set('a', { b: 1, a: 2 })
    expect(home.readText('tasks/a.json')).toMatch(/"a": 2,\s+"b": 1,\s+"\$holdfast"/)
  })

  it('tells writes that were overtaken while they waited', async () => {
    const tasks = (await home.open()).collection<number>('tasks')
    const receipts = await Promise.all([1, 2, 3].map((n) => tasks.set('a', n)))
    expect(receipts.map(({ superseded }) => superseded)).toEqual([true, true, false])
    expect(new Set(receipts.map(({ revision }) => revision)).size).toBe(1)
    const document = await tasks.read('a')
    expect(document).toMatchObject({ value: 3, revision: receipts[0]?.revision })
    expect(await tasks.backups('a')).toEqual([])
  })

  it('refuses writes when too many wait, and takes them again afterwards', async () => {
    const tasks = (await home.open({ maxPending: 3 })).collection<number>('tasks')
    const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => tasks.set(`k${n}`, n)))
    const refused = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    expect(refused).toHaveLength(2)
    for (const error of refused) {
      expect(error).toMatchObject({ code: 'STATE_QUEUE_FULL', retryable: true })
    }
    expect(await tasks.list()).toEqual(['k1', 'k2', 'k3'])
    await tasks.set('k4', 4)
  })
})

describe('a write that waits for its turn', () => {
  it('can be aborted; one that has begun cannot', async () => {
    const home = memoryHome()
    const tasks = (await home.open()).collection<number>('tasks')
    await tasks.set('a', 0)
    const gate = holdNextSync(home.fileSystem)
    const controller = new AbortController()
    const { signal } = controller
    const begun = tasks.set('a', 1, { signal })
    await gate.reached
    const waiting = [
      tasks.set('b', 1, { signal }),
      tasks.update('a', (n) => n + 1, { signal }),
      tasks.delete('a', { signal }),
    ]
    const refusals = waiting.map((each) => failure('STATE_ABORTED', each))
    await nextRound()
    controller.abort('enough')
    for (const error of await Promise.all(refusals)) expect(error.cause).toBe('enough')
    gate.open()
    await begun
    expect(await tasks.get('a')).toBe(1)
    expect(await tasks.has('b')).toBe(false)
  })
})

describe('durability', () => {
  it('`process` syncs nothing, `power` does; a write may ask for the other', async () => {
    const { fileSystem } = memoryHome()
    const count = vi.spyOn(fileSystem, 'sync')
    const syncsOf = async (action: () => Promise<unknown>): Promise<number> => {
      const before = count.mock.calls.length
      await action()
      return count.mock.calls.length - before
    }
    for (const durability of ['power', 'process'] as const) {
      const other = durability === 'power' ? 'process' : 'power'
      const store = await new Home(fileSystem, `/${durability}`).open({ durability })
      expect(store.supports.durability).toBe(durability)
      const tasks = store.collection<number>('tasks')
      await tasks.set('a', 0)
      const counted = {
        [durability]: [
          await syncsOf(() => tasks.set('a', 1)),
          await syncsOf(() => tasks.update('a', (n) => n + 1)),
          await syncsOf(() => store.transaction((tx) => tx.set(tasks, 'a', 3))),
        ],
        [other]: [
          await syncsOf(() => tasks.set('a', 1, { durability: other })),
          await syncsOf(() => tasks.update('a', (n) => n + 1, { durability: other })),
          await syncsOf(() =>
            store.transaction((tx) => tx.set(tasks, 'a', 3), { durability: other }),
          ),
        ],
      }
      expect(counted.process).toEqual([0, 0, 0])
      for (const each of counted.power ?? []) expect(each).toBeGreaterThanOrEqual(2)
    }
  })
})
