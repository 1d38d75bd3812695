/** Earlier versions: made before each overwrite, dropped only when there is a good newer one. */
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Collection } from '../../src/store/index.js'
import { codeOf, damage, treeOf, useSandbox } from './sandbox.js'

const sandbox = useSandbox()
const backupsOf = '.holdfast/backups/tasks/one.json'

interface Count {
  readonly n: number
}

async function countUp(tasks: Collection<Count>, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) await tasks.set('one', { n })
}

async function kept(tasks: Collection<Count>): Promise<number[]> {
  const values: number[] = []
  for (const { id } of await tasks.backups('one')) {
    values.push((await tasks.readBackup('one', id)).value.n)
  }
  return values
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe('backups', () => {
  it('one is made before each overwrite, with the version that was replaced', async () => {
    const tasks = (await sandbox().open()).collection<Count>('tasks')
    for (let n = 1; n <= 8; n++) {
      await tasks.set('one', { n })
      expect(await kept(tasks)).toEqual(range(1, n - 1))
    }
    const replaced = (await tasks.backups('one')).map(({ replacedAt }) => replacedAt)
    expect(replaced).toEqual([...replaced].sort((a, b) => a - b))
  })

  it('are pruned to the newest ten in the background', async () => {
    const store = await sandbox().open()
    await countUp(store.collection('tasks'), 1, 40)
    await store.close()
    expect(sandbox().names(backupsOf).length).toBeLessThan(20)
    const again = (await sandbox().open()).collection<Count>('tasks')
    const values = await kept(again)
    expect(values).toEqual(range(40 - values.length, 39))
    expect(values.length).toBeGreaterThanOrEqual(10)
  })

  it('as many are kept as was asked for', async () => {
    const store = await sandbox().open({ backups: { keep: 2 } })
    await countUp(store.collection('tasks'), 1, 11)
    await store.close()
    const names = sandbox().names(backupsOf)
    expect(names.length).toBeGreaterThanOrEqual(2)
    expect(names.length).toBeLessThan(4)
  })

  it('the older ones stay while the newest is damaged', async () => {
    const first = await sandbox().open()
    await countUp(first.collection('tasks'), 1, 9)
    await first.close()
    const before = sandbox().names(backupsOf)
    expect(before.length).toBe(8)
    const second = await sandbox().open({ backups: { keep: 3 } })
    const tasks = second.collection<Count>('tasks')
    for (let n = 10; n <= 12; n++) {
      // What the write keeps as the newest backup is damaged already.
      writeFileSync(sandbox().path('tasks/one.json'), '{"n": 1')
      await tasks.set('one', { n })
    }
    await second.close()
    expect(sandbox().names(backupsOf).length).toBe(11)
    const third = await sandbox().open({ backups: { keep: 3 } })
    await countUp(third.collection('tasks'), 13, 15)
    await third.close()
    const left = sandbox().names(backupsOf).length
    expect(left, 'dropped once the newest is good again').toBeGreaterThanOrEqual(3)
    expect(left).toBeLessThan(6)
  })

  it('a damaged present version never displaces the last good one', async () => {
    const store = await sandbox().open({ backups: { keep: 1 } })
    const tasks = store.collection<Count>('tasks')
    await countUp(tasks, 1, 2)
    for (let n = 10; n < 15; n++) {
      damage(sandbox().path('tasks/one.json'), (text) => text.replace('"n"', '"m"'))
      expect(await tasks.get('one'), 'restored from the last good one').toEqual({ n: 1 })
    }
    const quarantined = treeOf(sandbox().path('.holdfast/quarantine/tasks'))
    expect([...quarantined.values()].every((text) => text.includes('"m"'))).toBe(true)
    expect(quarantined.size).toBe(5)
  })

  it('a damaged version that is overwritten unread does not displace it either', async () => {
    const store = await sandbox().open({ backups: { keep: 1 } })
    const tasks = store.collection<Count>('tasks')
    await countUp(tasks, 1, 2)
    damage(sandbox().path('tasks/one.json'), (text) => text.replace('"n"', '"m"'))
    await tasks.set('one', { n: 3 })
    damage(sandbox().path('tasks/one.json'), (text) => text.replace('"n"', '"m"'))
    expect(await tasks.get('one')).toEqual({ n: 1 })
  })

  it('one is restored as a new revision', async () => {
    const tasks = (await sandbox().open()).collection<Count>('tasks')
    await countUp(tasks, 1, 3)
    const before = await tasks.read('one')
    const [oldest] = await tasks.backups('one')
    const { revision } = await tasks.restore('one', oldest?.id ?? '')
    expect(revision).not.toBe(before?.revision)
    expect(await tasks.read('one')).toMatchObject({ value: { n: 1 }, revision })
    expect(await kept(tasks)).toEqual([1, 2, 3])
    const stale = tasks.restore('one', oldest?.id ?? '', { ifRevision: before?.revision ?? null })
    expect(await codeOf(stale)).toBe('STATE_REVISION_CONFLICT')
  })

  it('what is deleted can be had back', async () => {
    const tasks = (await sandbox().open()).collection<Count>('tasks')
    await countUp(tasks, 1, 2)
    await tasks.delete('one')
    expect(await tasks.get('one')).toBeUndefined()
    expect(await kept(tasks)).toEqual([1, 2])
    const newest = (await tasks.backups('one')).at(-1)
    await tasks.restore('one', newest?.id ?? '', { ifRevision: null })
    expect(await tasks.get('one')).toEqual({ n: 2 })
  })

  it('an edit from outside is kept when it is overwritten', async () => {
    const tasks = (await sandbox().open()).collection<Count>('tasks')
    await countUp(tasks, 1, 1)
    sandbox().write('tasks/one.json', '{"n": 50}')
    await tasks.set('one', { n: 2 })
    expect(await kept(tasks)).toEqual([50])
  })

  it('those of a transaction are made too', async () => {
    const store = await sandbox().open()
    const tasks = store.collection<Count>('tasks')
    await countUp(tasks, 1, 1)
    await store.transaction((transaction) => {
      transaction.set(tasks, 'one', { n: 2 })
      transaction.set(tasks, 'two', { n: 2 })
    })
    expect(await kept(tasks)).toEqual([1])
    expect(await tasks.backups('two')).toEqual([])
  })

  it('names that are none are refused', async () => {
    const tasks = (await sandbox().open()).collection<Count>('tasks')
    await countUp(tasks, 1, 2)
    const ids = ['', '.', '../../../store.json', 'a', '../one.json/x']
    for (const id of ids) expect(await codeOf(tasks.readBackup('one', id))).toBe('STATE_CORRUPT')
  })

  it('none are made when they are off', async () => {
    const store = await sandbox().open({ backups: false })
    const tasks = store.collection<Count>('tasks')
    await countUp(tasks, 1, 30)
    await tasks.delete('one')
    expect(await tasks.backups('one')).toEqual([])
    await store.close()
    expect(treeOf(sandbox().path('.holdfast/backups')).size).toBe(0)
  })
})
