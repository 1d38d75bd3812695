/**
 * Protocols written once, run two ways.
 *
 * The write path must exist in a promised form (the normal one) and in a blocking form (exit
 * handlers, where nothing asynchronous runs any more). Writing it twice would mean two chances to
 * get an order of fsync and rename wrong, so it is written once, as a generator that yields the
 * steps it wants done; {@link runSteps} performs them with promises, {@link runStepsBlocking} at once.
 */
import { isFileSystemError } from '../errors/index.js'
import type { FileOperations, FileSystem } from './file-system.js'

type OperationName = keyof FileOperations

interface CallStep {
  readonly kind: 'call'
  readonly operation: OperationName
  readonly args: readonly unknown[]
}

interface SleepStep {
  readonly kind: 'sleep'
  readonly durationMs: number
}

interface AllStep {
  readonly kind: 'all'
  readonly branches: readonly Steps<unknown>[]
}

interface ForeignStep {
  readonly kind: 'foreign'
  readonly promised: () => Promise<unknown>
  readonly blocking: () => unknown
}

export type Step = CallStep | SleepStep | AllStep | ForeignStep

/** A protocol: yields what it wants done, returns its result. */
export type Steps<T> = Generator<Step, T, unknown>

type Stepwise<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => Steps<R>
    : never
}

function stepwise<K extends OperationName>(operation: K): Stepwise<FileOperations>[K] {
  return function* (...args: readonly unknown[]): Steps<unknown> {
    return yield { kind: 'call', operation, args }
  } as Stepwise<FileOperations>[K]
}

/** The file-system operations as steps: `const file = yield* io.open(path, 'create')`. */
export const io: Stepwise<FileOperations> = {
  open: stepwise('open'),
  read: stepwise('read'),
  write: stepwise('write'),
  truncate: stepwise('truncate'),
  setModifiedTime: stepwise('setModifiedTime'),
  setMode: stepwise('setMode'),
  sync: stepwise('sync'),
  close: stepwise('close'),
  statusOf: stepwise('statusOf'),
  status: stepwise('status'),
  readFile: stepwise('readFile'),
  rename: stepwise('rename'),
  link: stepwise('link'),
  unlink: stepwise('unlink'),
  makeDirectory: stepwise('makeDirectory'),
  removeDirectory: stepwise('removeDirectory'),
  readDirectory: stepwise('readDirectory'),
  readLink: stepwise('readLink'),
  realPath: stepwise('realPath'),
  spaceOf: stepwise('spaceOf'),
}

/** Of every file system. */
export const operationNames = Object.keys(io) as readonly OperationName[]

/** Those whose first argument is an open file, and not a path. */
export const operationsOnDescriptors: ReadonlySet<OperationName> = new Set<OperationName>([
  'read',
  'write',
  'truncate',
  'setModifiedTime',
  'setMode',
  'sync',
  'close',
  'statusOf',
])

/** Waits before going on, for example between two tries of a rename that Windows refused. */
export function* pause(durationMs: number): Steps<void> {
  yield { kind: 'sleep', durationMs }
}

/** Something that is not made of file-system calls, in both of its forms. */
export function* foreign<T>(forms: { promised: () => Promise<T>; blocking: () => T }): Steps<T> {
  return (yield { kind: 'foreign', ...forms }) as T
}

/** How one branch of {@link settleAll} ended. */
export type Settled<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown }

function* settle<T>(branch: Steps<T>): Steps<Settled<T>> {
  try {
    return { ok: true, value: yield* branch }
  } catch (error) {
    return { ok: false, error }
  }
}

/** Runs the branches side by side (one after the other when blocking) and tells how each ended. */
export function* settleAll<T>(branches: readonly Steps<T>[]): Steps<Settled<T>[]> {
  if (branches.length === 1 && branches[0] !== undefined) return [yield* settle(branches[0])]
  return (yield { kind: 'all', branches: branches.map(settle) }) as Settled<T>[]
}

/** Undefined instead of an error when there is nothing at the path. */
export function* unlessMissing<T>(steps: Steps<T>): Steps<T | undefined> {
  try {
    return yield* steps
  } catch (error) {
    if (isFileSystemError(error, 'NotFound')) return undefined
    throw error
  }
}

export interface StepTimer {
  sleep(durationMs: number, options?: { keepAlive?: boolean }): Promise<void>
  sleepSync(durationMs: number): void
}

/** Which calls to make in their blocking form although the caller is asynchronous. */
export type InlinePolicy = (operation: OperationName, args: readonly unknown[]) => boolean

/**
 * Performs the steps with promises. Calls that `inline` names are made in their blocking form: for
 * those that only touch the page cache, a trip through the thread pool costs ten times what they do.
 */
export async function runSteps<T>(
  fileSystem: FileSystem,
  timer: StepTimer,
  steps: Steps<T>,
  inline: InlinePolicy = neverInline,
): Promise<T> {
  let outcome: Settled<unknown> = { ok: true, value: undefined }
  for (;;) {
    const next: IteratorResult<Step, T> = outcome.ok
      ? steps.next(outcome.value)
      : steps.throw(outcome.error)
    if (next.done === true) return next.value
    const step: Step = next.value
    if (step.kind === 'call' && inline(step.operation, step.args)) {
      outcome = attempt(fileSystem, step)
      continue
    }
    try {
      outcome = { ok: true, value: await perform(fileSystem, timer, step, inline) }
    } catch (error) {
      outcome = { ok: false, error }
    }
  }
}

const neverInline: InlinePolicy = () => false

type Callables = Record<OperationName, (...args: readonly unknown[]) => unknown>

function perform(
  fileSystem: FileSystem,
  timer: StepTimer,
  step: Step,
  inline: InlinePolicy,
): Promise<unknown> {
  switch (step.kind) {
    case 'call':
      return (fileSystem as unknown as Callables)[step.operation](...step.args) as Promise<unknown>
    case 'sleep':
      return timer.sleep(step.durationMs, { keepAlive: true })
    case 'foreign':
      return step.promised()
    case 'all':
      return Promise.all(step.branches.map((branch) => runSteps(fileSystem, timer, branch, inline)))
  }
}

function attempt(fileSystem: FileSystem, step: CallStep): Settled<unknown> {
  const calls = fileSystem.blocking as unknown as Callables
  return settleNow(() => calls[step.operation](...step.args))
}

function settleNow(call: () => unknown): Settled<unknown> {
  try {
    return { ok: true, value: call() }
  } catch (error) {
    return { ok: false, error }
  }
}

/** Performs the steps at once, blocking the thread. */
export function runStepsBlocking<T>(fileSystem: FileSystem, timer: StepTimer, steps: Steps<T>): T {
  let outcome: Settled<unknown> = { ok: true, value: undefined }
  for (;;) {
    const next: IteratorResult<Step, T> = outcome.ok
      ? steps.next(outcome.value)
      : steps.throw(outcome.error)
    if (next.done === true) return next.value
    const step: Step = next.value
    switch (step.kind) {
      case 'call':
        outcome = attempt(fileSystem, step)
        break
      case 'sleep':
        outcome = settleNow(() => timer.sleepSync(step.durationMs))
        break
      case 'foreign':
        outcome = settleNow(step.blocking)
        break
      case 'all':
        outcome = {
          ok: true,
          value: step.branches.map((branch) => runStepsBlocking(fileSystem, timer, branch)),
        }
    }
  }
}
