// Bundles a recipe against the sources and runs it in an empty directory: npm run example event-log
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, withBundles } from './bundle.mjs'

const name = (process.argv[2] ?? '').replace(/\.ts$/, '')
const recipe = `examples/${name}.ts`

if (name === '' || !existsSync(join(root, recipe))) {
  const names = readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.ts'))
  console.error(`npm run example <${names.map((file) => file.slice(0, -3)).join(' | ')}>`)
  process.exit(1)
}

await withBundles([recipe], (bundles) => {
  const directory = mkdtempSync(join(tmpdir(), `holdfast-${name}-`))
  const program = join(bundles, `${name}.mjs`)
  const { status } = spawnSync(process.execPath, [program], { cwd: directory, stdio: 'inherit' })
  console.log(`\nIts files are in ${join(directory, '.state')}`)
  process.exitCode = status ?? 1
})
