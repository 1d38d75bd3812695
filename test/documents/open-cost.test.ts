/** What opening and listing cost does not depend on what the documents hold. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { beforeEach, expect, it } from 'vitest'
import {
  type FileDescriptor,
  type FileOperations,
  NodeFileSystem,
  type OpenPurpose,
} from '../../src/file-system/index.js'
import { gather, useSandbox } from './sandbox.js'

const sandbox = useSandbox()
const documents = 10_000

/** Notes every path that is touched: its content opened or read, or its status asked for. */
class CountingFileSystem extends NodeFileSystem {
  readonly contents: string[] = []
  readonly statuses: string[] = []
  override readonly blocking: FileOperations

  constructor() {
    super()
    const inner = new NodeFileSystem().blocking
    this.blocking = {
      ...inner,
      open: (path, purpose, mode) => {
        this.contents.push(path)
        return inner.open(path, purpose, mode)
      },
      readFile: (path) => {
        this.contents.push(path)
        return inner.readFile(path)
      },
      status: (path) => {
        this.statuses.push(path)
        return inner.status(path)
      },
    }
  }

  override open(path: string, purpose: OpenPurpose, mode?: number): Promise<FileDescriptor> {
    this.contents.push(path)
    return super.open(path, purpose, mode)
  }

  override readFile(path: string): Promise<Uint8Array> {
    this.contents.push(path)
    return super.readFile(path)
  }

  override status(path: string): ReturnType<NodeFileSystem['status']> {
    this.statuses.push(path)
    return super.status(path)
  }

  documents(paths: readonly string[]): string[] {
    return paths.filter((path) => path.startsWith(sandbox().path('tasks/')))
  }
}

beforeEach(() => {
  mkdirSync(sandbox().path('tasks'), { recursive: true })
  for (let index = 0; index < documents; index++) {
    writeFileSync(sandbox().path(`tasks/task_${index}.json`), `{"n":${index}}`)
  }
})

it('neither opening nor listing reads a document', async () => {
  const fileSystem = new CountingFileSystem()
  const store = await sandbox().open({ fileSystem })
  expect(fileSystem.documents(fileSystem.contents)).toEqual([])
  expect(fileSystem.documents(fileSystem.statuses)).toEqual([])
  const tasks = store.collection<{ n: number }>('tasks')
  expect((await tasks.list()).length).toBe(documents)
  expect((await tasks.list({ pattern: 'task_12*' })).length).toBe(111)
  expect(await store.collections()).toEqual(['tasks'])
  expect(fileSystem.documents(fileSystem.contents)).toEqual([])
  expect(await tasks.get('task_77')).toEqual({ n: 77 })
  expect(new Set(fileSystem.documents(fileSystem.contents))).toEqual(
    new Set([sandbox().path('tasks/task_77.json')]),
  )
})

it('opening does the same whether there are documents or not', async () => {
  const full = new CountingFileSystem()
  await sandbox().open({ fileSystem: full })
  const empty = new CountingFileSystem()
  const beside = `${sandbox().parent}/empty`
  mkdirSync(`${beside}/tasks`, { recursive: true })
  await sandbox().open({ fileSystem: empty }, beside)
  const cost = ({ contents, statuses }: CountingFileSystem): number[] => [
    contents.length,
    statuses.length,
  ]
  expect(cost(full)).toEqual(cost(empty))
})

it('what verifies on opening reads every document', async () => {
  const fileSystem = new CountingFileSystem()
  const store = await sandbox().open({ fileSystem, verify: 'on-open' })
  expect(new Set(fileSystem.documents(fileSystem.contents)).size).toBe(documents)
  expect((await gather(store.collection('tasks').keys())).length).toBe(documents)
})
