/**
 * How a document becomes bytes and back. Implementations are pure and blocking.
 *
 * A serializer must return from `decode(encode(value))` a value deeply equal to `value` for every
 * JSON value, keep the last key of the outermost object last, and write a string such as
 * `sha256:0123456789abcdef` as it is: the checksum is put into the encoded text after the fact.
 */
export interface Serializer {
  /** Names the format in error messages, for example `json`. */
  readonly name: string
  /** File extension without the dot. Two serializers used in one store must not share one. */
  readonly extension: string
  /**
   * A line, with its newline, that every document's file begins with and that `decode` passes over, as a
   * comment. A format of which a part can be valid as well needs it: by it a file that was cut short
   * is told from one that was made by hand.
   */
  readonly heading?: string
  /** The whole file, ending in a newline. Never throws for a JSON value. */
  encode(value: unknown): string
  /** Throws any error for text that is not of the format; the caller wraps it. */
  decode(text: string): unknown
}
