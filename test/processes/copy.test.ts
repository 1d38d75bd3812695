import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openStateStore } from '../../src/store/index.js'
import { WorkerProcess } from '../support/workers.js'

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/**
 * Files of the original come, go and are replaced meanwhile; `cp` leaves those out, and goes on.
 * Returns how many documents it has left out.
 */
function copyByCommand(from: string, to: string): number {
  const env = { ...process.env, LC_ALL: 'C' }
  const { stderr } = spawnSync('cp', ['-a', from, to], { encoding: 'utf8', env })
  const complaints = stderr.split('\n').filter((line) => line !== '')
  for (const line of complaints) {
    expect(line).toMatch(/No such file or directory|replaced while being copied/)
  }
  return complaints.filter((line) => line.includes('/docs/')).length
}

/** The same by `fs.cp`, which gives up where `cp` goes on: it is begun anew then. */
async function copyByNode(from: string, to: string): Promise<number> {
  const isLasting = (path: string): boolean => !/\/(writers|names)\/[^/]+\/./.test(path)
  for (let tries = 1; ; tries++) {
    try {
      await cp(from, to, { recursive: true, filter: isLasting })
      return 0
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries >= 50) throw error
      await rm(to, { recursive: true, force: true })
    }
  }
}

const ways: readonly [string, (from: string, to: string) => Promise<number> | number][] = [
  ['cp -a', copyByCommand],
  ['fs.cp', copyByNode],
]

const generationOf = (revision: unknown): number => Number(String(revision).split('.')[0])
const copies = 5

describe.each(ways)('a copy made with %s while a process writes', (_name, copy) => {
  it('is a store of its own, and leaves the original alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-copy-'))
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
    const original = join(folder, 'original')
    const writer = WorkerProcess.start('processes/busy-writer.worker.ts', { directory: original })
    cleanups.push(() => writer[Symbol.asyncDispose]())
    await writer.next('ready')
    const mark = async (): Promise<Readonly<Record<string, unknown>>> => {
      writer.send({ type: 'mark' })
      return writer.next('mark')
    }
    let before = await mark()
    while (Number(before.writes) < 30) before = await mark()

    for (let index = 0; index < copies; index++) {
      const directory = join(folder, `copy-${index}`)
      const leftOut = await copy(original, directory)
      // Also above what was handed out while it was being copied.
      const { heldToken, revision, token, isLost, writes } = await mark()
      expect(isLost).toBe(false)
      const store = await openStateStore(directory)
      expect(store.recovery.newIdentity).toBe(true)
      const documents = store.collection<{ n: number; filler: string; end: number }>('docs')
      expect(await documents.list()).toHaveLength(25 - leftOut)
      expect((await store.verify()).findings).toEqual([])
      for await (const { value } of documents.entries()) {
        expect(value.end).toBe(value.n)
        expect(value.filler).toBe(String(value.n % 10).repeat(1 + ((value.n * 37) % 4_000)))
      }
      const held = await store.lock('held', { waitMs: 0 })
      const cycled = await store.lock('cycled', { waitMs: 0 })
      expect(held.token).toBeGreaterThan(Number(heldToken))
      expect(cycled.token).toBeGreaterThan(Number(token))
      const receipt = await documents.set('doc-0', { n: 0, filler: '', end: 0 }, { lease: held })
      expect(generationOf(receipt.revision)).toBeGreaterThan(generationOf(revision))
      await store.close()
      const again = await openStateStore(directory)
      expect(again.recovery.newIdentity).toBe(false)
      await again.close()

      let later = await mark()
      while (Number(later.writes) < Number(writes) + 5) later = await mark()
      expect(later).toMatchObject({ isLost: false, heldToken })
    }

    const beside = await openStateStore(original)
    expect(beside.recovery.newIdentity).toBe(false)
    const refused = beside.lock('held', { waitMs: 0 })
    const failure = { code: 'STATE_LEASE_TIMEOUT', details: { pid: writer.pid } }
    await expect(refused).rejects.toMatchObject(failure)
    writer.send({ type: 'stop' })
    await writer.next('stopped')
    expect((await beside.verify()).findings).toEqual([])
    await beside.close()
    expect(await writer.exited).toMatchObject({ code: 0 })
  })
})
