import { beforeEach, describe, expect, it } from 'vitest'
import { FileSystemError, isFileSystemError } from '../../src/errors/index.js'
import {
  type FileSystem,
  type InlinePolicy,
  io,
  MemoryFileSystem,
  pause,
  runSteps,
  runStepsBlocking,
  type Steps,
  type StepTimer,
  settleAll,
  unlessMissing,
} from '../../src/file-system/index.js'

interface Call {
  readonly form: 'promised' | 'blocking'
  readonly operation: string
  readonly args: readonly unknown[]
}

/** Passes every call on and notes it, in the order of the calls. */
function logging<T extends object>(
  target: T,
  form: Call['form'],
  calls: Call[],
  replaced: Partial<Record<PropertyKey, unknown>> = {},
): T {
  return new Proxy(target, {
    get: (inner, key) => {
      if (key in replaced) return replaced[key]
      const value: unknown = Reflect.get(inner, key)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        calls.push({ form, operation: String(key), args })
        return Reflect.apply(value, inner, args)
      }
    },
  })
}

interface Bench {
  readonly fileSystem: FileSystem
  readonly memory: MemoryFileSystem
  readonly timer: StepTimer
  readonly calls: Call[]
}

function makeBench(): Bench {
  const calls: Call[] = []
  const memory = new MemoryFileSystem({ clock: { now: () => 0 } })
  const blocking = logging(memory.blocking, 'blocking', calls)
  const timer: StepTimer = {
    sleep: async (...args) => {
      calls.push({ form: 'promised', operation: 'sleep', args })
    },
    sleepSync: (...args) => {
      calls.push({ form: 'blocking', operation: 'sleep', args })
    },
  }
  return { memory, fileSystem: logging(memory, 'promised', calls, { blocking }), timer, calls }
}

const operationsOf = (calls: readonly Call[]): string[] => calls.map((call) => call.operation)

function* writeFile(path: string, content: string): Steps<number> {
  const bytes = new TextEncoder().encode(content)
  const file = yield* io.open(path, 'create')
  try {
    const written = yield* io.write(file, bytes, 0, bytes.length, 0)
    yield* io.sync(file)
    return written
  } finally {
    yield* io.close(file)
  }
}

function* readText(path: string): Steps<string> {
  return new TextDecoder().decode(yield* io.readFile(path))
}

/** A protocol with a result, a caught failure, a wait and branches, some of which fail. */
function* everything(): Steps<unknown> {
  const written = yield* writeFile('/file', 'content')
  let caught: string | undefined
  try {
    yield* io.unlink('/missing')
  } catch (error) {
    caught = isFileSystemError(error) ? error.reason : 'another error'
  }
  yield* pause(7)
  const branches = yield* settleAll<unknown>([
    writeFile('/left', 'l'),
    io.readFile('/missing'),
    writeFile('/right', 'r'),
  ])
  const missing = yield* unlessMissing(io.readFile('/missing'))
  const text = yield* readText('/file')
  return { written, caught, branches: branches.map((branch) => branch.ok), missing, text }
}

let bench: Bench

beforeEach(() => {
  bench = makeBench()
})

describe('one protocol, both runners', () => {
  it('makes the same calls with the same result', async () => {
    const promised = bench
    const blocking = makeBench()
    const expected = {
      written: 7,
      caught: 'NotFound',
      branches: [true, false, true],
      missing: undefined,
      text: 'content',
    }
    expect(await runSteps(promised.fileSystem, promised.timer, everything())).toEqual(expected)
    expect(runStepsBlocking(blocking.fileSystem, blocking.timer, everything())).toEqual(expected)
    expect(operationsOf(promised.calls).sort()).toEqual(operationsOf(blocking.calls).sort())
    expect(promised.calls.every((call) => call.form === 'promised')).toBe(true)
    expect(blocking.calls.every((call) => call.form === 'blocking')).toBe(true)
    expect(promised.memory.usedBytes).toBe(blocking.memory.usedBytes)
  })

  it('makes the calls of one branch in the same order, with the same arguments', async () => {
    const promised = bench
    const blocking = makeBench()
    await runSteps(promised.fileSystem, promised.timer, writeFile('/file', 'content'))
    runStepsBlocking(blocking.fileSystem, blocking.timer, writeFile('/file', 'content'))
    const plain = (calls: readonly Call[]): unknown[] =>
      calls.map(({ operation, args }) => ({ operation, args }))
    expect(plain(promised.calls)).toEqual(plain(blocking.calls))
    expect(operationsOf(promised.calls)).toEqual(['open', 'write', 'sync', 'close'])
  })

  it('offers every operation of the port', () => {
    expect(Object.keys(io).sort()).toEqual(Object.keys(bench.memory.blocking).sort())
  })
})

const runners = {
  promised: async <T>(steps: Steps<T>): Promise<T> =>
    runSteps(bench.fileSystem, bench.timer, steps),
  blocking: async <T>(steps: Steps<T>): Promise<T> =>
    runStepsBlocking(bench.fileSystem, bench.timer, steps),
  inline: async <T>(steps: Steps<T>): Promise<T> => {
    const all = (() => true) as InlinePolicy
    return runSteps(bench.fileSystem, bench.timer, steps, all)
  },
}

describe.each(Object.entries(runners))('%s', (name, run) => {
  it('throws an error of a call at the call, where it can be caught', async () => {
    function* guarded(): Steps<unknown> {
      try {
        return yield* io.open('/missing', 'read')
      } catch (error) {
        return error
      }
    }
    const error = await run(guarded())
    expect(error).toBeInstanceOf(FileSystemError)
    expect(error).toMatchObject({ reason: 'NotFound', operation: 'open', path: '/missing' })
  })

  it('goes on after a caught error', async () => {
    function* createOrRead(): Steps<string> {
      try {
        yield* writeFile('/file', 'second')
      } catch (error) {
        if (!isFileSystemError(error, 'AlreadyExists')) throw error
      }
      return yield* readText('/file')
    }
    await run(writeFile('/file', 'first'))
    expect(await run(createOrRead())).toBe('first')
  })

  it('lets an uncaught error out, the steps of finally done', async () => {
    bench.memory.setCapacity(512)
    const failed = run(writeFile('/file', 'too much'))
    await expect(failed).rejects.toMatchObject({ reason: 'DiskFull', operation: 'write' })
    expect(operationsOf(bench.calls)).toEqual(['open', 'write', 'close'])
  })

  it('lets out what the protocol itself throws', async () => {
    // biome-ignore lint/correctness/useYield: a protocol that fails before its first step
    function* broken(): Steps<never> {
      throw new RangeError('from the protocol')
    }
    await expect(run(broken())).rejects.toThrow(RangeError)
    await expect(run(broken())).rejects.toThrow('from the protocol')
  })

  it('settles every branch, in order, whatever the others do', async () => {
    await run(writeFile('/taken', ''))
    bench.calls.length = 0
    const results = await run(
      settleAll([
        writeFile('/taken', 'never'),
        writeFile('/a', 'four'),
        writeFile('/missing/b', 'never'),
        writeFile('/c', 'x'),
      ]),
    )
    expect(results).toMatchObject([
      { ok: false, error: { reason: 'AlreadyExists', path: '/taken' } },
      { ok: true, value: 4 },
      { ok: false, error: { reason: 'NotFound', path: '/missing/b' } },
      { ok: true, value: 1 },
    ])
    expect(operationsOf(bench.calls).filter((operation) => operation === 'close')).toHaveLength(2)
  })

  it('settles none, one, and branches of branches', async () => {
    expect(await run(settleAll([]))).toEqual([])
    expect(await run(settleAll([writeFile('/one', 'x')]))).toEqual([{ ok: true, value: 1 }])
    expect(await run(settleAll([io.readFile('/missing')]))).toMatchObject([
      { ok: false, error: { reason: 'NotFound' } },
    ])
    const nested = settleAll([
      settleAll<unknown>([writeFile('/left', 'ab'), io.unlink('/missing')]),
      settleAll([writeFile('/right', 'abc'), writeFile('/other', '')]),
    ])
    expect(await run(nested)).toMatchObject([
      { ok: true, value: [{ ok: true, value: 2 }, { ok: false }] },
      {
        ok: true,
        value: [
          { ok: true, value: 3 },
          { ok: true, value: 0 },
        ],
      },
    ])
  })

  it('forgives only a missing file', async () => {
    bench.memory.symlink('anything', '/link')
    expect(await run(unlessMissing(io.readFile('/missing')))).toBeUndefined()
    await run(writeFile('/file', 'x'))
    expect(await run(unlessMissing(io.readFile('/file')))).toHaveLength(1)
    const failed = run(unlessMissing(io.readFile('/link')))
    await expect(failed).rejects.toMatchObject({ reason: 'TooManySymlinks' })
  })

  it('waits with the timer it was given', async () => {
    await run(pause(250))
    const form = name === 'blocking' ? 'blocking' : 'promised'
    const args = name === 'blocking' ? [250] : [250, { keepAlive: true }]
    expect(bench.calls).toEqual([{ form, operation: 'sleep', args }])
  })
})

describe('branches', () => {
  const openings = (): unknown[] =>
    bench.calls
      .filter(({ operation }) => operation === 'open' || operation === 'close')
      .map(({ operation }) => operation)
  const two = (): Steps<unknown> => settleAll([writeFile('/a', 'a'), writeFile('/b', 'b')])

  it('run side by side when promised', async () => {
    await runSteps(bench.fileSystem, bench.timer, two())
    expect(openings()).toEqual(['open', 'open', 'close', 'close'])
  })

  it('run one after the other when blocking', () => {
    runStepsBlocking(bench.fileSystem, bench.timer, two())
    expect(openings()).toEqual(['open', 'close', 'open', 'close'])
  })
})

describe('inline operations', () => {
  it('are made in their blocking form, the others promised, in branches too', async () => {
    const inline: InlinePolicy = (operation) => operation === 'open' || operation === 'close'
    const steps = settleAll([writeFile('/a', 'a'), writeFile('/b', 'b')])
    await runSteps(bench.fileSystem, bench.timer, steps, inline)
    await runSteps(bench.fileSystem, bench.timer, writeFile('/c', 'c'), inline)
    expect(bench.calls).toHaveLength(12)
    for (const { form, operation } of bench.calls) {
      const expected = operation === 'open' || operation === 'close' ? 'blocking' : 'promised'
      expect(`${form} ${operation}`).toBe(`${expected} ${operation}`)
    }
  })
})
