/**
 * An agent that may be killed at any moment.
 *
 * It takes the lock, finds its tasks or goes on with them, and does one small step after the other.
 * All it knows is in the store: what the store has acknowledged is done, everything else is not.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import { createInterface } from 'node:readline'
import { isStateStoreError, type Lock, openStateStore } from 'holdfast'
import { type AgentArguments, type AgentMessage, finishCommand } from './messages.js'
import {
  addStep,
  doStep,
  noTotals,
  type Step,
  stepIdAfter,
  stepKinds,
  type Task,
  type Totals,
  type WorkEvent,
} from './work.js'

const { name, stateDirectory, sourceDirectory } = JSON.parse(
  process.argv[2] ?? '{}',
) as AgentArguments

const store = await openStateStore(stateDirectory)
const plans = store.collection<string[]>('plans')
const tasks = store.collection<Task>('tasks')
const totals = store.collection<Totals>('totals')
const log = store.log<WorkEvent>('work')
const { counters, health } = store

let finishing = false
let orphaned = false
createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === finishCommand) finishing = true
  })
  .on('close', () => {
    orphaned = true
  })

const say = (message: AgentMessage): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/** The files to work through, as found by whichever agent came first. */
async function findTasks(lease: Lock): Promise<string[]> {
  let files = await plans.get('files')
  if (files === undefined) {
    files = readdirSync(sourceDirectory, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => `${basename(sourceDirectory)}/${path.split(sep).join('/')}`)
      .sort()
    await plans.set('files', files, { lease })
  }
  // The agent that wrote the plan may have been killed before all of these were written.
  for (const file of files) {
    if (!(await tasks.has(file))) await tasks.set(file, { file, steps: [] }, { lease })
  }
  return files
}

/** Keeps that a file is gone on with from this step, and counts the attempt: two commits, made in one go. */
async function begin(step: string, lease: Lock): Promise<void> {
  const [{ id }, attempts] = await Promise.all([
    log.append('begun', { step }, { agent: name, lease }),
    counters.increment('attempts', 1, { lease }),
  ])
  say({ type: 'begun', step, id, attempts })
}

/** Does the step that comes next for this file, and tells the supervisor once it is safe. */
async function advance(file: string, count: number, lease: Lock): Promise<void> {
  const text = readFileSync(join(dirname(sourceDirectory), file), 'utf8')
  const kind = stepKinds[count % stepKinds.length] ?? 'hash'
  const id = stepIdAfter(file, count)
  const step: Step = {
    id,
    agent: name,
    token: lease.token,
    result: doStep(kind, text),
  }
  await store.transaction(
    async (tx) => {
      const task = await tx.get(tasks, file)
      const total = await tx.get(totals, 'all')
      tx.set(tasks, file, { file, steps: [...(task?.steps ?? []), step] })
      tx.set(totals, 'all', addStep(total ?? noTotals, step))
      tx.append(log, 'done', { step: id }, { agent: name })
      tx.increment('steps')
    },
    { lease },
  )
  const saved = await tasks.read(file)
  say({ type: 'done', step: id, revision: saved?.revision ?? '' })
}

async function work(lease: Lock): Promise<void> {
  say({ type: 'ready', token: lease.token })
  const before = await health.latest('agent')
  if (before !== undefined) await health.record('agent', 'warning', 'takes over', { lease })
  const files = await findTasks(lease)
  await health.record('agent', 'ok', { by: name, files: files.length }, { lease })
  const counts = new Map<string, number>()
  for (const file of files) counts.set(file, (await tasks.get(file))?.steps.length ?? 0)
  for (;;) {
    // A pass is over when every file has as many steps; the agent may have been killed within one.
    const fewest = Math.min(...counts.values())
    const passEnd = fewest - (fewest % stepKinds.length) + stepKinds.length
    if (finishing && [...counts.values()].every((count) => count === fewest)) {
      if (fewest > 0 && fewest % stepKinds.length === 0) return
    }
    for (const [file, first] of counts) {
      if (orphaned) return
      if (first < passEnd) await begin(stepIdAfter(file, first), lease)
      for (let count = first; count < passEnd; count++) {
        if (orphaned) return
        await advance(file, count, lease)
        counts.set(file, count + 1)
      }
    }
  }
}

for (let working = true; working; ) {
  try {
    await store.withLock('demo-agent', { ttlMs: 2_000, waitMs: 60_000 }, work)
    working = false
  } catch (error) {
    if (!isStateStoreError(error, 'STATE_LEASE_LOST')) throw error
    say({ type: 'lease-lost' })
  }
}
const statusLine = await health.statusLine({ session: name, color: false })
await store.close()
say({ type: 'finished', statusLine })
process.exitCode = 0
process.stdin.destroy()
