/** better-sqlite3 at its durable settings, with a table of events. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { loadPeer } from '../load-peer.js'

export interface SqliteStatement {
  run(...values: (string | number)[]): unknown
  all(...values: (string | number)[]): unknown[]
}

export interface Sqlite {
  pragma(text: string): unknown
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

interface BetterSqliteModule {
  readonly default: new (file: string) => Sqlite
}

export async function openSqlite(directory: string): Promise<Sqlite> {
  await mkdir(directory, { recursive: true })
  const { default: Database } = await loadPeer<BetterSqliteModule>('better-sqlite3')
  const db = new Database(join(directory, 'events.sqlite'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec(
    'create table if not exists events (id integer primary key, at integer not null, type text, agent text, data text)',
  )
  return db
}
