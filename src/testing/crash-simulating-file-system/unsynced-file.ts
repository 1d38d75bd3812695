import type { FileChange } from './disk-change.js'
import type { FileContent } from './disk-image.js'

/**
 * Which un-synced data of one file may be there after a power cut: `any` of it, sector by sector; or a
 * `prefix`, what was written first, and behind that what was there before, or zeros.
 */
export type DataRule = 'any' | 'prefix'

/** What becomes of a piece of un-synced data. */
type PieceFate = 'kept' | 'lost' | 'zeros'

/** A part of a change that a disk writes as a whole or not at all. */
interface Piece {
  readonly change: number
  readonly position: number
  /** Undefined for a change of the size. */
  readonly bytes: Uint8Array | undefined
  /** The sync that should have made it stable failed. */
  readonly dropped: boolean
}

interface Pending {
  readonly change: FileChange
  dropped: boolean
}

/** Of more pieces than this not every cut is tried. */
const piecesMax = 8

/** A file, what of it is stable, and what may be found of it when the power fails. */
export class UnsyncedFile {
  #stable: FileContent
  #pending: Pending[] = []
  #found: readonly FileContent[] | undefined

  constructor(stable: FileContent) {
    this.#stable = stable
  }

  get isStable(): boolean {
    return this.#pending.length === 0
  }

  change(change: FileChange): void {
    this.#pending.push({ change, dropped: false })
    this.#found = undefined
  }

  /** A failed one drops the data that was to be made stable; no later sync brings it back. */
  sync(failed: boolean): void {
    this.#found = undefined
    if (failed) for (const each of this.#pending) each.dropped = true
    else {
      this.#stable = { ...this.#composed(this.#pieces(1), () => 'kept'), ...this.#attributes() }
      this.#pending = []
    }
  }

  /** What may be found, the file as it was synced last first, as it was written last at the end. */
  contents(sectorBytes: number, rule: DataRule, random: () => number): readonly FileContent[] {
    this.#found ??= this.isStable ? [this.#stable] : this.#enumerate(sectorBytes, rule, random)
    return this.#found
  }

  #enumerate(sectorBytes: number, rule: DataRule, random: () => number): FileContent[] {
    const pieces = this.#pieces(sectorBytes)
    const known = new Set<string>()
    const found: FileContent[] = []
    const add = (content: FileContent): void => {
      const { bytes, mode, modifiedMicros } = content
      const id = `${mode} ${modifiedMicros} ${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')}`
      if (known.has(id)) return
      known.add(id)
      found.push(content)
    }
    const live = { ...this.#composed(pieces, () => 'kept'), ...this.#attributes() }
    add(this.#stable)
    add({ ...this.#stable, ...this.#attributes() })
    for (const fate of fatesOf(pieces, rule, random)) {
      add({ ...this.#composed(pieces, fate), ...this.#attributes() })
    }
    const { mode, modifiedMicros } = this.#stable
    add({ ...live, mode, modifiedMicros })
    // What was there last stands last.
    return [...found.filter((each) => !isSame(each, live)), live]
  }

  /** Mode and modification time as they were set last. */
  #attributes(): Pick<FileContent, 'mode' | 'modifiedMicros'> {
    let { mode, modifiedMicros } = this.#stable
    for (const { change } of this.#pending) {
      modifiedMicros = change.modifiedMicros
      if (change.kind === 'attributes') mode = change.mode
    }
    return { mode, modifiedMicros }
  }

  #pieces(sectorBytes: number): Piece[] {
    return this.#pending.flatMap(({ change, dropped }, index) => {
      if (change.kind === 'attributes') return []
      if (change.kind === 'size') {
        return [{ change: index, position: change.size, bytes: undefined, dropped }]
      }
      const { bytes, position } = change
      if (sectorBytes === 1) return [{ change: index, position, bytes, dropped }]
      const pieces: Piece[] = []
      for (let from = 0; from < bytes.byteLength; ) {
        const sectorEnd = (Math.floor((position + from) / sectorBytes) + 1) * sectorBytes
        const to = Math.min(bytes.byteLength, sectorEnd - position)
        const part = bytes.subarray(from, to)
        pieces.push({ change: index, position: position + from, bytes: part, dropped })
        from = to
      }
      return pieces
    })
  }

  #composed(pieces: readonly Piece[], fate: (piece: number) => PieceFate): FileContent {
    const stableSize = this.#stable.bytes.byteLength
    const sizes = pieces.map(({ bytes, position }) => position + (bytes?.byteLength ?? 0))
    let buffer = new Uint8Array(Math.max(stableSize, ...sizes))
    buffer.set(this.#stable.bytes)
    let size = stableSize
    for (const [index, { bytes, dropped, position }] of pieces.entries()) {
      const chosen = fate(index)
      if (chosen === 'lost') continue
      if (bytes === undefined) {
        buffer.fill(0, Math.min(position, size))
        size = position
        continue
      }
      // The blocks of a failed sync were never written: old ones stay, new ones are zeros.
      const overwrites = position < stableSize
      if (!dropped) {
        if (chosen === 'kept') buffer.set(bytes, position)
        else buffer.fill(0, position, position + bytes.byteLength)
      } else if (!overwrites) buffer.fill(0, position, position + bytes.byteLength)
      size = Math.max(size, position + bytes.byteLength)
    }
    buffer = buffer.subarray(0, size)
    return { ...this.#stable, bytes: buffer }
  }
}

function* fatesOf(
  pieces: readonly Piece[],
  rule: DataRule,
  random: () => number,
): Generator<(piece: number) => PieceFate> {
  yield () => 'zeros'
  const count = pieces.length
  for (const cut of cutsOf(pieces)) {
    yield (piece) => (piece < cut ? 'kept' : 'lost')
    yield (piece) => (piece < cut ? 'kept' : 'zeros')
    if (rule === 'prefix') continue
    yield (piece) => (piece < cut ? 'zeros' : 'kept')
    yield (piece) => (piece < cut ? 'lost' : 'kept')
  }
  if (rule === 'prefix') return
  const changes = [...new Set(pieces.map(({ change }) => change))]
  if (changes.length > 2) {
    for (const left of changes.slice(-piecesMax)) {
      yield (piece) => (pieces[piece]?.change === left ? 'lost' : 'kept')
      yield (piece) => (pieces[piece]?.change === left ? 'zeros' : 'kept')
    }
  }
  const fates: readonly PieceFate[] = ['kept', 'lost', 'zeros']
  for (let mixtures = count > 2 ? 3 : 0; mixtures > 0; mixtures--) {
    const chosen = pieces.map(() => fates[Math.floor(random() * fates.length)] ?? 'kept')
    yield (piece) => chosen[piece] ?? 'kept'
  }
}

/** Before which pieces to cut: between changes, and within them where there are not too many. */
function cutsOf(pieces: readonly Piece[]): number[] {
  const count = pieces.length
  const cuts = Array.from({ length: Math.max(0, count - 1) }, (_, index) => index + 1)
  if (count <= piecesMax) return cuts
  const between = cuts.filter((cut) => pieces[cut]?.change !== pieces[cut - 1]?.change)
  return [...new Set([1, ...between.slice(-piecesMax), count >> 1, count - 1])]
}

function isSame(one: FileContent, other: FileContent): boolean {
  if (one.mode !== other.mode || one.modifiedMicros !== other.modifiedMicros) return false
  return Buffer.compare(one.bytes, other.bytes) === 0
}
