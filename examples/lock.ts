// One at a time, across processes: whoever comes while a report is being made leaves or waits.
import { setTimeout as sleep } from 'node:timers/promises'
import { isStateStoreError, openStateStore } from 'holdfast'

const store = await openStateStore('.state')
const reports = store.collection<{ by: string; pages: number }>('reports')

async function report(by: string, waitMs: number): Promise<void> {
  try {
    // Lasts while this process lives; a holder that is silent for ttlMs is replaced.
    await store.withLock('weekly-report', { ttlMs: 10_000, waitMs }, async (lock) => {
      console.log(`${by} makes the report`)
      await sleep(200)
      // Refused if the lock was lost meanwhile, so nobody overwrites the next holder's work.
      await reports.set('weekly', { by, pages: 3 }, { lease: lock })
    })
    console.log(`${by} is done`)
  } catch (error) {
    if (!isStateStoreError(error, 'STATE_LEASE_TIMEOUT')) throw error
    console.log(`${by} sees that somebody is at it already`)
  }
}

const first = report('scout', 0)
await report('scribe', 0)
await report('editor', 5_000)
await first

console.log('The report is by', (await reports.get('weekly'))?.by)
await store.close()
