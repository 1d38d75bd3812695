/**
 * How long to torture: a bounded form in every test run, the full counts with HOLDFAST_TORTURE=1. A
 * failure can be had again with the seed that was printed: HOLDFAST_SEED=….
 */
import { appendFileSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

export const isLong = process.env.HOLDFAST_TORTURE === '1'

/** The bounded number in every test run, the other with HOLDFAST_TORTURE=1. */
export const rounds = (bounded: number, full: number): number => (isLong ? full : bounded)

/** Of all that chance decides in a test file. */
export const campaignSeed = Number(process.env.HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31))
process.stdout.write(`  seed ${campaignSeed}\n`)

/**
 * Tells what was reached; the seed belongs to it where chance had a part. Also written down as a line
 * of JSON in the file that HOLDFAST_FIGURES names, for the reliability report.
 */
export function report(what: string, figures: Readonly<Record<string, unknown>>): void {
  const told = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
  process.stdout.write(`  ${what}: ${told.join(', ')}\n`)
  const { HOLDFAST_FIGURES: path } = process.env
  if (path !== undefined) appendFileSync(path, `${JSON.stringify({ what, figures })}\n`)
}

const made: string[] = []
afterAll(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

/** An empty directory that is removed when the file's tests are over. */
export function scratchDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-torture-')))
  made.push(directory)
  return directory
}

/** Resolves once the condition holds; the test's own time limit ends a wait in vain. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve))
}
