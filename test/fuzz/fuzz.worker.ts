/**
 * Feeds parsers with spoilt inputs, one after the other, in a process with little memory. Which input it is at stands in a
 * file, so that whoever watches knows what it hangs at or died of.
 */
import { openSync, writeSync } from 'node:fs'
import { seededRandom } from '../support/random.js'
import { pollution } from './honesty.js'
import { mutated, oversized, pick, type Random } from './mutations.js'
import { type ParserSubject, parsers } from './parsers.js'
import { judgeStoreFile } from './store-files.js'

export interface FuzzArguments {
  /** Of `parsers`, or of the files of a store. */
  readonly names: readonly string[]
  readonly kind: 'parser' | 'store'
  readonly seed: number
  readonly from: number
  readonly count: number
  /** Where to say which input it is at. */
  readonly progress: string
}

const args = JSON.parse(process.argv[2] ?? '') as FuzzArguments

/** Bytes of buffers that one input may cost, beside a multiple of its own. */
const spareBytes = 64 * 1024 * 1024
const bytesPerByte = 64

let allocated = 0

function counted<Make extends (size: number, ...rest: never[]) => Buffer>(make: Make): Make {
  return ((size: number, ...rest: never[]) => {
    allocated += size
    return make(size, ...rest)
  }) as Make
}
Buffer.alloc = counted(Buffer.alloc)
Buffer.allocUnsafe = counted(Buffer.allocUnsafe)

const bigSizes = [10_000, 300_000, 1_000_000, 4_000_000]
/** The YAML library takes hundreds of bytes of memory for each byte that it reads. */
const yamlSizes = [10_000, 50_000]

function judgeParser(subject: ParserSubject, random: Random): string | undefined {
  const sample = pick(subject.samples, random)
  const sizes = subject.parser.includes('YAML') ? yamlSizes : bigSizes
  const isBig = random() < 0.002
  const bytes = isBig ? oversized(sample, pick(sizes, random), random) : mutated(sample, random)
  allocated = 0
  const wrong = subject.judge(bytes, sample, random)
  const most = bytes.length * bytesPerByte + spareBytes
  const shown = JSON.stringify(bytes.toString('latin1').slice(0, 400))
  if (wrong !== undefined) return `${wrong} of ${shown}`
  return allocated <= most ? undefined : `took ${allocated} bytes for ${bytes.length}: ${shown}`
}

async function judgeInput(name: string, random: Random): Promise<string | undefined> {
  if (args.kind === 'store') return await judgeStoreFile(name, random)
  const subject = parsers.find(({ parser }) => parser === name)
  if (subject === undefined) throw new Error(`There is no parser of ${name}`)
  return judgeParser(subject, random)
}

function seedOf(name: string, input: number): number {
  let hash = args.seed
  for (const character of `${name} ${input}`) {
    hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0
  }
  return hash
}

const progress = openSync(args.progress, 'w')
const failures: string[] = []
process.on('unhandledRejection', (error) => {
  failures.push(`nobody waited for ${String(error)}`)
})

async function feed(name: string): Promise<number> {
  const end = args.from + args.count
  let input = args.from
  for (; input < end && failures.length < 5; input++) {
    writeSync(progress, `${name}, input ${input}`.padEnd(80), 0)
    try {
      const wrong = (await judgeInput(name, seededRandom(seedOf(name, input)))) ?? pollution()
      if (wrong !== undefined) failures.push(`${name}, input ${input}: ${wrong}`)
    } catch (error) {
      const told = error instanceof Error ? error.stack : String(error)
      failures.push(`${name}, input ${input} threw ${told}`)
    }
    // Let go of what is awaited by nobody, and see what was rejected.
    if (input % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return input - args.from
}

const inputs: Record<string, number> = {}
for (const name of args.names) inputs[name] = await feed(name)
process.send?.({ type: 'done', inputs, failures }, () => process.disconnect())
