/**
 * Processes at work on one store, and a supervisor who kills them, stops them for longer than they may be
 * silent, and starts them again. He hears by pipes what they do, keeps watch outside the store over tokens of
 * leases, and hands it all over to be judged.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { openStateStore, type VerifyFinding } from '../../../src/index.js'
import { type WorkerMessage, WorkerProcess } from '../../support/workers.js'
import type { Mark } from '../log-ledger.js'
import { untilStopped } from '../stopped-process.js'
import { strayFilesIn } from '../totals.js'
import type { Evidence } from './judge.js'
import { type MixedPlan, planLife } from './life-plan.js'
import type { Followed, StandingEvent } from './log-judge.js'
import { MixedWork } from './mixed-work.js'
import {
  counters,
  documentKeys,
  groups,
  leaseNames,
  logs,
  type MixedOperation,
  moveLog,
  sides,
} from './operations.js'
import { linesOf, type MixedRecord, Recorder, sinceOrigin } from './record-pipe.js'

export interface MixedFigures {
  kills: number
  stops: number
  jumps: number
  takeovers: number
  revocations: number
  leasesLost: number
  staleUses: number
}

export interface MixedOutcome {
  readonly evidence: Evidence
  readonly figures: Readonly<MixedFigures>
  /** What no process should have met or left. */
  readonly findings: readonly string[]
}

/** Who reads everything in the end. */
const theEnd = 'the end'

export class MixedCampaign implements AsyncDisposable {
  readonly #plan: MixedPlan
  readonly #origin = String(process.hrtime.bigint())
  readonly #history: MixedOperation[] = []
  readonly #followed = new Map<string, Followed & { records: { id: string; name: string }[] }>()
  readonly #findings: string[] = []
  readonly #workers = new Set<WorkerProcess>()
  /** The witness: the highest token of each lease that was shown to him. */
  readonly #tokens = new Map<string, number>()
  readonly #figures: MixedFigures = {
    kills: 0,
    stops: 0,
    jumps: 0,
    takeovers: 0,
    revocations: 0,
    leasesLost: 0,
    staleUses: 0,
  }

  constructor(plan: MixedPlan) {
    this.#plan = plan
  }

  async run(): Promise<MixedOutcome> {
    const { processes } = this.#plan
    const all = Array.from({ length: processes }, (_, number) => this.#keepGoing(number))
    await Promise.all(all)
    return await this.#lookBack()
  }

  async #keepGoing(number: number): Promise<void> {
    const { lives } = this.#plan
    for (let life = 1; life <= lives; life++) await this.#live(number, life)
  }

  async #live(number: number, life: number): Promise<void> {
    const heard = { origin: this.#origin, cursors: this.#cursorsOf(number) }
    const { args, isKilled, killAt, stopAt, stopMs } = planLife(this.#plan, number, life, heard)
    const open = new Map<number, MixedOperation>()
    const stops: Promise<void>[] = []
    let isStanding = false
    let returned = 0
    const stand = async (): Promise<void> => {
      isStanding = true
      await this.#outlast(worker, stopMs)
      isStanding = false
    }
    const hear = (record: MixedRecord): void => {
      this.#hear(record, open, number, args.writer)
      if (record.type === 'stopping' && !isStanding) stops.push(stand())
      if (record.type !== 'returned') return
      returned += 1
      if (returned === killAt) worker.kill()
      if (returned !== stopAt || isStanding) return
      worker.stop()
      stops.push(stand())
    }
    const pieces = { rest: '' }
    const onRecords = (text: string): void => {
      for (const line of linesOf(pieces, text)) hear(JSON.parse(line))
    }
    const worker = WorkerProcess.start('torture/mixed/mixed.worker.ts', { ...args }, { onRecords })
    this.#workers.add(worker)
    const witnessing = this.#witness(worker)
    const { code, signal, stderr } = await worker.exited
    this.#workers.delete(worker)
    await Promise.all([...stops, witnessing])
    this.#history.push(...open.values())
    const hasEnded = isKilled ? signal === 'SIGKILL' : code === 0 && stderr === ''
    if (!hasEnded) this.#findings.push(`${args.writer} ended by ${signal ?? code}: ${stderr}`)
    if (signal === 'SIGKILL') this.#figures.kills += 1
  }

  /** Leaves a process that stands still alone for longer than it may be silent, and lets it go on. */
  async #outlast(worker: WorkerProcess, stopMs: number): Promise<void> {
    const gone = () => false
    const isStopped = untilStopped(worker.pid).then(() => true, gone)
    if (!(await Promise.race([isStopped, worker.exited.then(gone)]))) return
    this.#figures.stops += 1
    // The length of the stop is the fault itself.
    await wait(stopMs)
    worker.continue()
  }

  #hear(
    record: MixedRecord,
    open: Map<number, MixedOperation>,
    number: number,
    client: string,
  ): void {
    switch (record.type) {
      case 'called':
        open.set(record.id, { client, calledAt: record.at, input: record.input })
        break
      case 'returned': {
        const operation = open.get(record.id)
        if (operation === undefined)
          throw new Error(`${client} returned from ${record.id} uncalled`)
        open.delete(record.id)
        const { at, output } = record
        this.#history.push({ ...operation, returned: { at, output } })
        break
      }
      case 'failed': {
        const { input } = open.get(record.id) ?? {}
        this.#findings.push(`${client}: ${JSON.stringify(input)} failed: ${record.error}`)
        break
      }
      case 'followed':
        this.#followedBy(number, record.log).records.push(record)
        break
      case 'jumped':
        this.#figures.jumps += 1
        break
      case 'told':
        this.#note(client, record.event)
        break
      case 'stopping':
    }
  }

  #note(client: string, event: string): void {
    if (event === 'writer:taken-over') this.#figures.takeovers += 1
    else if (event === 'writer:revoked') this.#figures.revocations += 1
    else if (event === 'lease:lost') this.#figures.leasesLost += 1
    else if (event !== 'lease:taken-over') this.#findings.push(`${client} was told ${event}`)
  }

  #followedBy(number: number, log: string) {
    const key = `p${number} ${log}`
    const followed = this.#followed.get(key) ?? { process: `p${number}`, log, records: [] }
    this.#followed.set(key, followed)
    return followed
  }

  #cursorsOf(number: number): Record<string, string> {
    return Object.fromEntries(
      logs.map((log) => [log, this.#followedBy(number, log).records.at(-1)?.id ?? '0.0']),
    )
  }

  /** Answers whoever shows a token; one that is older than another that was shown is refused. */
  async #witness(worker: WorkerProcess): Promise<void> {
    for (;;) {
      let shown: WorkerMessage
      try {
        shown = await worker.next('use')
      } catch {
        return
      }
      const [name, token] = [String(shown.name), Number(shown.token)]
      const highest = this.#tokens.get(name) ?? 0
      if (token < highest) this.#figures.staleUses += 1
      this.#tokens.set(name, Math.max(token, highest))
      worker.send({ type: 'used', isStale: token < highest })
    }
  }

  /** Reads everything once more, as whoever opens the store next. */
  async #lookBack(): Promise<MixedOutcome> {
    const { directory } = this.#plan
    const store = await openStateStore(directory)
    const note = (event: string) => (detail: unknown) => {
      this.#findings.push(`in the end: ${event} ${JSON.stringify(detail)}`)
    }
    for (const event of ['log:damaged', 'state:corrupt', 'state:external-change'] as const) {
      store.on(event, note(event))
    }
    const lastReadingsAt = sinceOrigin(this.#origin)
    const open = new Map<number, MixedOperation>()
    const recorder = new Recorder(this.#origin, (record) => this.#hear(record, open, 0, theEnd))
    const work = new MixedWork({ store, recorder, writer: theEnd, mutant: undefined })
    for (const key of documentKeys) await work.document({ on: 'document', key, do: 'read' }, false)
    for (const group of groups) {
      for (const side of sides) await work.side(group, side)
      await work.group({ on: 'group', group, do: 'look' })
    }
    for (const name of [...counters, ...groups.map((group) => `moves-${group}`)]) {
      await work.counter(name, 'read', false)
    }
    for (const name of leaseNames) await work.leased(name)
    const standing = new Map<string, StandingEvent[]>()
    for (const log of [...logs, moveLog]) {
      const events = await store.log<Mark>(log).query().toArray()
      standing.set(
        log,
        events.map(({ id, data }) => ({ id, data })),
      )
    }
    const hits = await store.counters.get('hits')
    const { findings } = await store.verify()
    await store.close()
    this.#findings.push(...findings.map((each: VerifyFinding) => `verify: ${JSON.stringify(each)}`))
    const strays = await strayFilesIn(directory)
    this.#findings.push(...strays.map((file) => `left behind: ${file}`))
    const moved = standing.get(moveLog) ?? []
    standing.delete(moveLog)
    return {
      evidence: {
        ...{ history: this.#history, lastReadingsAt, standing, moved, hits },
        followed: [...this.#followed.values()],
      },
      figures: this.#figures,
      findings: this.#findings,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) worker.kill()
    await Promise.all([...this.#workers].map(({ exited }) => exited))
  }
}
