// Bundles the benchmark (esbuild comes with the root's tsup) and runs it; nothing else to install.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

await build({
  entryPoints: [
    here('./src/main.ts'),
    here('./src/workers/lock-worker.ts'),
    here('./src/workers/open-worker.ts'),
    here('./src/workers/durability-worker.ts'),
    here('./src/workers/append-worker.ts'),
    here('./src/workers/log-worker.ts'),
  ],
  outdir: here('./results/dist'),
  entryNames: '[name]',
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'inline',
  logLevel: 'warning',
})

const main = here('./results/dist/main.js')
const child = spawn(process.execPath, ['--enable-source-maps', main, ...process.argv.slice(2)], {
  stdio: 'inherit',
})
// The child gets the terminal's Ctrl-C itself; it must have the time to remove its data.
process.on('SIGINT', () => {})
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128)
})
