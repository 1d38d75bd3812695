/** What `import 'holdfast'` costs: process time over a bare node, and bytes. */
import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { commonJsEntryPoint, entryPoint } from '../holdfast.js'
import { interleave } from '../interleave.js'
import { loadPeer } from '../load-peer.js'
import type { RunContext } from '../run-context.js'
import { median, quantile } from '../statistics.js'

export interface ImportRow {
  readonly name: string
  readonly medianMs: number
  readonly p99Ms: number
  /** Over the empty file of the same module kind, medians. */
  readonly overBareMs: number
}

export interface BundleSize {
  /** What a static import of the ESM entry point loads, minified. */
  readonly staticBytes: number
  /** Chunks that are loaded by `import()` when they are needed. */
  readonly lazyBytes: number
  /** Packages and built-ins that the static part imports; they are not in the bytes. */
  readonly staticImports: readonly string[]
}

export interface ImportTable {
  readonly suite: 'import'
  readonly rows: readonly ImportRow[]
  readonly size: BundleSize | undefined
}

interface Variant {
  readonly name: string
  readonly own?: boolean
  readonly bare: string
  readonly extension: 'mjs' | 'cjs'
  source(): string
}

export const importNames = {
  bareEsm: 'bare node, empty .mjs',
  bareCjs: 'bare node, empty .cjs',
  esm: "import 'holdfast'",
  cjs: "require('holdfast')",
} as const

const importing = (url: string): string => `import ${JSON.stringify(url)}\n`

const peer = (specifier: string): Variant => ({
  name: `import '${specifier}'`,
  bare: importNames.bareEsm,
  extension: 'mjs',
  source: () => importing(import.meta.resolve(specifier)),
})

const variants: readonly Variant[] = [
  { name: importNames.bareEsm, bare: importNames.bareEsm, extension: 'mjs', source: () => '' },
  { name: importNames.bareCjs, bare: importNames.bareCjs, extension: 'cjs', source: () => '' },
  {
    name: importNames.esm,
    own: true,
    bare: importNames.bareEsm,
    extension: 'mjs',
    source: () => importing(pathToFileURL(entryPoint).href),
  },
  {
    name: importNames.cjs,
    own: true,
    bare: importNames.bareCjs,
    extension: 'cjs',
    source: () => `require(${JSON.stringify(commonJsEntryPoint)})\n`,
  },
  peer('write-file-atomic'),
  peer('proper-lockfile'),
  peer('conf'),
  peer('better-sqlite3'),
  peer('lmdb'),
]

function timeSpawn(file: string): number {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, [file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  })
  const elapsed = performance.now() - start
  if (status !== 0) throw new Error(stderr.trim().split('\n').slice(0, 8).join(' '))
  return elapsed
}

export async function runImportSuite(context: RunContext): Promise<ImportTable> {
  const { options, random, problems } = context
  const directory = join(context.directory, 'import')
  await mkdir(directory, { recursive: true })
  const fileOf = (variant: Variant): string =>
    join(directory, `variant-${variants.indexOf(variant)}.${variant.extension}`)

  const slices = await interleave(
    variants,
    options.import.spawns,
    random,
    problems,
    async (variant, round) => {
      context.progress(`import, round ${round + 1}: ${variant.name}`)
      const file = fileOf(variant)
      if (round === 0) {
        await writeFile(file, variant.source())
        // Into the page cache.
        timeSpawn(file)
      }
      return timeSpawn(file)
    },
  )
  const medianOf = (name: string): number => median(slices.get(name) ?? [])
  const rows = variants.flatMap(({ name, bare }) => {
    const samples = slices.get(name)
    return samples === undefined
      ? []
      : [
          {
            name,
            medianMs: median(samples),
            p99Ms: quantile(samples, 0.99),
            overBareMs: medianOf(name) - medianOf(bare),
          },
        ]
  })
  let size: BundleSize | undefined
  try {
    size = await measureBundle()
  } catch (error) {
    problems.report('the bundle size could not be measured', error, true)
  }
  return { suite: 'import', rows, size }
}

interface BundleOutput {
  readonly bytes: number
  readonly entryPoint?: string
  readonly imports: readonly {
    readonly path: string
    readonly kind: string
    readonly external?: boolean
  }[]
}

interface Esbuild {
  build(options: Readonly<Record<string, unknown>>): Promise<{
    readonly metafile: { readonly outputs: Readonly<Record<string, BundleOutput>> }
  }>
}

const entryName = 'entry'

/** Minifies the built package, `import()` kept apart, and follows the static imports. */
async function measureBundle(): Promise<BundleSize> {
  const { build } = await loadPeer<Esbuild>('esbuild')
  const { metafile } = await build({
    entryPoints: [entryPoint],
    entryNames: entryName,
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    write: false,
    outdir: 'out',
    metafile: true,
    logLevel: 'silent',
  })
  const { outputs } = metafile
  const loaded = new Set<string>()
  const external = new Set<string>()
  const pending = Object.keys(outputs).filter((path) => path.endsWith(`/${entryName}.js`))
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (loaded.has(path)) continue
    loaded.add(path)
    for (const imported of outputs[path]?.imports ?? []) {
      if (imported.kind === 'dynamic-import') continue
      if (imported.external) external.add(imported.path)
      else pending.push(imported.path)
    }
  }
  const bytesOf = (paths: readonly string[]): number =>
    paths.reduce((sum, key) => sum + (outputs[key]?.bytes ?? 0), 0)
  const all = Object.keys(outputs)
  return {
    staticBytes: bytesOf(all.filter((key) => loaded.has(key))),
    lazyBytes: bytesOf(all.filter((key) => !loaded.has(key))),
    staticImports: [...external].sort(),
  }
}
