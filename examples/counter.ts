// Counting that is exact: by any number of processes, and after any crash.
import { openStateStore } from 'holdfast'

const store = await openStateStore('.state')
const { counters } = store

// A hundred at once are a hundred, and are written together.
await Promise.all(Array.from({ length: 100 }, () => counters.increment('messages')))
console.log('messages:', await counters.get('messages'))

// Several in one step; `by` may be any whole number.
await counters.increment({ messages: 1, words: 250 })

// The total, and how many today; the newest 30 days are kept.
await counters.increment('cents', 12, { per: 'day', timeZone: 'Europe/Berlin', keep: 30 })
await counters.increment('cents', 30, { per: 'day', timeZone: 'Europe/Berlin', keep: 30 })
console.log('cents spent today:', await counters.get('cents', { per: 'day' }))
console.log('days with expenses:', (await counters.windows('cents', { per: 'day' })).length)

// Together with other changes, all or none.
const tasks = store.collection<{ status: string }>('tasks')
await store.transaction((tx) => {
  tx.set(tasks, 'task_123', { status: 'done' })
  tx.increment('tasks_done')
})

console.log('all of them:', await counters.all())
console.log('messages before the reset:', await counters.reset('messages'))
await store.close()
