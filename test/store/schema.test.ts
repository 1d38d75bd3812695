import type { Schema, StateStore, StateStoreError } from 'holdfast'
import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { everyStore, failure, fileHomes, thrown } from './homes.js'

interface Job {
  name: string
  steps: { kind: string; tries: number }[]
}
interface JobInput {
  name: string
  steps?: { kind: string; tries?: number | undefined }[] | undefined
}

const zodJob = z.object({
  name: z.string().min(1),
  steps: z.array(z.object({ kind: z.string(), tries: z.number().default(0) })).default([]),
})

interface Issue {
  readonly message: string
  readonly path: readonly (PropertyKey | { readonly key: PropertyKey })[]
}

function issuesOf({ name, steps = [] }: Partial<JobInput>): Issue[] {
  const issues: Issue[] = []
  if (typeof name !== 'string' || name === '') issues.push({ message: 'no name', path: ['name'] })
  for (const [index, { kind }] of steps.entries()) {
    // Both forms of a path that the standard allows.
    const path = ['steps', { key: index }, 'kind']
    if (typeof kind !== 'string') issues.push({ message: 'no kind', path })
  }
  return issues
}

/** Written by hand, as https://standardschema.dev has it. */
const plainJob: Schema<JobInput, Job> = {
  '~standard': {
    version: 1,
    vendor: 'by-hand',
    validate: (value) => {
      const given = value as JobInput
      const issues = issuesOf(given)
      if (issues.length > 0) return { issues }
      const steps = (given.steps ?? []).map(({ kind, tries = 0 }) => ({ kind, tries }))
      return { value: { name: given.name, steps } }
    },
  },
}

const schemas: readonly { vendor: string; schema: Schema<JobInput, Job> }[] = [
  { vendor: 'zod', schema: zodJob },
  { vendor: 'a schema by hand', schema: plainJob },
]

const listed = (error: StateStoreError): string[] =>
  (error.details.issues as { path: string }[]).map(({ path }) => path)

const wrong = { name: '', steps: [{ kind: 'a' }, { kind: 7 }] } as unknown as JobInput
const wrongPaths = ['$.name', '$.steps[1].kind']

describe.each(schemas)('$vendor', ({ schema }) => {
  describe.each(everyStore)('on $name', ({ open }) => {
    let store: StateStore
    const jobsOf = (opened: StateStore) => opened.collection('jobs', { schema })
    beforeEach(async () => {
      store = await open()
    })

    it('fills in defaults on every way of writing, and stores them', async () => {
      const jobs = jobsOf(store)
      expectTypeOf(jobs.get('a')).resolves.toEqualTypeOf<Job | undefined>()
      const raw = store.collection('jobs')
      const name = 'build'
      await jobs.set('set', { name })
      jobs.setSync('setSync', { name })
      await store.transaction((tx) => tx.set(jobs, 'transaction', { name }))
      await jobs.update('update', (job) => job, { initial: { name, steps: [] } })
      await jobs.merge('merge', { name })
      for (const key of await jobs.list()) {
        expect(await raw.get(key), key).toEqual({ name, steps: [] })
      }
      await jobs.set('set', { name, steps: [{ kind: 'a' }] })
      expect(await raw.get('set')).toEqual({ name, steps: [{ kind: 'a', tries: 0 }] })
    })

    it('fills in, on load, what an older version did not write', async () => {
      await store.collection('jobs').set('old', { name: 'old' })
      const jobs = jobsOf(store)
      expect(await jobs.get('old')).toEqual({ name: 'old', steps: [] })
      expect(await store.transaction((tx) => tx.get(jobs, 'old'))).toEqual({
        name: 'old',
        steps: [],
      })
      const seen: Job[] = []
      await jobs.update('old', (job) => {
        seen.push(job)
        return job
      })
      expect(seen.at(-1)).toEqual({ name: 'old', steps: [] })
    })

    it('refuses what does not fit, with every issue and its place, and writes nothing', async () => {
      const jobs = jobsOf(store)
      await jobs.set('a', { name: 'good' })
      const before = await jobs.read('a')
      const bad = wrong as Job
      for (const attempt of [
        () => jobs.set('a', wrong),
        () => jobs.update('a', () => bad),
        () => jobs.update('a', async () => bad),
        () => jobs.merge('a', bad),
        () => store.transaction((tx) => tx.set(jobs, 'a', wrong)),
      ]) {
        const error = await failure('STATE_VALIDATION_FAILED', attempt())
        expect(listed(error)).toEqual(wrongPaths)
        expect(error).toMatchObject({ commitState: 'not-committed', retryable: false })
        expect(error.message).toContain('jobs/a')
      }
      const blocking = thrown('STATE_VALIDATION_FAILED', () => jobs.setSync('a', wrong))
      expect(listed(blocking)).toEqual(wrongPaths)
      expect(await jobs.read('a')).toEqual(before)
      expect(await jobs.backups('a')).toEqual([])
    })

    it('refuses on load what does not fit, and leaves it as it is', async () => {
      const raw = store.collection('jobs')
      await raw.set('bad', wrong)
      await raw.set('good', { name: 'good' })
      const before = await raw.read('bad')
      const jobs = jobsOf(store)
      let calls = 0
      const change = (job: Job): Job => {
        calls += 1
        return job
      }
      for (const attempt of [
        () => jobs.get('bad'),
        () => jobs.read('bad'),
        () => jobs.update('bad', change),
        () => store.transaction((tx) => tx.get(jobs, 'bad')),
      ]) {
        expect(listed(await failure('STATE_VALIDATION_FAILED', attempt()))).toEqual(wrongPaths)
      }
      expect(calls).toBe(0)
      expect(await jobs.has('bad')).toBe(true)
      const seen: string[] = []
      for await (const { key } of jobs.entries()) seen.push(key)
      expect(seen).toEqual(['good'])
      expect(await raw.read('bad')).toEqual(before)
      await jobs.set('bad', { name: 'repaired' })
      expect(await jobs.get('bad')).toEqual({ name: 'repaired', steps: [] })
    })

    it('refuses backups that do not fit, also for restoring', async () => {
      const raw = store.collection('jobs')
      await raw.set('a', wrong)
      await raw.set('a', { name: 'good' })
      const jobs = jobsOf(store)
      const [backup] = await jobs.backups('a')
      const id = backup?.id ?? ''
      await failure('STATE_VALIDATION_FAILED', jobs.readBackup('a', id))
      await failure('STATE_VALIDATION_FAILED', jobs.restore('a', id))
      expect(await jobs.get('a')).toEqual({ name: 'good', steps: [] })
    })
  })
})

describe.each(everyStore)('a schema that must be awaited, on $name', ({ open }) => {
  it('is awaited where that can be done, and refused where it cannot', async () => {
    const store = await open()
    const schema = z.object({ n: z.number().refine(async (n) => n > 0, 'too small') })
    const jobs = store.collection('jobs', { schema })
    await jobs.set('a', { n: 1 })
    expect(await jobs.update('a', ({ n }) => ({ n: n + 1 }))).toEqual({ n: 2 })
    expect(await jobs.merge('a', { n: 3 })).toEqual({ n: 3 })
    for (const attempt of [
      () => jobs.set('a', { n: 0 }),
      () => jobs.update('a', () => ({ n: 0 })),
      () => jobs.merge('a', { n: 0 }),
    ]) {
      expect(listed(await failure('STATE_VALIDATION_FAILED', attempt()))).toEqual(['$.n'])
    }
    thrown('STATE_UNSUPPORTED', () => jobs.setSync('a', { n: 4 }))
    await failure(
      'STATE_UNSUPPORTED',
      store.transaction((tx) => tx.set(jobs, 'a', { n: 4 })),
    )
    expect(await jobs.get('a')).toEqual({ n: 3 })
  })

  it('checks the value as it was when it was given', async () => {
    const store = await open()
    const schema = z.object({ n: z.number().refine(async (n) => n > 0, 'too small') })
    const jobs = store.collection('jobs', { schema })
    const given = { n: 1 }
    const setting = jobs.set('a', given)
    given.n = 2
    await setting
    expect(await jobs.get('a')).toEqual({ n: 1 })
  })
})

describe.each(fileHomes)('a refused write on $name', ({ home: makeHome }) => {
  it('leaves no trace among the files', async () => {
    const home = await makeHome()
    const store = await home.open()
    const jobs = store.collection('jobs', { schema: zodJob })
    const before = home.snapshot()
    await failure('STATE_VALIDATION_FAILED', jobs.set('a', wrong))
    expect(home.snapshot()).toEqual(before)
    expect(home.has('jobs')).toBe(false)
  })
})
