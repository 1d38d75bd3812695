// How the parts of a system are: recorded when it shows, told in one line when somebody asks.
import { openStateStore } from 'holdfast'

const store = await openStateStore('.state')
const { health } = store

store.on('health:changed', ({ component, from, to }) => {
  console.log(`${component}: ${from ?? 'new'} -> ${to}`)
})

await health.record('mail', 'ok')
await health.record('search', 'ok')
await health.record('mail', 'ok')
await health.record('mail', 'error', { reason: 'connection refused' })

// The present state, and the history of the last 24 hours.
const mail = await health.latest('mail')
console.log('mail is', mail?.status, 'and was', mail?.previous)
console.log('recorded:', await health.summary())
console.log('changes:', (await health.transitions({ component: 'mail' })).length)

// The store itself: is there room, can it be written to, did anything go wrong?
const check = await health.check({ lowBytes: 1_000_000, lowShare: 0 })
console.log(check.ok ? 'the store is fine' : check.alerts.map(({ message }) => message))

console.log(await health.statusLine({ session: 'morning', color: false }))
await store.close()
