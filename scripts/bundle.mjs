// Bundles TypeScript programs against the sources, so that plain Node can run them.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Calls `use` with a directory that holds `<name>.mjs` for each `<name>.ts`, and removes it afterwards. */
export async function withBundles(entryPoints, use) {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  // Here the bundle finds the packages that it leaves external.
  const directory = mkdtempSync(join(cache, 'holdfast-bundles-'))
  try {
    await build({
      entryPoints: entryPoints.map((path) => join(root, path)),
      outdir: directory,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      packages: 'external',
      tsconfig: join(root, 'tsconfig.json'),
      logLevel: 'warning',
    })
    return await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
