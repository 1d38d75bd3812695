/** What one would use instead of a log of holdfast, each at its best for what it is to survive. */
import * as fs from 'node:fs'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadPeer } from '../load-peer.js'
import { type AppendContender, appendNames } from './append-contender.js'
import type { BenchEvent } from './events.js'
import { openSqlite } from './sqlite.js'

const fileOf = (directory: string): string => join(directory, 'events.jsonl')

/** The least that tells as much as a log of ours does, but for the id and the checksum. */
const lineOf = (event: BenchEvent): Buffer =>
  Buffer.from(`${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`)

async function readLines(directory: string): Promise<number[]> {
  const lines = (await readFile(fileOf(directory), 'utf8')).split('\n')
  if (lines.pop() !== '') throw new Error('the last line lacks its newline')
  return lines.map((line) => (JSON.parse(line) as BenchEvent).data.sequence)
}

/** A file to append to whose name is durable. */
async function openFile(directory: string): Promise<number> {
  await mkdir(directory, { recursive: true })
  const file = fs.openSync(fileOf(directory), 'a', 0o600)
  const parent = await open(directory, 'r')
  await parent.sync()
  await parent.close()
  return file
}

function assertWhole(written: number, bytes: Uint8Array): void {
  if (written !== bytes.length) throw new Error(`short write: ${written} of ${bytes.length} bytes`)
}

const rawBlocking: AppendContender = {
  name: appendNames.rawBlocking,
  survival: 'power cut',
  async open(directory) {
    const file = await openFile(directory)
    return {
      append(event) {
        const bytes = lineOf(event)
        assertWhole(fs.writeSync(file, bytes), bytes)
        fs.fdatasyncSync(file)
        return undefined
      },
      close: async () => fs.closeSync(file),
    }
  },
  read: readLines,
}

const rawAsync: AppendContender = {
  name: appendNames.rawAsync,
  survival: 'power cut',
  isUnordered: true,
  async open(directory) {
    const file = await openFile(directory)
    return {
      append(event) {
        const bytes = lineOf(event)
        return new Promise<void>((resolve, reject) => {
          fs.write(file, bytes, (failure, written) => {
            if (failure !== null) return reject(failure)
            assertWhole(written, bytes)
            fs.fdatasync(file, (error) => (error === null ? resolve() : reject(error)))
          })
        })
      },
      close: async () => fs.closeSync(file),
    }
  },
  read: readLines,
}

/** Synchronous: each event is a transaction of its own, one after the other. No index but the key's. */
const betterSqlite: AppendContender = {
  name: appendNames.betterSqlite,
  survival: 'power cut',
  isNative: true,
  async open(directory) {
    const db = await openSqlite(directory)
    const insert = db.prepare('insert into events (at, type, agent, data) values (?, ?, ?, ?)')
    return {
      append({ type, agent, data }) {
        insert.run(Date.now(), type, agent, JSON.stringify(data))
        return undefined
      },
      close: async () => void db.close(),
    }
  },
  async read(directory) {
    const db = await openSqlite(directory)
    const rows = db.prepare('select data from events order by id').all() as { data: string }[]
    db.close()
    return rows.map(({ data }) => (JSON.parse(data) as BenchEvent['data']).sequence)
  },
}

interface Destination {
  on(event: 'ready' | 'drain' | 'close', listener: () => void): unknown
  once(event: 'ready' | 'drain' | 'close' | 'error', listener: (error?: Error) => void): unknown
  end(): void
}

interface PinoModule {
  readonly pino: {
    (
      options: { readonly base: null },
      destination: Destination,
    ): {
      info(event: BenchEvent): void
    }
    destination(options: {
      readonly dest: string
      readonly sync: boolean
      readonly mkdir: boolean
    }): Destination
  }
}

type Wait = 'none' | 'drain'

/** Without process id and host name in each line. */
const pino = (
  name: string,
  survival: AppendContender['survival'],
  sync: boolean,
  wait: Wait,
): AppendContender => ({
  name,
  survival,
  async open(directory) {
    const { pino } = await loadPeer<PinoModule>('pino')
    const destination = pino.destination({ dest: fileOf(directory), sync, mkdir: true })
    if (!sync) {
      await new Promise<void>((resolve, reject) => {
        destination.once('ready', () => resolve())
        destination.once('error', reject)
      })
    }
    const logger = pino({ base: null }, destination)
    let drained: Promise<void> | undefined
    let onDrained = (): void => {}
    // All that was logged has been written when there is nothing left to write.
    destination.on('drain', () => {
      drained = undefined
      onDrained()
    })
    return {
      append(event) {
        logger.info(event)
        if (wait === 'none') return undefined
        drained ??= new Promise((resolve) => {
          onDrained = resolve
        })
        return drained
      },
      close: () =>
        new Promise((resolve, reject) => {
          destination.once('close', () => resolve())
          destination.once('error', reject)
          destination.end()
        }),
    }
  },
  read: readLines,
})

export const appendPeers: readonly AppendContender[] = [
  rawAsync,
  rawBlocking,
  betterSqlite,
  pino(appendNames.pinoSync, 'kill -9', true, 'none'),
  pino(appendNames.pinoDrain, 'kill -9', false, 'drain'),
  pino(appendNames.pinoBlind, 'nothing', false, 'none'),
]
