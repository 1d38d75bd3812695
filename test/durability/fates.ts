/** Which power cuts to try at a moment. */
import type { Fate, FragileDisk, UnsyncedData } from './power-cut.js'

const all = (_: string, pending: number): number => pending
const none = (): number => 0
const data = (what: UnsyncedData) => (): UnsyncedData => what

/**
 * Nothing, everything, each directory alone, all but each directory; files missing their unsynced data
 * or with zeros for it; and `random` mixtures.
 */
export function fatesOf(disk: FragileDisk, random: () => number, mixtures: number): Fate[] {
  const { directories } = disk.unsynced()
  const fates: Fate[] = [
    { entries: none, data: data('missing') },
    { entries: all, data: data('missing') },
    { entries: all, data: data('zeros') },
    { entries: all, data: data('there') },
  ]
  for (const each of directories) {
    fates.push({ entries: (id, pending) => (id === each ? pending : 0), data: data('missing') })
    fates.push({ entries: (id, pending) => (id === each ? 0 : pending), data: data('zeros') })
  }
  const kinds: readonly UnsyncedData[] = ['missing', 'zeros', 'there']
  for (let index = 0; index < mixtures; index++) {
    const chosen = new Map<string, number>()
    const remember = (id: string, choose: () => number): number => {
      const known = chosen.get(id) ?? choose()
      chosen.set(id, known)
      return known
    }
    fates.push({
      entries: (id, pending) => remember(id, () => Math.floor(random() * (pending + 1))),
      data: (id) => kinds[remember(id, () => Math.floor(random() * kinds.length))] ?? 'missing',
    })
  }
  return fates
}
