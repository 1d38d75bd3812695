import { fileURLToPath } from 'node:url'

/** From the place the bundle runs in, bench/results/dist, not from this file's. */
const fromBundle = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export const resultsDirectory = fromBundle('../')
export const distDirectory = fromBundle('../../../dist/')
export const workerPath = (name: string): string => fromBundle(`./${name}.js`)
