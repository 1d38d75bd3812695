import { createHash } from 'node:crypto'
import type { Home } from './homes.js'

/** Gives a store the stamp of another version or mode; see docs/FORMAT.md. */
export function restamp(home: Home, stamp: { format: number; mode: string }): void {
  const facts = { holdfast: 'store', format: stamp.format, mode: stamp.mode }
  const checksum = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16)
  const text = `${JSON.stringify({ ...facts, checksum }, null, 2)}\n`
  home.edit('.holdfast/store.json', text)
  home.edit('.holdfast/store.copy.json', text)
}
