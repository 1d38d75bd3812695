/** The part of holdfast that is measured, loaded from the built package as a user would get it. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { OpenOptions, StateStore } from 'holdfast'
import { loadPeer } from './load-peer.js'
import { distDirectory } from './paths.js'

type Holdfast = typeof import('holdfast')

export const entryPoint = join(distDirectory, 'index.js')
export const commonJsEntryPoint = join(distDirectory, 'index.cjs')

export async function openHoldfast(
  directory: string,
  options: OpenOptions = {},
): Promise<StateStore> {
  const { openStateStore } = await loadPeer<Holdfast>(pathToFileURL(entryPoint).href)
  return openStateStore(directory, options)
}
