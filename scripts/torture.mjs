// The full reliability run: npm run torture -- [--only chapter,chapter] [--bounded] [--report]
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root, withBundles } from './bundle.mjs'

await withBundles(['test/reliability/main.ts'], (bundles) => {
  const { status } = spawnSync(
    process.execPath,
    [join(bundles, 'main.mjs'), ...process.argv.slice(2)],
    { cwd: root, stdio: 'inherit' },
  )
  process.exitCode = status ?? 1
})
