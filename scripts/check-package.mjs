// Checks the package as its users get it: packs it, lints the tarball, installs it into an empty
// project, and there runs the README's first example as ESM and as CJS. Needs `npm run build` first.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, transform } from 'esbuild'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))
const startedAt = performance.now()
const temporary = mkdtempSync(join(tmpdir(), 'holdfast-package-'))
const project = join(temporary, 'project')

const allowedFiles = /^package\/(?:dist\/.+|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/

const say = (text) => console.log(text)

class CheckFailed extends Error {}

/** Runs a program to its end; its output is shown only if it fails. */
function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', ...options })
  if (result.error !== undefined) throw result.error
  if (result.status !== 0) {
    const output = `${result.stdout}${result.stderr}`.trim()
    throw new CheckFailed(`${command} ${args.join(' ')} ended with ${result.status}\n${output}`)
  }
  return result.stdout
}

function pack() {
  if (!existsSync(join(root, 'dist'))) throw new CheckFailed('No dist: npm run build first')
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', temporary]
  const [packed] = JSON.parse(run('npm', args, { cwd: root }))
  const tarball = join(temporary, packed.filename)
  const files = run('tar', ['-tzf', tarball]).trim().split('\n')
  const foreign = files.filter((file) => !allowedFiles.test(file))
  if (foreign.length > 0) throw new CheckFailed(`Must not be published: ${foreign.join(', ')}`)
  for (const needed of ['package/README.md', 'package/LICENSE', 'package/CHANGELOG.md']) {
    if (!files.includes(needed)) throw new CheckFailed(`${needed} is not in the tarball`)
  }
  say(`packed ${packed.filename}: ${files.length} files, ${Math.ceil(packed.size / 1024)} KiB`)
  return tarball
}

async function lint(tarball) {
  const bytes = readFileSync(tarball)
  const { messages, pkg } = await publint({
    pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) },
    strict: true,
  })
  if (messages.length > 0) {
    const lines = messages.map((message) => formatMessage(message, pkg, { color: false }))
    throw new CheckFailed(`publint:\n${lines.join('\n')}`)
  }
  say('publint finds nothing')
  // Node 10 resolution, which knows no subpath exports, is of no concern for Node 20 and later.
  const attw = join(root, 'node_modules/.bin/attw')
  run(attw, [tarball, '--profile', 'node16', '--no-emoji', '--no-color'])
  say('the types resolve from ESM and from CJS')
}

function install(tarball) {
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true }\n')
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--no-update-notifier']
  run('npm', ['install', tarball, ...quiet], { cwd: project })
  say('installed into an empty project')
  return JSON.parse(readFileSync(join(project, 'node_modules/holdfast/package.json'), 'utf8'))
}

/** Every entry loads both ways and exports the same, with nothing but the package installed. */
function loadEntries(manifest) {
  const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'))
  const names =
    'Object.keys(m).filter((n) => !["default", "__esModule", "module.exports"].includes(n))'
  const print = `console.log(${names}.sort().join(" "))`
  for (const entry of entries) {
    const specifier = JSON.stringify(entry.replace(/^\./, manifest.name))
    const esm = `const m = await import(${specifier}); ${print}`
    const cjs = `const m = require(${specifier}); ${print}`
    const imported = run('node', ['--input-type=module', '-e', esm], { cwd: project }).trim()
    const required = run('node', ['--input-type=commonjs', '-e', cjs], { cwd: project }).trim()
    if (imported === '' || imported !== required) {
      throw new CheckFailed(
        `${specifier} exports\n  ${imported}\nas ESM and\n  ${required}\nas CJS`,
      )
    }
    say(`import and require ${specifier}: ${imported}`)
  }
}

/** The project's examples may use what the repository has installed for its own. */
function linkPackages(...names) {
  for (const name of names) {
    const target = join(project, 'node_modules', name)
    if (existsSync(target)) continue
    mkdirSync(join(target, '..'), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), target)
  }
}

/** The first ```ts run of the README, read the way the documentation tests read it. */
async function firstExample() {
  const outfile = join(temporary, 'page.mjs')
  const source = join(root, 'test/docs/page.ts')
  await build({ entryPoints: [source], outfile, bundle: true, platform: 'node', format: 'esm' })
  const { isRun, outputPattern, parsePage, programsOf } = await import(pathToFileURL(outfile).href)
  const readme = parsePage('README.md', readFileSync(join(root, 'README.md'), 'utf8'))
  const program = programsOf(readme).find(isRun)
  if (program === undefined) throw new CheckFailed('README.md has no block ```ts run')
  const { output } = program
  return { ...program, expected: output === undefined ? undefined : outputPattern(output) }
}

/** CJS has no top-level await: everything but the imports goes into a function. */
function withoutTopLevelAwait(text) {
  const tree = ts.createSourceFile('example.ts', text, ts.ScriptTarget.ES2022, true)
  const print = (keep) =>
    tree.statements
      .filter((statement) => ts.isImportDeclaration(statement) === keep)
      .map((statement) => statement.getFullText(tree))
      .join('')
  return `${print(true)}\nasync function main() {${print(false)}\n}\nvoid main()\n`
}

async function runExample({ text, output, expected }) {
  const scripts = {
    'example.mjs': await transform(text, { loader: 'ts', format: 'esm' }),
    'example.cjs': await transform(withoutTopLevelAwait(text), { loader: 'ts', format: 'cjs' }),
  }
  for (const [name, { code }] of Object.entries(scripts)) {
    writeFileSync(join(project, name), code)
    const workingDirectory = mkdtempSync(join(temporary, 'run-'))
    const printed = run('node', [join(project, name)], { cwd: workingDirectory, timeout: 60_000 })
    if (expected !== undefined && !expected.test(printed.trimEnd())) {
      throw new CheckFailed(`${name} printed\n${printed}instead of\n${output}`)
    }
    say(`ran the README's first example as ${name}`)
  }
}

/** Compiles the example against the published types, without skipping the check of those. */
function compileExample({ text }) {
  const options = { module: 'NodeNext', target: 'ES2022', strict: true, noEmit: true }
  const compilerOptions = { ...options, lib: ['ES2023', 'ESNext.Disposable'], types: ['node'] }
  const files = ['example.mts', 'example.cts']
  writeFileSync(join(project, 'example.mts'), text)
  writeFileSync(join(project, 'example.cts'), withoutTopLevelAwait(text))
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  run('node', [join(project, 'node_modules/typescript/bin/tsc'), '-p', project])
  say('compiled it against the published types, as ESM and as CJS')
}

try {
  say(
    `node ${process.version}, npm ${execFileSync('npm', ['--version'], { encoding: 'utf8' }).trim()}`,
  )
  const tarball = pack()
  await lint(tarball)
  loadEntries(install(tarball))
  linkPackages('zod', 'typescript', '@types/node', 'undici-types')
  const example = await firstExample()
  await runExample(example)
  compileExample(example)
} catch (error) {
  if (!(error instanceof CheckFailed)) throw error
  console.error(error.message)
  process.exitCode = 1
} finally {
  rmSync(temporary, { recursive: true, force: true })
  say(`${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
}
