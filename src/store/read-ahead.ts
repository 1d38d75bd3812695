/** Maps an iterable, in order, with up to `width` mappings under way ahead of the consumer. */
export async function* readAhead<T, R>(
  source: AsyncIterable<T>,
  width: number,
  map: (item: T) => Promise<R>,
): AsyncIterable<R> {
  const ahead: Promise<R>[] = []
  for await (const item of source) {
    const mapping = map(item)
    // Its error is met in its turn; until then it must not count as unhandled.
    mapping.catch(() => undefined)
    ahead.push(mapping)
    if (ahead.length >= width) {
      const next = ahead.shift()
      if (next !== undefined) yield await next
    }
  }
  for (const mapping of ahead) yield await mapping
}
