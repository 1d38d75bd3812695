/** Revisions are never used twice, whatever becomes of the document or the directory. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compareRevisions } from '../../src/index.js'
import type { StateStore } from '../../src/store/index.js'
import { codeOf, useSandbox } from './sandbox.js'

const sandbox = useSandbox()
const lives = 20

async function relive(store: StateStore): Promise<string> {
  const tasks = store.collection('tasks')
  await tasks.delete('one')
  return (await tasks.set('one', { same: 'value' })).revision
}

function expectRising(revisions: readonly string[]): void {
  expect(new Set(revisions).size).toBe(revisions.length)
  expect([...revisions].sort(compareRevisions)).toEqual(revisions)
}

async function expectEarlierRefused(store: StateStore, earlier: readonly string[]): Promise<void> {
  const tasks = store.collection('tasks')
  for (const ifRevision of earlier) {
    const write = tasks.set('one', { from: ifRevision }, { ifRevision })
    expect(await codeOf(write), ifRevision).toBe('STATE_REVISION_CONFLICT')
    const removal = tasks.delete('one', { ifRevision })
    expect(await codeOf(removal), ifRevision).toBe('STATE_REVISION_CONFLICT')
  }
  expect(await tasks.get('one')).toEqual({ same: 'value' })
}

describe('deleting and making anew', () => {
  it('in one store', async () => {
    const store = await sandbox().open()
    const revisions: string[] = []
    for (let life = 0; life < lives; life++) revisions.push(await relive(store))
    expectRising(revisions)
    await expectEarlierRefused(store, revisions.slice(0, -1))
  })

  it('while several stores take turns', async () => {
    const stores = [await sandbox().open(), await sandbox().open(), await sandbox().open()]
    const revisions: string[] = []
    for (let life = 0; life < lives; life++) {
      for (const store of stores) revisions.push(await relive(store))
    }
    expectRising(revisions)
  })

  it('after opening again', async () => {
    const revisions: string[] = []
    for (let life = 0; life < lives; life++) {
      const store = await sandbox().open()
      revisions.push(await relive(store))
      await store.close()
    }
    expectRising(revisions)
    await expectEarlierRefused(await sandbox().open(), revisions.slice(0, -1))
  })

  it('with the file removed by hand in between', async () => {
    const store = await sandbox().open()
    const tasks = store.collection('tasks')
    const revisions: string[] = []
    for (let life = 0; life < lives; life++) {
      revisions.push((await tasks.set('one', { same: 'value' })).revision)
      if (life < lives - 1) rmSync(sandbox().path('tasks/one.json'))
    }
    expectRising(revisions)
    await expectEarlierRefused(store, revisions.slice(0, -1))
  })

  it('after the internals were removed by hand, again and again', async () => {
    const revisions: string[] = []
    for (let life = 0; life < lives; life++) {
      const store = await sandbox().open()
      revisions.push(await relive(store))
      await store.close()
      rmSync(sandbox().path('.holdfast'), { recursive: true })
    }
    expectRising(revisions)
    await expectEarlierRefused(await sandbox().open(), revisions.slice(0, -1))
  })

  it('after copying the directory', async () => {
    const store = await sandbox().open()
    const revisions: string[] = []
    for (let life = 0; life < lives; life++) revisions.push(await relive(store))
    const copy = join(sandbox().parent, 'copy')
    cpSync(sandbox().root, copy, { recursive: true, preserveTimestamps: true })
    const copied = await sandbox().open({}, copy)
    expect(copied.recovery.newIdentity).toBe(true)
    expect(await copied.collection('tasks').get('one')).toEqual({ same: 'value' })
    revisions.push(await relive(copied))
    expectRising(revisions)
    await expectEarlierRefused(copied, revisions.slice(0, -1))
  })
})

it('absence can be demanded, and a delete counts as a change', async () => {
  const tasks = (await sandbox().open()).collection('tasks')
  const { revision } = await tasks.set('one', 1, { ifRevision: null })
  expect(await codeOf(tasks.set('one', 2, { ifRevision: null }))).toBe('STATE_REVISION_CONFLICT')
  await tasks.delete('one', { ifRevision: revision })
  expect(await codeOf(tasks.set('one', 2, { ifRevision: revision }))).toBe(
    'STATE_REVISION_CONFLICT',
  )
  await tasks.set('one', 2, { ifRevision: null })
})
