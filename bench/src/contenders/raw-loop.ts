/**
 * The least a careful program does for one durable, atomic replacement, pinned as: open, write,
 * fsync, close, rename, fsync(directory). The directory is opened once for the session: every
 * faster form of this loop raises the bar for the others.
 */
import * as fs from 'node:fs'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type Contender, names } from './contender.js'

const fileOf = (directory: string, key: string): string => join(directory, `${key}.json`)

function assertWhole(written: number, bytes: Uint8Array): void {
  if (written !== bytes.length) throw new Error(`short write: ${written} of ${bytes.length} bytes`)
}

export const rawPromises: Contender = {
  name: names.raw,
  async open(directory) {
    await mkdir(directory, { recursive: true })
    const parent = await open(directory, 'r')
    let serial = 0
    return {
      async set(key, document) {
        serial += 1
        const target = fileOf(directory, key)
        const staged = `${target}.${process.pid}.${serial}`
        const bytes = Buffer.from(JSON.stringify(document))
        const file = await open(staged, 'wx', 0o600)
        const { bytesWritten } = await file.write(bytes, 0, bytes.length, 0)
        assertWhole(bytesWritten, bytes)
        await file.sync()
        await file.close()
        await rename(staged, target)
        await parent.sync()
        return undefined
      },
      get: async (key) => JSON.parse(await readFile(fileOf(directory, key), 'utf8')),
      close: () => parent.close(),
    }
  },
}

type Done<T> = (error: NodeJS.ErrnoException | null, result: T) => void

function promised<T>(call: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result)))
  })
}

const call = {
  open: (path: string, flags: string): Promise<number> =>
    promised((done) => fs.open(path, flags, 0o600, done)),
  write: (file: number, bytes: Uint8Array): Promise<number> =>
    promised((done) => fs.write(file, bytes, 0, bytes.length, 0, done)),
  fsync: (file: number): Promise<void> =>
    promised((done: Done<void>) => fs.fsync(file, done as fs.NoParamCallback)),
  close: (file: number): Promise<void> =>
    promised((done: Done<void>) => fs.close(file, done as fs.NoParamCallback)),
  rename: (from: string, to: string): Promise<void> =>
    promised((done: Done<void>) => fs.rename(from, to, done as fs.NoParamCallback)),
}

export const rawCallbacks: Contender = {
  name: names.rawCallbacks,
  async open(directory) {
    await mkdir(directory, { recursive: true })
    const parent = await call.open(directory, 'r')
    let serial = 0
    return {
      async set(key, document) {
        serial += 1
        const target = fileOf(directory, key)
        const staged = `${target}.${process.pid}.${serial}`
        const bytes = Buffer.from(JSON.stringify(document))
        const file = await call.open(staged, 'wx')
        assertWhole(await call.write(file, bytes), bytes)
        await call.fsync(file)
        await call.close(file)
        await call.rename(staged, target)
        await call.fsync(parent)
        return undefined
      },
      get: async (key) => JSON.parse(await readFile(fileOf(directory, key), 'utf8')),
      close: () => call.close(parent),
    }
  },
}
