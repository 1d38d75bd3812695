// Bundles a recipe against the sources and runs it in an empty directory: npm run example event-log
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const name = (process.argv[2] ?? '').replace(/\.ts$/, '')
const recipe = join(root, `examples/${name}.ts`)

if (name === '' || !existsSync(recipe)) {
  const names = readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.ts'))
  console.error(`npm run example <${names.map((file) => file.slice(0, -3)).join(' | ')}>`)
  process.exit(1)
}

const cache = join(root, 'node_modules/.cache')
mkdirSync(cache, { recursive: true })
// Here the bundle finds the packages that it leaves external.
const bundles = mkdtempSync(join(cache, 'holdfast-example-'))
const directory = mkdtempSync(join(tmpdir(), `holdfast-${name}-`))
try {
  const bundle = join(bundles, 'example.mjs')
  await build({
    entryPoints: [recipe],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    tsconfig: join(root, 'tsconfig.json'),
    logLevel: 'warning',
  })
  const { status } = spawnSync(process.execPath, [bundle], { cwd: directory, stdio: 'inherit' })
  console.log(`\nIts files are in ${join(directory, '.state')}`)
  process.exitCode = status ?? 1
} finally {
  rmSync(bundles, { recursive: true, force: true })
}
