// Bundles the demo against the sources and runs it: npm run demo -- --fast --seed 7 --keep
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root, withBundles } from './bundle.mjs'

await withBundles(['examples/demo/supervisor.ts', 'examples/demo/agent.ts'], (bundles) => {
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
})
