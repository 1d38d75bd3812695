// State that is never half changed: two budgets and the record of the move between them.
import { openStateStore } from 'holdfast'

const store = await openStateStore('.state')
const budgets = store.collection<{ tokens: number }>('budgets')
const moves = store.log<{ from: string; to: string; tokens: number }>('moves')

await budgets.set('scout', { tokens: 100 })
await budgets.set('scribe', { tokens: 0 })

// Read, change, write as one step, whoever else does the same at that moment.
const spend = () => budgets.update('scout', ({ tokens }) => ({ tokens: tokens - 1 }))
await Promise.all(Array.from({ length: 10 }, spend))
console.log('After ten at once, scout has', (await budgets.get('scout'))?.tokens)

// Both budgets and the record, or nothing at all: also when the power fails in the middle.
async function move(from: string, to: string, tokens: number): Promise<void> {
  await store.transaction(async (tx) => {
    const source = (await tx.get(budgets, from))?.tokens ?? 0
    const target = (await tx.get(budgets, to))?.tokens ?? 0
    if (source < tokens) throw new Error(`${from} has only ${source}`)
    tx.set(budgets, from, { tokens: source - tokens })
    tx.set(budgets, to, { tokens: target + tokens })
    tx.append(moves, 'moved', { from, to, tokens })
  })
}

await move('scout', 'scribe', 40)
await move('scout', 'scribe', 60).catch((error: Error) => console.log('Refused:', error.message))

for await (const { key, value } of budgets.entries()) console.log(`${key}: ${value.tokens} tokens`)
console.log('Moves on record:', await moves.count())
await store.close()
