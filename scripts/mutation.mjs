// Mutation testing of the modules: npm run mutation -- --module file-lock --seed 7 --sample 200
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, 'node_modules/.cache')
mkdirSync(cache, { recursive: true })
// Here the bundle finds the packages that it leaves external.
const bundles = mkdtempSync(join(cache, 'holdfast-mutation-'))
try {
  const bundle = join(bundles, 'main.mjs')
  await build({
    entryPoints: [join(root, 'test/mutation/main.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  })
  // It ends its own processes on the terminal's interrupt; this one waits for it.
  process.on('SIGINT', () => undefined)
  const { status } = spawnSync(process.execPath, [bundle, ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
} finally {
  rmSync(bundles, { recursive: true, force: true })
}
