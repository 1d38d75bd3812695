/** The part of holdfast that is measured, loaded from the built package as a user would get it. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loadPeer } from './load-peer.js'
import { distDirectory } from './paths.js'

export interface HoldfastOptions {
  readonly durability?: 'power' | 'process'
  readonly backups?: { readonly keep: number } | false
}

interface Receipt {
  /** Equal for all that were stored by one commit. */
  readonly revision: string
  readonly superseded: boolean
}

interface Collection<T> {
  set(key: string, value: T): Promise<Receipt>
  get(key: string): Promise<T | undefined>
  entries(): AsyncIterable<{ readonly key: string; readonly value: T }>
  keys(): AsyncIterable<string>
}

interface Lease {
  readonly token: number
  release(): Promise<void>
}

export interface HoldfastStore {
  collection<T>(name: string): Collection<T>
  lock(name: string, options: { readonly ttlMs: number; readonly waitMs: number }): Promise<Lease>
  close(): Promise<void>
}

interface Holdfast {
  openStateStore(directory: string, options?: HoldfastOptions): Promise<HoldfastStore>
}

export const entryPoint = join(distDirectory, 'index.js')
export const commonJsEntryPoint = join(distDirectory, 'index.cjs')

export async function openHoldfast(
  directory: string,
  options: HoldfastOptions = {},
): Promise<HoldfastStore> {
  const { openStateStore } = await loadPeer<Holdfast>(pathToFileURL(entryPoint).href)
  return openStateStore(directory, options)
}
