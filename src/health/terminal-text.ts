/** Text from anywhere, made fit for one line of a terminal, and measured in its columns. */

/**
 * Controls, which a terminal obeys; marks that turn the direction of text or cannot be seen, save the
 * joiner that emoji are made with; line separators; lone surrogates.
 */
const unfit = /(?!\u{200d})[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Of East Asia and emoji: two columns. By the blocks of Unicode, not by each character's own width. */
const wide =
  /^[\u{1100}-\u{115f}\u{2e80}-\u{303e}\u{3041}-\u{a4cf}\u{a960}-\u{a97f}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe30}-\u{fe6f}\u{ff00}-\u{ff60}\u{ffe0}-\u{ffe6}\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{1fa70}-\u{1faff}\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}|\u{fe0f}/u

/** Longer than any emoji; what is longer is a pile of accents. */
const maxClusterUnits = 32

export const ellipsis = '…'

let segmenter: Intl.Segmenter | undefined

/** What a reader takes for single characters. */
function clustersOf(text: string): string[] {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return Array.from(segmenter.segment(text), ({ segment }) =>
    segment.length > maxClusterUnits ? '?' : segment,
  )
}

const widthOfCluster = (cluster: string): number => (wide.test(cluster) ? 2 : 1)

/** With a question mark for each character that must not reach a terminal. */
export const fitForTerminal = (text: string): string => text.replace(unfit, '?')

/** In columns. */
export const widthOf = (text: string): number =>
  clustersOf(text).reduce((width, cluster) => width + widthOfCluster(cluster), 0)

/** As much of the beginning as fits into so many columns; no character is broken. */
export function startOf(text: string, columns: number): string {
  let start = ''
  let width = 0
  for (const cluster of clustersOf(text)) {
    width += widthOfCluster(cluster)
    if (width > columns) break
    start += cluster
  }
  return start
}

/** The text itself if it fits, else its beginning and an ellipsis. */
export function cutTo(text: string, columns: number): string {
  // No character takes more columns than it has units of UTF-16; one that is long is looked at.
  if (text.length <= columns && /^[\x20-\x7e]*$/.test(text)) return text
  // What lies far beyond cannot show.
  const near = text.slice(0, (columns + 1) * maxClusterUnits)
  if (near.length === text.length && widthOf(text) <= columns) return startOf(text, columns)
  return startOf(near, columns - 1) + ellipsis
}
