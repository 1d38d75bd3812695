import { type ChildProcess, fork } from 'node:child_process'
import { mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { interleave } from '../interleave.js'
import { type LockContender, lockContenders, makeOracle, oracleFile } from '../lockers.js'
import { workerPath } from '../paths.js'
import type { RunContext } from '../run-context.js'
import { maximum, median, quantile } from '../statistics.js'
import type { LockMessage, LockReport, LockStart } from '../workers/lock-worker.js'

interface LockSlice {
  readonly grants: number
  readonly grantsPerSecond: number
  readonly latenciesMs: readonly number[]
  readonly p99Ms: number
  /** Grants of the process that had the fewest, as a share of those of the one that had the most. */
  readonly fairness: number
  readonly loopMaxMs: number
  /** Increments that the counter misses: two held the lock at once. */
  readonly violations: number
  readonly tokens: TokenCheck
}

export interface LockRow {
  readonly name: string
  readonly processes: number
  readonly grants: number
  /** Median of the rounds. */
  readonly grantsPerSecond: number
  readonly roundsGrantsPerSecond: readonly number[]
  readonly medianMs: number
  /** Median of the rounds. */
  readonly p99Ms: number
  readonly roundsP99Ms: readonly number[]
  readonly fairness: number
  readonly loopMaxMs: number
  readonly violations: number
  readonly tokensRise: boolean | undefined
}

export interface LockTable {
  readonly suite: 'lock'
  readonly rows: readonly LockRow[]
}

const startDelayMs = 50

/** A forked contender, driven by its messages. */
class LockProcess {
  readonly ready: Promise<void>
  readonly report: Promise<LockReport>
  readonly ended: Promise<void>
  readonly #child: ChildProcess

  constructor(args: readonly string[]) {
    const child = fork(workerPath('lock-worker'), [...args], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child = child
    this.ended = new Promise((resolve) => {
      child.on('exit', () => resolve())
    })
    let failed: (error: Error) => void = () => {}
    const failure = new Promise<never>((_, reject) => {
      failed = reject
    })
    const awaited = <T>(pick: (message: LockMessage) => T | undefined): Promise<T> => {
      const arrival = new Promise<T>((resolve) => {
        child.on('message', (message) => {
          const picked = pick(message as LockMessage)
          if (picked !== undefined) resolve(picked)
        })
      })
      const raced = Promise.race([arrival, failure])
      // Whoever waits for it sees the failure; nobody may be waiting yet.
      raced.catch(() => {})
      return raced
    }
    this.ready = awaited((message) => (message.kind === 'ready' ? true : undefined)).then(() => {})
    this.ready.catch(() => {})
    this.report = awaited((message) => (message.kind === 'report' ? message.report : undefined))
    child.on('message', (message) => {
      const received = message as LockMessage
      if (received.kind === 'failed') failed(new Error(received.error))
    })
    child.on('exit', (code, signal) => failed(new Error(`lock worker ended: ${signal ?? code}`)))
  }

  start(message: LockStart): void {
    this.#child.send(message)
  }

  stop(): void {
    this.#child.kill()
  }
}

interface TokenCheck {
  /** Undefined where the lock has no tokens. */
  readonly rise: boolean | undefined
  readonly firstFault: string | undefined
}

/** Whether the tokens, in the order in which the lock was granted, are distinct and rising. */
function checkTokens(reports: readonly LockReport[]): TokenCheck {
  const grants = reports.flatMap(({ turns, tokens }, worker) =>
    [...turns].map((turn, index) => ({ turn, worker, token: tokens[index] ?? Number.NaN })),
  )
  if (grants.every(({ token }) => Number.isNaN(token))) {
    return { rise: undefined, firstFault: undefined }
  }
  grants.sort((left, right) => left.turn - right.turn)
  const faulty = grants.findIndex(
    ({ token }, index) => !(token > (grants[index - 1]?.token ?? Number.NEGATIVE_INFINITY)),
  )
  if (faulty === -1) return { rise: true, firstFault: undefined }
  const [before, fault] = [grants[faulty - 1], grants[faulty]]
  return {
    rise: false,
    firstFault:
      `turn ${fault?.turn} of ${grants.length}: process ${fault?.worker} had token ${fault?.token} ` +
      `after process ${before?.worker} had ${before?.token}`,
  }
}

async function runGroup(
  contender: LockContender,
  processes: number,
  directory: string,
  sliceMs: number,
): Promise<LockSlice> {
  await makeOracle(directory)
  const group = Array.from(
    { length: processes },
    () => new LockProcess([contender.name, directory, String(sliceMs)]),
  )
  try {
    await Promise.all(group.map((member) => member.ready))
    const at = Date.now() + startDelayMs
    for (const member of group) member.start({ at })
    const reports = await Promise.all(group.map((member) => member.report))
    await Promise.all(group.map((member) => member.ended))
    return summarizeGroup(reports, (await readFile(oracleFile(directory))).readBigUInt64LE())
  } finally {
    for (const member of group) member.stop()
  }
}

function summarizeGroup(reports: readonly LockReport[], counted: bigint): LockSlice {
  const shares = reports.map((report) => report.turns.length)
  const grants = shares.reduce((sum, share) => sum + share, 0)
  const latenciesMs = reports.flatMap((report) => [...report.latenciesMs])
  return {
    grants,
    grantsPerSecond: (grants / maximum(reports.map((report) => report.elapsedMs))) * 1000,
    latenciesMs,
    p99Ms: quantile(latenciesMs, 0.99),
    fairness: Math.min(...shares) / Math.max(...shares),
    loopMaxMs: maximum(reports.map((report) => report.loopMaxMs)),
    violations: grants - Number(counted),
    tokens: checkTokens(reports),
  }
}

function summarize(name: string, processes: number, slices: readonly LockSlice[]): LockRow {
  const rounds = slices.map((slice) => slice.grantsPerSecond)
  const roundsP99 = slices.map((slice) => slice.p99Ms)
  return {
    name,
    processes,
    grants: slices.reduce((sum, slice) => sum + slice.grants, 0),
    grantsPerSecond: median(rounds),
    roundsGrantsPerSecond: rounds,
    medianMs: quantile(
      slices.flatMap((slice) => slice.latenciesMs),
      0.5,
    ),
    p99Ms: median(roundsP99),
    roundsP99Ms: roundsP99,
    fairness: median(slices.map((slice) => slice.fairness)),
    loopMaxMs: maximum(slices.map((slice) => slice.loopMaxMs)),
    violations: slices.reduce((sum, slice) => sum + slice.violations, 0),
    tokensRise: slices.some((slice) => slice.tokens.rise === undefined)
      ? undefined
      : slices.every((slice) => slice.tokens.rise === true),
  }
}

/** Lock and unlock of one name by a number of processes, each slice in a fresh directory. */
export async function runLockSuite(context: RunContext): Promise<LockTable> {
  const { options, random, problems } = context
  const parent = join(context.directory, 'lock')
  await mkdir(parent, { recursive: true })

  const races = options.lock.processes.flatMap((processes) =>
    lockContenders.map((contender) => ({
      name: `${contender.name} lock by ${processes}`,
      own: contender.own === true,
      contender,
      processes,
    })),
  )
  const slices = await interleave(
    races,
    options.lock.rounds,
    random,
    problems,
    async (race, round) => {
      context.progress(`lock, round ${round + 1}: ${race.name}`)
      const directory = await mkdtemp(join(parent, 'slice-'))
      const slice = await runGroup(race.contender, race.processes, directory, options.lock.sliceMs)
      if (race.own && slice.violations !== 0) {
        problems.report(race.name, `${slice.violations} lost increments`, true)
      }
      if (race.own && slice.tokens.rise !== true) {
        const fault = slice.tokens.firstFault ?? 'there are none'
        problems.report(race.name, `tokens do not rise: ${fault}`, true)
      }
      return slice
    },
  )
  const rows = races.flatMap(({ name, contender, processes }) => {
    const measured = slices.get(name)
    return measured === undefined ? [] : [summarize(contender.name, processes, measured)]
  })
  return { suite: 'lock', rows }
}
