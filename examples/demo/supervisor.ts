/**
 * Runs agents, kills them at random moments, restarts them, and in the end compares what they said
 * with what is on disk. Opens no store itself: it knows what it heard, and reads plain files.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { AgentProcess } from './agent-process.js'
import type { AgentMessage } from './messages.js'
import { Progress } from './progress.js'
import { type Acknowledgement, type Beginning, isProven, prove } from './proof.js'
import { Random } from './random.js'
import { type Account, report } from './report.js'
import { stepKinds } from './work.js'

const { values: options } = parseArgs({
  options: {
    sources: { type: 'string', default: 'src' },
    seed: { type: 'string' },
    kills: { type: 'string' },
    fast: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})

const seed = Number(options.seed ?? Date.now() % 1_000_000)
const killsWanted = Number(options.kills ?? (options.fast ? 20 : 30))
if (!Number.isInteger(seed) || !Number.isInteger(killsWanted)) {
  throw new TypeError('--seed and --kills take whole numbers')
}
const workMsMax = options.fast ? 500 : 1_500
const startUpMsMax = 150
const finishMsMax = 60_000

const directory = mkdtempSync(join(tmpdir(), 'holdfast-demo-'))
const stateDirectory = join(directory, 'state')
// A copy, so that editing a source meanwhile does not look like a wrong result.
const sourceDirectory = join(directory, 'sources', basename(options.sources))
mkdirSync(join(directory, 'sources'))
cpSync(options.sources, sourceDirectory, { recursive: true })

const random = new Random(seed)
const progress = new Progress()
const startedAt = performance.now()
const begun: Beginning[] = []
const acknowledged: Acknowledgement[] = []
const running = new Set<AgentProcess>()
let starts = 0
let kills = 0
let killsAtStart = 0
let takeovers = 0
let takeoversByRival = 0
let leasesLost = 0
let lastToken = 0
let tokensRise = true
let lastHolder: AgentProcess | undefined
let gapBegan: number | undefined
let slowestRestartMs = 0
let statusLine = ''

const script = fileURLToPath(new URL('./agent.mjs', import.meta.url))

function showProgress(milestone: boolean): void {
  const text = `${acknowledged.length} steps acknowledged, ${takeovers} takeovers`
  progress.show(kills, killsWanted, text, milestone)
}

function hear(agent: AgentProcess, message: AgentMessage): void {
  switch (message.type) {
    case 'ready':
      if (lastHolder?.killedAt !== undefined) {
        takeovers += 1
        if (agent.startedAt < lastHolder.killedAt) takeoversByRival += 1
      }
      lastHolder = agent
      tokensRise &&= message.token > lastToken
      lastToken = message.token
      break
    case 'begun':
      begun.push(message)
      break
    case 'done':
      acknowledged.push(message)
      if (gapBegan !== undefined) {
        slowestRestartMs = Math.max(slowestRestartMs, performance.now() - gapBegan)
        gapBegan = undefined
      }
      showProgress(false)
      break
    case 'lease-lost':
      leasesLost += 1
      break
    case 'finished':
      statusLine = message.statusLine
      break
  }
}

function startAgent(): AgentProcess {
  starts += 1
  const name = `agent-${starts}`
  const agent = new AgentProcess(script, { name, stateDirectory, sourceDirectory }, hear)
  running.add(agent)
  void agent.ended.then(() => {
    running.delete(agent)
    if (agent.killedAt === undefined && !agent.finished)
      fail(`${name} ended by itself:\n${agent.stderr}`)
  })
  return agent
}

async function kill(agent: AgentProcess): Promise<void> {
  agent.kill()
  kills += 1
  await agent.ended
  gapBegan = performance.now()
  showProgress(true)
}

function fail(reason: string): never {
  progress.end()
  for (const agent of running) agent.kill()
  console.error(`${reason}\nThe state is kept in ${stateDirectory} (seed ${seed}).`)
  process.exit(1)
}

process.once('SIGINT', () => {
  progress.end()
  for (const agent of running) agent.kill()
  if (!options.keep) rmSync(directory, { recursive: true, force: true })
  process.exit(130)
})

/** Which of the agents holds the lock; the others wait for it. */
function holderAmong(agents: readonly AgentProcess[]): Promise<AgentProcess> {
  return Promise.race(agents.map((agent) => agent.ready.then(() => agent)))
}

/** Agents that are left running: a rival that was waiting when the last kill was made. */
async function killUntilEnough(): Promise<AgentProcess[]> {
  let agents: AgentProcess[] = []
  while (kills < killsWanted) {
    if (agents.length === 0) {
      const agent = startAgent()
      if (random.chance(0.15)) {
        await sleep(random.between(0, startUpMsMax))
        killsAtStart += 1
        await kill(agent)
        continue
      }
      agents.push(agent)
    }
    if (agents.length === 1 && random.chance(0.3)) agents.push(startAgent())
    const holder = await holderAmong(agents)
    await sleep(random.between(0, workMsMax))
    await kill(holder)
    agents = agents.filter((agent) => agent !== holder)
  }
  return agents
}

async function finish(agents: readonly AgentProcess[]): Promise<void> {
  const last = agents.length > 0 ? agents : [startAgent()]
  for (const agent of last) agent.finish()
  const bound = sleep(finishMsMax, 'late', { ref: false })
  const end = await Promise.race([Promise.all(last.map((agent) => agent.ended)), bound])
  if (end === 'late') fail(`The work was not finished within ${finishMsMax} ms.`)
}

console.log(
  `Working through ${basename(options.sources)}/ under ${killsWanted} kills (seed ${seed}).`,
)
await finish(await killUntilEnough())
progress.end()

const proof = prove({ stateDirectory, sourceDirectory, begun, acknowledged, kills })
const account: Account = {
  acknowledged: acknowledged.length,
  recordsAcknowledged: begun.length + acknowledged.length,
  passes: proof.stepsFound / Math.max(1, proof.files) / stepKinds.length,
  kills,
  killsAtStart,
  restarts: starts - 1,
  takeovers,
  takeoversByRival,
  leasesLost,
  tokensRise,
  slowestRestartMs,
  durationMs: performance.now() - startedAt,
}
console.log(report(proof, account))
console.log(`${statusLine}\n`)
const proven = isProven(proof) && tokensRise
if (options.keep || !proven) console.log(`The state is in ${stateDirectory}`)
else rmSync(directory, { recursive: true, force: true })
process.exitCode = proven ? 0 : 1
