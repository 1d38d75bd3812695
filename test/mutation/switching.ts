/**
 * A source with all of its mistakes in it, of which one at most is made while it runs: the one whose
 * number `isMutant` answers with true. So the sources are compiled once for all of them.
 */
import type { Mutation } from './mutations.js'

/** A global function, as the sources can import nothing for this. */
export const switchName = '__isMutant'

/** `first` is the number of the first of these mutations; the others follow. */
export function switched(text: string, mutations: readonly Mutation[], first: number): string {
  const places = new Map<string, Place>()
  mutations.forEach((mutation, index) => {
    const { start, end } = mutation
    const isStatement = mutation.replacement === undefined
    const key = `${start}-${end}-${isStatement}`
    const place = places.get(key) ?? { start, end, isStatement, alternatives: [] }
    places.set(key, place)
    place.alternatives.push({ number: first + index, text: mutation.replacement ?? '' })
  })
  // Outer ones first; of the same place, the statement is the outer one.
  const ordered = [...places.values()].sort(
    (one, other) =>
      one.start - other.start ||
      other.end - one.end ||
      Number(other.isStatement) - Number(one.isStatement),
  )
  return render(text, 0, text.length, ordered)
}

interface Place {
  readonly start: number
  readonly end: number
  readonly isStatement: boolean
  readonly alternatives: { readonly number: number; readonly text: string }[]
}

/** `places` are taken from the front: all that lie in the range. */
function render(text: string, start: number, end: number, places: Place[]): string {
  let rendered = ''
  let position = start
  for (let place = places[0]; place !== undefined && place.start < end; place = places[0]) {
    places.shift()
    rendered += text.slice(position, place.start)
    const inner = render(text, place.start, place.end, places)
    rendered += place.isStatement ? withoutStatement(place, inner) : withAlternatives(place, inner)
    position = place.end
  }
  return rendered + text.slice(position, end)
}

const withoutStatement = ({ alternatives }: Place, inner: string): string =>
  `{if(!${switchName}(${alternatives[0]?.number})){${inner}}}`

const withAlternatives = ({ alternatives }: Place, inner: string): string =>
  alternatives.reduceRight(
    (rest, { number, text }) => `(${switchName}(${number})?(${text}):${rest})`,
    `(${inner})`,
  )
