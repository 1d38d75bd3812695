// One at a time, across processes: whoever comes while a report is being made leaves or waits.
import { isStateStoreError, openStateStore } from 'holdfast'

const store = await openStateStore('.state')
const reports = store.collection<{ by: string; pages: number }>('reports')

async function report(by: string, waitMs: number, work = async () => {}): Promise<void> {
  try {
    // Lasts while this process lives; a holder that is silent for ttlMs is replaced.
    await store.withLock('weekly-report', { ttlMs: 10_000, waitMs }, async (lock) => {
      console.log(`${by} makes the report`)
      await work()
      // Refused if the lock was lost meanwhile, so nobody overwrites the next holder's work.
      await reports.set('weekly', { by, pages: 3 }, { lease: lock })
      console.log(`${by} is done`)
    })
  } catch (error) {
    if (!isStateStoreError(error, 'STATE_LEASE_TIMEOUT')) throw error
    console.log(`${by} sees that somebody is at it already`)
  }
}

let waiting: Promise<void> | undefined
await report('scout', 0, async () => {
  waiting = report('editor', 30_000)
  await report('scribe', 0)
})
await waiting

console.log('The report is by', (await reports.get('weekly'))?.by)
await store.close()
