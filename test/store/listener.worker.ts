/** A listener throws: the write succeeds, and the error surfaces where the process can see it. */
import { openStateStore } from 'holdfast'

const { directory } = JSON.parse(process.argv[2] ?? '{}') as { directory: string }
const uncaught: string[] = []
process.on('uncaughtException', (error) => {
  uncaught.push(error.message)
})

const store = await openStateStore(directory)
let others = 0
store.on('state:saved', () => {
  throw new Error('listener is broken')
})
store.on('state:saved', () => {
  others += 1
})
const { revision } = await store.collection('tasks').set('a', { done: true })
await new Promise((resolve) => setImmediate(resolve))
await store.close()
process.send?.({ type: 'told', revision, others, uncaught })
