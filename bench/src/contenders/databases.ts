/** Native databases at their durable settings: what a user gives up readable files for. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BenchDocument } from '../documents.js'
import { loadPeer } from '../load-peer.js'
import type { Contender } from './contender.js'

interface ClassicLevelModule {
  readonly ClassicLevel: new (
    location: string,
    options: { readonly valueEncoding: 'json' },
  ) => {
    open(): Promise<void>
    put(key: string, value: BenchDocument, options: { readonly sync: boolean }): Promise<void>
    get(key: string): Promise<unknown>
    close(): Promise<void>
  }
}

const classicLevel: Contender = {
  name: 'classic-level, sync',
  declaredDurability: 'yes',
  async open(directory) {
    await mkdir(directory, { recursive: true })
    const { ClassicLevel } = await loadPeer<ClassicLevelModule>('classic-level')
    const db = new ClassicLevel(join(directory, 'level'), { valueEncoding: 'json' })
    await db.open()
    return {
      async set(key, document) {
        await db.put(key, document, { sync: true })
        return undefined
      },
      get: (key) => db.get(key),
      close: () => db.close(),
    }
  },
}

interface LmdbModule {
  readonly open: (options: { readonly path: string }) => {
    put(key: string, value: BenchDocument): Promise<boolean>
    get(key: string): unknown
    readonly flushed: PromiseLike<unknown>
    close(): Promise<void>
  }
}

const lmdb: Contender = {
  name: 'lmdb, put + flushed',
  declaredDurability: 'yes',
  async open(directory) {
    await mkdir(directory, { recursive: true })
    const { open } = await loadPeer<LmdbModule>('lmdb')
    const db = open({ path: join(directory, 'lmdb') })
    return {
      async set(key, document) {
        await db.put(key, document)
        await db.flushed
        return undefined
      },
      get: async (key) => db.get(key),
      close: () => db.close(),
    }
  },
}

interface BetterSqliteModule {
  readonly default: new (
    file: string,
  ) => {
    pragma(text: string): unknown
    exec(sql: string): unknown
    prepare(sql: string): { run(...values: string[]): unknown; get(key: string): unknown }
    close(): unknown
  }
}

const betterSqlite: Contender = {
  name: 'better-sqlite3, WAL FULL',
  declaredDurability: 'yes',
  async open(directory) {
    await mkdir(directory, { recursive: true })
    const { default: Database } = await loadPeer<BetterSqliteModule>('better-sqlite3')
    const db = new Database(join(directory, 'state.sqlite'))
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.exec('create table if not exists docs (key text primary key, value text not null)')
    const upsert = db.prepare(
      'insert into docs values (?, ?) on conflict (key) do update set value = excluded.value',
    )
    const select = db.prepare('select value from docs where key = ?')
    return {
      async set(key, document) {
        upsert.run(key, JSON.stringify(document))
        return undefined
      },
      async get(key) {
        const row = select.get(key) as { readonly value: string } | undefined
        return row === undefined ? undefined : JSON.parse(row.value)
      },
      async close() {
        db.close()
      },
    }
  },
}

export const databases: readonly Contender[] = [classicLevel, lmdb, betterSqlite]
