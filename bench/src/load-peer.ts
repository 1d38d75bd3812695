/**
 * Loads a library that is measured. The caller says what it uses of it, so that the type check needs
 * none of them installed.
 */
export async function loadPeer<T>(specifier: string): Promise<T> {
  const loaded: unknown = await import(specifier)
  return loaded as T
}
