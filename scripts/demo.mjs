// Bundles the demo against the sources and runs it: npm run demo -- --fast --seed 7 --keep
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, 'node_modules/.cache')
mkdirSync(cache, { recursive: true })
// Here the bundle finds the packages that it leaves external.
const bundles = mkdtempSync(join(cache, 'holdfast-demo-'))

try {
  await build({
    entryPoints: ['supervisor', 'agent'].map((name) => join(root, `examples/demo/${name}.ts`)),
    outdir: bundles,
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
  // The supervisor ends on the terminal's interrupt; this process waits for it and cleans up.
  process.on('SIGINT', () => undefined)
  const { status } = spawnSync(
    process.execPath,
    [
      '--enable-source-maps',
      join(bundles, 'supervisor.mjs'),
      '--sources',
      join(root, 'src'),
      ...process.argv.slice(2),
    ],
    { stdio: 'inherit' },
  )
  process.exitCode = status ?? 1
} finally {
  rmSync(bundles, { recursive: true, force: true })
}
