import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { TestProject } from 'vitest/node'

const root = fileURLToPath(new URL('..', import.meta.url))
const testFolder = join(root, 'test')
const bundleFolder = join(root, 'node_modules/.cache/holdfast-workers')

/** Bundles every `test/**\/*.worker.ts`, so that tests can fork it with plain Node. */
export default async function setup(project: TestProject): Promise<void> {
  await bundleWorkers()
  project.onTestsRerun(bundleWorkers)
}

async function bundleWorkers(): Promise<void> {
  const files = await readdir(testFolder, { recursive: true })
  const workers = files.filter((file) => file.endsWith('.worker.ts'))
  await Promise.all(
    workers.map(async (worker) => {
      const path = join(bundleFolder, worker.replace(/\.ts$/, '.mjs'))
      await replaceFile(path, await bundle(worker))
    }),
  )
}

/** A worker that does not build fails the tests that start it, with esbuild's message, and no other. */
async function bundle(worker: string): Promise<Uint8Array> {
  try {
    const { outputFiles } = await build({
      entryPoints: [join(testFolder, worker)],
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      packages: 'external',
      // Its `paths` lead `holdfast` to the sources.
      tsconfig: join(root, 'tsconfig.json'),
      logLevel: 'silent',
      write: false,
    })
    return outputFiles[0]?.contents ?? new Uint8Array()
  } catch (error) {
    return Buffer.from(`throw new Error(${JSON.stringify(`${worker}: ${error}`)})\n`)
  }
}

/** Another test run may be forking the file at this moment: it must never see half of it. */
async function replaceFile(path: string, contents: Uint8Array): Promise<void> {
  const present = await readFile(path).catch(() => undefined)
  if (present?.equals(contents) === true) return
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}`
  await writeFile(temporary, contents)
  await rename(temporary, path)
}
