import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { openStateStore } from '../../src/index.js'
import { isLong, report, rounds, scratchDirectory } from '../support/campaign.js'
import type { WorkerMessage, WorkerProcess } from '../support/workers.js'
import { Crew } from './crew.js'
import { untilStopped } from './stopped-process.js'
import type { WriterArguments, WriterCommand } from './writer.worker.js'

const ttlMs = 100

async function ask(worker: WorkerProcess, command: WriterCommand): Promise<WorkerMessage> {
  worker.send({ ...command })
  return await worker.next('answer')
}

const argsFor = (directory: string): WriterArguments & Record<string, unknown> => ({
  directory,
  writeTtlMs: ttlMs,
  durability: 'power',
})

async function startTwo(directory: string): Promise<[Crew, WorkerProcess, WorkerProcess]> {
  const args = argsFor(directory)
  const crew = await Crew.start('torture/writer.worker.ts', [args, args])
  const [first, second] = crew.workers
  if (first === undefined || second === undefined) throw new Error('nobody there')
  return [crew, first, second]
}

describe('a holder that was stopped beyond its TTL', () => {
  it('is refused, told, and harms nobody', async () => {
    const directory = scratchDirectory()
    const [crew, holder, successor] = await startTwo(directory)
    await using _ = crew
    const store = await openStateStore(directory)
    const lists = store.collection<string[]>('lists')
    const count = rounds(3, 50)
    for (let round = 1; round <= count; round++) {
      const name = `lock ${round % 2}`
      const key = `key-${round}`
      const first = await ask(holder, { type: 'lock', name, ttlMs })
      const early = await ask(holder, { type: 'write-under-lock', key, mark: 'early' })
      expect(early).toMatchObject({ how: 'done', value: ['early'] })
      holder.stop()
      await untilStopped(holder.pid)

      const second = await ask(successor, { type: 'lock', name, ttlMs })
      expect(second.how, String(second.stack)).toBe('done')
      expect(Number(second.value)).toBeGreaterThan(Number(first.value))
      await ask(successor, { type: 'write-under-lock', key, mark: 'successor' })

      holder.send({ type: 'write-under-lock', key, mark: 'late' })
      holder.continue()
      expect(await holder.next('answer')).toMatchObject({
        how: 'failed',
        code: 'STATE_LEASE_LOST',
        commitState: 'not-committed',
      })
      expect(await holder.next('aborted')).toMatchObject({ name })
      expect(await ask(holder, { type: 'release' })).toMatchObject({ how: 'done' })

      const still = await ask(successor, { type: 'write-under-lock', key, mark: 'still' })
      expect(still).toMatchObject({ how: 'done', value: ['early', 'successor', 'still'] })
      expect(await lists.get(key)).toEqual(['early', 'successor', 'still'])
      expect(await ask(successor, { type: 'release' })).toMatchObject({ how: 'done' })
      const third = await store.lock(name, { ttlMs })
      expect(third.token).toBeGreaterThan(Number(second.value))
      await third.release()
    }
    await store.close()
    report('stopped holders', { stops: count })
  })
})

describe('a contender that is stopped while it supersedes a holder', () => {
  it('has the lock only if no commit under the old token can follow', async () => {
    const directory = scratchDirectory()
    const [crew, holder, contender] = await startTwo(directory)
    await using _ = crew
    const reader = await openStateStore(directory, { readOnly: true })
    const lists = reader.collection<string[]>('lists')
    const ends = { superseded: 0, waited: 0 }
    let stops = 0
    for (let at = 0; ; at += isLong ? 1 : 2) {
      const name = `lock ${at}`
      const key = `key-${at}`
      await ask(holder, { type: 'lock', name, ttlMs })
      holder.stop()
      await untilStopped(holder.pid)
      stops += 1
      contender.send({ type: 'lock', name, ttlMs, at })
      const stopping = await contender.next('answer')
      if (stopping.how !== 'stopping') break
      await untilStopped(contender.pid)
      stops += 1

      holder.send({ type: 'write-under-lock', key, mark: 'old', gated: true })
      holder.continue()
      const written = await holder.next('answer')
      contender.continue()
      let taken = await contender.next('answer')
      const whenTaken = await lists.get(key)
      if (written.how === 'gated') {
        expect(await ask(holder, { type: 'open-gate' })).toMatchObject({ how: 'done' })
        const late = await holder.next('answer')
        const isIn = isDeepStrictEqual(whenTaken, ['old'])
        expect(
          isIn || taken.how === 'waiting' || late.code === 'STATE_LEASE_LOST',
          `stopped before ${stopping.before}: a commit under the old token followed`,
        ).toBe(true)
      } else {
        expect(written, String(written.stack)).toMatchObject({ code: 'STATE_LEASE_LOST' })
        expect(taken.how).toBe('done')
      }
      ends[taken.how === 'waiting' ? 'waited' : 'superseded'] += 1
      await ask(holder, { type: 'release' })
      if (taken.how === 'waiting') taken = await contender.next('answer')
      expect(taken.how, String(taken.stack)).toBe('done')
      await ask(contender, { type: 'release' })
    }
    // About fifteen calls in all, every other one in the short form.
    expect(ends.superseded + ends.waited).toBeGreaterThan(isLong ? 10 : 4)
    report('stopped contenders', { stops, ...ends })
  })
})
