import { expect, it } from 'vitest'
import { active, append, LogBench, recordsOf } from './log-bench.js'

it('a commit of documents and records takes the space of its records in a log, and no more', async () => {
  const bench = new LogBench()
  const storage = await bench.open()
  const record = { data: 'x'.repeat(1000) }
  await append(storage, record)
  const one = bench.bytesOf(active).length
  for (let n = 0; n < 3; n++) {
    const change = { kind: 'put', value: n } as const
    const address = { collection: 'tasks', key: 'a' }
    await storage.commit({
      writes: [{ address, change }],
      appends: [{ log: 'x', records: [record] }],
    })
  }
  expect(bench.bytesOf(active).length).toBeLessThan(one * 4 + 20)
  expect(bench.bytesOf(active).toString()).not.toContain('\n\n')
  expect(await recordsOf(storage)).toHaveLength(4)
  await storage.close()
})

it('what another process appends where space was given back is not overwritten', async () => {
  const bench = new LogBench()
  const first = await bench.open()
  await append(first, { data: 'before' })
  // Refused after space was taken for it.
  bench.refuses = ({ args, operation }) =>
    operation === 'rename' && String(args[1]).includes('/intents/')
  const change = { kind: 'put', value: 1 } as const
  const refused = first.commit({
    writes: [{ address: { collection: 'tasks', key: 'a' }, change }],
    appends: [{ log: 'x', records: [{ data: 'x'.repeat(100) }] }],
  })
  await expect(refused).rejects.toMatchObject({ commitState: 'not-committed' })
  bench.refuses = undefined
  const second = await bench.open()
  await append(second, { data: 'x'.repeat(100) })
  await append(first, { data: 'after' })
  expect((await recordsOf(first)).map(({ data }) => String(data)[0])).toEqual(['b', 'x', 'a'])
  await first.close()
  await second.close()
})
