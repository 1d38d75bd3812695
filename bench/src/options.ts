import { parseArgs } from 'node:util'

export const suiteNames = ['set', 'inflight', 'counter', 'log', 'lock', 'open', 'import'] as const
export type SuiteName = (typeof suiteNames)[number]

export interface Options {
  readonly suites: readonly SuiteName[]
  /** Bytes of a document's JSON text. */
  readonly sizes: readonly number[]
  readonly quick: boolean
  readonly json: boolean
  /** Where the data directory is made; undefined: in bench/results. */
  readonly directory: string | undefined
  readonly seed: number
  readonly set: { readonly rounds: number; readonly ops: number; readonly sliceMs: number }
  readonly inflight: { readonly rounds: number; readonly batches: number; readonly width: number }
  readonly counter: { readonly rounds: number; readonly batches: number; readonly width: number }
  readonly log: {
    readonly rounds: number
    readonly sliceMs: number
    /** How many batches are appended at most: before measuring, and while. */
    readonly warmUp: number
    readonly batches: number
    readonly width: number
    /** Of the large log and the small one. */
    readonly events: number
    readonly fewEvents: number
    readonly queries: number
    readonly scanRounds: number
  }
  readonly lock: {
    readonly rounds: number
    readonly processes: readonly number[]
    readonly sliceMs: number
  }
  readonly open: { readonly rounds: number; readonly documents: number }
  readonly import: { readonly spawns: number }
}

export const usage = `node bench/run.mjs [options]     (npm run bench -- [options])

  --only set,inflight,counter,log,lock,open,import
                                         the suites to run; default all
  --sizes 200,1000,16000                 document sizes in bytes; default 1000
  --rounds N                             rounds of every suite
  --dir PATH                             where the data is put; default bench/results
  --seed N                               order of the contenders and content of the documents
  --quick                                a smoke run of some seconds; its figures mean nothing
  --json                                 one JSON document on stdout, no tables`

const minDocumentBytes = 160
const maxDocumentBytes = 16_000_000

function integer(text: string, name: string, minimum: number, maximum: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new RangeError(`--${name}: ${text} is not a whole number of ${minimum} to ${maximum}`)
  }
  return value
}

function suiteOf(text: string): SuiteName {
  const name = suiteNames.find((candidate) => candidate === text)
  if (name === undefined) throw new RangeError(`--only: no suite is called ${text}`)
  return name
}

export function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      sizes: { type: 'string', default: '1000' },
      rounds: { type: 'string' },
      dir: { type: 'string' },
      seed: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const { quick } = values
  const rounds = (usual: number, brief: number): number =>
    values.rounds === undefined
      ? quick
        ? brief
        : usual
      : integer(values.rounds, 'rounds', 1, 1000)
  return {
    suites: values.only === undefined ? suiteNames : values.only.split(',').map(suiteOf),
    sizes: values.sizes
      .split(',')
      .map((text) => integer(text, 'sizes', minDocumentBytes, maxDocumentBytes)),
    quick,
    json: values.json,
    directory: values.dir,
    seed:
      values.seed === undefined ? Date.now() % 2 ** 31 : integer(values.seed, 'seed', 0, 2 ** 31),
    set: { rounds: rounds(9, 2), ops: quick ? 8 : 200, sliceMs: quick ? 100 : 1000 },
    inflight: { rounds: rounds(9, 2), batches: quick ? 1 : 6, width: 100 },
    counter: { rounds: rounds(9, 2), batches: quick ? 2 : 10, width: 100 },
    log: {
      rounds: rounds(7, 2),
      sliceMs: quick ? 100 : 1000,
      warmUp: quick ? 2 : 40,
      batches: quick ? 10 : 400,
      width: 100,
      events: quick ? 20_000 : 1_000_000,
      fewEvents: quick ? 4000 : 10_000,
      queries: quick ? 3 : 20,
      scanRounds: rounds(3, 1),
    },
    lock: {
      rounds: rounds(5, 1),
      processes: quick ? [1, 2] : [1, 2, 4, 8],
      sliceMs: quick ? 200 : 2000,
    },
    open: { rounds: rounds(7, 2), documents: quick ? 300 : 10_000 },
    import: { spawns: quick ? 2 : 20 },
  }
}
