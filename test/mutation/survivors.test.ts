import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { mutationsOf } from './mutations.js'
import { staleExplanations, survivorKey, survivorOf } from './survivors.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('the explained survivors', () => {
  it('are all changes that can still be made to the sources', () => {
    expect(staleExplanations(root)).toEqual([])
  })

  it('are known by the text around them, wherever it stands', () => {
    const text = 'const isFull = () =>\n  left < 1\n'
    const [first] = mutationsOf('disk.ts', text)
    const later = `\n\n${text}`
    const [moved] = mutationsOf('disk.ts', later)
    if (first === undefined || moved === undefined) throw new Error('Nothing to change')
    expect(survivorOf(first, text)).toEqual({
      file: 'disk.ts',
      within: 'isFull',
      line: 'left < 1',
      original: 'left < 1',
      replacement: 'true',
    })
    expect(survivorKey(survivorOf(moved, later))).toBe(survivorKey(survivorOf(first, text)))
  })
})
