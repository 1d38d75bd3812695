import type { OpenOptions } from 'holdfast'
import type { BenchDocument } from '../documents.js'
import { openHoldfast } from '../holdfast.js'
import { type Contender, names } from './contender.js'

const holdfastWith = (name: string, options: OpenOptions): Contender => ({
  name,
  own: true,
  async open(directory) {
    const store = await openHoldfast(directory, options)
    const documents = store.collection<BenchDocument>('docs')
    return {
      set: async (key, document) => (await documents.set(key, document)).revision,
      get: (key) => documents.get(key),
      close: () => store.close(),
    }
  },
})

export const holdfastContenders: readonly Contender[] = [
  holdfastWith(names.holdfast, {}),
  holdfastWith(names.holdfastNoBackups, { backups: false }),
  holdfastWith(names.holdfastProcess, { durability: 'process' }),
]
