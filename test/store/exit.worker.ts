/** Ends in the middle of its work; what it still wants to save is saved as it exits. */
import { openStateStore } from 'holdfast'

interface Arguments {
  readonly directory: string
  readonly pending: number
}

const { directory, pending } = JSON.parse(process.argv[2] ?? '{}') as Arguments
const store = await openStateStore(directory)
const numbers = store.collection<number>('numbers')
const words = store.collection<{ text: string }>('words')

process.on('exit', () => {
  const receipt = words.setSync('last', { text: 'goodbye' })
  store.flushSync()
  process.send?.({ type: 'saved', revision: receipt.revision })
})

for (let index = 0; index < pending; index++) void numbers.set(`n${index}`, index)
await new Promise((resolve) => setImmediate(resolve))
process.exit(0)
