import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Program } from './page.js'

export interface RunResult {
  readonly code: number | string | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program as an ES module, with the sources as `holdfast`, in a fresh directory. */
export async function runProgram(root: string, program: Program): Promise<RunResult> {
  const cache = join(root, 'node_modules/.cache')
  await mkdir(cache, { recursive: true })
  // Packages stay external and are found from here.
  const bundleFolder = await mkdtemp(join(cache, 'holdfast-docs-'))
  const workingDirectory = await mkdtemp(join(tmpdir(), 'holdfast-docs-'))
  try {
    const bundle = join(bundleFolder, 'program.mjs')
    await build({
      stdin: { contents: program.text, loader: 'ts', resolveDir: root, sourcefile: program.page },
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      packages: 'external',
      tsconfig: join(root, 'tsconfig.json'),
      logLevel: 'silent',
    })
    return await run(bundle, workingDirectory)
  } finally {
    await rm(bundleFolder, { recursive: true, force: true })
    await rm(workingDirectory, { recursive: true, force: true })
  }
}

function run(bundle: string, cwd: string): Promise<RunResult> {
  return new Promise((resolve) => {
    // The bound only turns a hang into a failure.
    const options = { cwd, timeout: 60_000, killSignal: 'SIGKILL' } as const
    execFile(
      process.execPath,
      ['--enable-source-maps', bundle],
      options,
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr })
      },
    )
  })
}
