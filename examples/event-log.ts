// What happened, in order: append it when it happens, ask for it when somebody wants to know.
import { openStateStore } from 'holdfast'

const store = await openStateStore('.state')
const replies = store.log<{ channel: string; words?: number; error?: string }>('replies')

// Each is on disk when its promise resolves. Any number of processes may append at once.
await replies.append('sent', { channel: 'general', words: 12 }, { agent: 'scout' })
await replies.append('sent', { channel: 'random', words: 7 }, { agent: 'scribe' })
await replies.append('failed', { channel: 'general', error: 'timed out' }, { agent: 'scout' })

console.log(`${await replies.count({ since: '1h' })} replies in the last hour. By scout:`)
for await (const { type, data } of replies.query({ since: '1h', agent: 'scout' })) {
  console.log(`- ${type} in #${data.channel}`)
}

const [failure] = await replies.last(1, { type: 'failed' })
console.log(`The last failure: ${failure?.data.error} in #${failure?.data.channel}`)

// Go on from where you were: everything that anybody appends after this event.
for await (const { type, data } of replies.query({ after: failure?.id })) {
  console.log('Not reached, as nothing came after it:', type, data)
}
await store.close()
