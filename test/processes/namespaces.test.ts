import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type ProcessTable, processTable } from '../../src/file-lock/index.js'
import { MemoryFileSystem, NodeFileSystem } from '../../src/file-system/index.js'
import { openStateStore, type StateStore } from '../../src/store/index.js'
import { alteredFileSystem, refusing } from '../atomic-write/altered-file-system.js'
import { WorkerProcess, workerPath } from '../support/workers.js'
import { HastyClock } from './hasty-clock.js'

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const unshare = ['-p', '-f', '--mount-proc', '--kill-child=SIGKILL']

function canUnshare(): boolean {
  try {
    execFileSync('unshare', [...unshare, 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const isUnsharing = canUnshare()
console.log(`pid namespaces: ${isUnsharing ? 'real ones' : 'an injected process table'}`)

/** The processes of this machine, as somebody sees them from another namespace. */
function elsewhere(): ProcessTable {
  const real = new NodeFileSystem()
  const fileSystem = alteredFileSystem(real, ({ args }) => args)
  const blocking = { ...fileSystem.blocking, readLink: () => 'pid:[1]' }
  return processTable({ ...fileSystem, blocking })
}

const name = 'processes/holder.worker.ts'
const ttlMs = 2_000

/** A holder in a pid namespace of its own, and what it has said. */
class Stranger {
  readonly #child: ChildProcess
  readonly #said: { type: string }[] = []
  #wake = (): void => {}

  constructor(directory: string) {
    const args = [JSON.stringify({ directory, ttlMs })]
    this.#child = isUnsharing
      ? fork(workerPath(name), args, {
          execPath: 'unshare',
          execArgv: [...unshare, process.execPath, '--enable-source-maps'],
        })
      : fork(workerPath(name), args)
    this.#child.on('message', (message: { type: string }) => {
      this.#said.push(message)
      this.#wake()
    })
    this.#child.on('exit', () => this.#wake())
  }

  async next(type: string): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      const at = this.#said.findIndex((message) => message.type === type)
      const [message] = at < 0 ? [] : this.#said.splice(at, 1)
      if (message !== undefined) return message as unknown as Record<string, unknown>
      if (this.#child.exitCode !== null) throw new Error(`It ended before '${type}'`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  hasSaid(type: string): boolean {
    return this.#said.some((message) => message.type === type)
  }

  async ask(type: string, answer: string): Promise<Readonly<Record<string, unknown>>> {
    this.#child.send({ type })
    return this.next(answer)
  }

  tell(type: string): void {
    this.#child.send({ type })
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

interface Observer {
  readonly store: StateStore
  readonly clock: HastyClock
  readonly takenOver: unknown[]
}

async function observe(directory: string, processes?: ProcessTable): Promise<Observer> {
  const clock = new HastyClock()
  const waits = { writeTtlMs: ttlMs, writeWaitMs: 20 * ttlMs }
  const store = await openStateStore(directory, { clock, processes, ...waits })
  cleanups.push(() => store.close())
  const takenOver: unknown[] = []
  store.on('writer:taken-over', (detail) => takenOver.push(detail))
  store.on('lease:taken-over', (detail) => takenOver.push(detail))
  return { store, clock, takenOver }
}

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-namespaces-'))
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

describe('a holder in another pid namespace', () => {
  async function scene(): Promise<Observer & { stranger: Stranger }> {
    const directory = newDirectory()
    const stranger = new Stranger(directory)
    cleanups.push(() => stranger.end())
    const { pid } = await stranger.next('ready')
    const observer = await observe(directory, isUnsharing ? undefined : elsewhere())
    if (isUnsharing) expect(pid).toBeLessThan(10)
    return { ...observer, stranger }
  }

  /** Has the stranger beat every half TTL of the observer's time, that often. */
  function beatFor({ clock, stranger }: Observer & { stranger: Stranger }, times: number): void {
    let beats = 0
    let lastMs = clock.monotonicMs()
    clock.onSleep = async (elapsedMs) => {
      if (beats >= times || elapsedMs - lastMs < ttlMs / 2) return
      lastMs = elapsedMs
      beats += 1
      await stranger.ask('beat', 'has beaten')
    }
  }

  it('keeps its lock while it beats, and loses it by silence alone', async () => {
    const observed = await scene()
    const { store, clock, stranger, takenOver } = observed
    const { token } = await stranger.ask('lock', 'locked')
    beatFor(observed, Number.POSITIVE_INFINITY)
    const refused = store.lock('name', { waitMs: 5 * ttlMs })
    await expect(refused).rejects.toMatchObject({ code: 'STATE_LEASE_TIMEOUT' })
    expect(takenOver).toEqual([])
    await stranger.ask('beat', 'has beaten')
    expect(stranger.hasSaid('lost')).toBe(false)

    beatFor(observed, 3)
    const startedMs = clock.monotonicMs()
    const lock = await store.lock('name', { waitMs: 20 * ttlMs })
    // Three beats, half a TTL apart, and then a whole TTL without any.
    expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(2.5 * ttlMs)
    expect(lock.token).toBeGreaterThan(Number(token))
    expect(takenOver).toMatchObject([{ reason: expect.stringContaining('silent') }])
    await stranger.ask('beat', 'has beaten')
    await stranger.next('lost')
    await lock.release()
  })

  it('keeps its turn while it beats, and its write is made after all', async () => {
    const observed = await scene()
    const { store, stranger, takenOver } = observed
    stranger.tell('turn')
    await stranger.next('in turn')
    beatFor(observed, 12)
    let isWritten = false
    let beatsBefore = 0
    const { clock } = observed
    const beat = clock.onSleep
    clock.onSleep = async (elapsedMs) => {
      if (!isWritten) beatsBefore = elapsedMs
      await beat(elapsedMs)
    }
    const { revision } = await store.collection<string>('docs').set('other', 'by the observer')
    isWritten = true
    expect(beatsBefore).toBeGreaterThanOrEqual(7 * ttlMs)
    expect(takenOver).toMatchObject([{ reason: expect.stringContaining('silent') }])

    stranger.tell('go on')
    await stranger.next('revoked')
    const written = await stranger.next('written')
    expect(Number(String(written.revision).split('.')[0])).toBeGreaterThan(
      Number(revision.split('.')[0]),
    )
    const documents = store.collection<string>('docs')
    expect(await documents.get('other')).toBe('by the observer')
    expect(await documents.get('held')).toBe('written in the held turn')
  })

  it('is not swept by who opens the store', async () => {
    const { store, stranger } = await scene()
    await stranger.ask('lock', 'locked')
    expect(store.recovery.sweptWriters).toBe(0)
    await stranger.ask('commit', 'committed')
    expect(stranger.hasSaid('revoked')).toBe(false)
  })
})

describe('a holder in the same pid namespace', () => {
  it.each(['lock', 'turn'] as const)('is superseded at once when it is dead (%s)', async (kind) => {
    const directory = newDirectory()
    const worker = WorkerProcess.start(name, { directory, ttlMs: 3_600_000 })
    cleanups.push(() => worker[Symbol.asyncDispose]())
    await worker.next('ready')
    const { store, clock, takenOver } = await observe(directory)
    worker.send({ type: kind })
    await worker.next(kind === 'lock' ? 'locked' : 'in turn')
    const { pid } = worker
    worker.kill()
    await worker.exited
    const startedMs = clock.monotonicMs()
    if (kind === 'lock') await (await store.lock('name')).release()
    else await store.collection('docs').set('other', 'value')
    expect(clock.monotonicMs() - startedMs).toBeLessThan(ttlMs)
    const reason = `process ${pid} no longer exists`
    expect(takenOver).toContainEqual(expect.objectContaining({ reason }))
  })

  it.each(['lock', 'turn'] as const)('is not superseded while it lives (%s)', async (kind) => {
    const directory = newDirectory()
    const worker = WorkerProcess.start(name, { directory, ttlMs: 3_600_000 })
    cleanups.push(() => worker[Symbol.asyncDispose]())
    await worker.next('ready')
    const { store, takenOver } = await observe(directory)
    worker.send({ type: kind })
    await worker.next(kind === 'lock' ? 'locked' : 'in turn')
    const wanted =
      kind === 'lock'
        ? store.lock('name', { waitMs: 5 * ttlMs })
        : store.collection('docs').set('other', 'value')
    await expect(wanted).rejects.toMatchObject({ code: 'STATE_LEASE_TIMEOUT' })
    expect(takenOver).toEqual([])
  })
})

describe('the process table', () => {
  // Beyond any pid that Linux gives, so that nothing real is asked about.
  const other = 8_000_001
  const bootId = '6d6f2bd6-0000-4000-8000-000000000001'

  function write(fileSystem: MemoryFileSystem, path: string, content: string): void {
    const fs = fileSystem.blocking
    const parts = path.split('/').slice(1, -1)
    for (let depth = 1; depth <= parts.length; depth++) {
      const folder = `/${parts.slice(0, depth).join('/')}`
      if (fs.status(folder) === undefined) fs.makeDirectory(folder, 0o755)
    }
    if (fs.status(path) !== undefined) fs.unlink(path)
    const file = fs.open(path, 'create')
    fs.write(file, Buffer.from(content), 0, content.length, 0)
    fs.close(file)
  }

  const statLine = (pid: number, startTime: number, program = 'node'): string => {
    const before = 'S 1 1 1 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 11 0'
    return `${pid} (${program}) ${before} ${startTime} 1000 200\n`
  }

  function machine(): MemoryFileSystem {
    const fileSystem = new MemoryFileSystem()
    write(fileSystem, '/proc/sys/kernel/random/boot_id', `${bootId}\n`)
    write(fileSystem, `/proc/${process.pid}/stat`, statLine(process.pid, 100))
    write(fileSystem, `/proc/${other}/stat`, statLine(other, 200))
    fileSystem.blocking.makeDirectory('/proc/self', 0o755)
    fileSystem.blocking.makeDirectory('/proc/self/ns', 0o755)
    fileSystem.symlink('pid:[4026531836]', '/proc/self/ns/pid')
    return fileSystem
  }

  const identity = {
    pid: other,
    host: hostname(),
    bootId,
    pidNamespace: 'pid:[4026531836]',
    startTime: '200',
  }

  it('tells who we are', () => {
    const { self } = processTable(machine())
    expect(self).toEqual({ ...identity, pid: process.pid, startTime: '100' })
  })

  it('takes a process for alive that has the same start time', () => {
    expect(processTable(machine()).liveness(identity)).toBe('alive')
  })

  it.each(['a b', ') S 1 2 3', '(((', 'x) 7 (y'])('reads a program named %s', (program) => {
    const fileSystem = machine()
    write(fileSystem, `/proc/${other}/stat`, statLine(other, 200, program))
    expect(processTable(fileSystem).liveness(identity)).toBe('alive')
  })

  it('takes a missing pid for dead', () => {
    const fileSystem = machine()
    const table = processTable(fileSystem)
    fileSystem.blocking.unlink(`/proc/${other}/stat`)
    fileSystem.blocking.removeDirectory(`/proc/${other}`)
    expect(table.liveness(identity)).toBe('dead')
  })

  it('takes a pid that was given to another process for dead', () => {
    const fileSystem = machine()
    write(fileSystem, `/proc/${other}/stat`, statLine(other, 201))
    expect(processTable(fileSystem).liveness(identity)).toBe('dead')
  })

  const differences: readonly [string, Parameters<ProcessTable['liveness']>[0]][] = [
    ['another boot', { bootId: 'another' }],
    ['no boot', { bootId: undefined }],
    ['another pid namespace', { pidNamespace: 'pid:[1]' }],
    ['no pid namespace', { pidNamespace: undefined }],
    ['no start time', { startTime: undefined }],
  ]
  it.each(differences)('does not know about a process of %s', (_what, difference) => {
    expect(processTable(machine()).liveness({ ...identity, ...difference })).toBe('unknown')
    const gone = { ...identity, pid: other + 1, ...difference }
    expect(processTable(machine()).liveness(gone)).toBe('unknown')
  })

  it('knows nothing where there is no /proc', () => {
    const table = processTable(new MemoryFileSystem())
    expect(table.self).toMatchObject({ pid: process.pid, bootId: undefined })
    expect(table.liveness(identity)).toBe('unknown')
  })

  it('knows nothing once /proc is gone', () => {
    const fileSystem = machine()
    const table = processTable(fileSystem)
    fileSystem.blocking.rename('/proc', '/gone')
    expect(table.liveness({ ...identity, pid: process.ppid })).toBe('unknown')
  })

  it.each(['EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'EIO'])(
    'does not take a process for dead that %s keeps it from reading about',
    (errno) => {
      const isAbout = ({ args }: { readonly args: readonly unknown[] }): boolean =>
        args[0] === `/proc/${process.ppid}/stat`
      const table = processTable(alteredFileSystem(machine(), refusing(errno, isAbout)))
      expect(table.liveness({ ...identity, pid: process.ppid })).toBe('unknown')
    },
  )

  it('does not take a process for dead that /proc hides and that a signal would reach', () => {
    const fileSystem = machine()
    const table = processTable(fileSystem)
    fileSystem.blocking.unlink(`/proc/${other}/stat`)
    const hidden = { ...identity, pid: process.ppid }
    expect(table.liveness(hidden)).toBe('unknown')
  })
})
