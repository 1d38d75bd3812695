/** One of many who want the same thing at the same moment, round after round. */
import { appendFileSync, closeSync, openSync, unlinkSync } from 'node:fs'
import { FileStorage } from '../../src/storage/file/index.js'
import type { StoredDocument } from '../../src/storage/index.js'

export interface StampedeArguments {
  readonly directory: string
  readonly name: string
}

export interface RoundCommand {
  readonly type: 'round'
  /** What all of them want: a named lease, or a turn of the write lease. */
  readonly wanted: 'lease' | 'turn'
  /** The lease, or the document. */
  readonly key: string
  /** Whoever is inside creates it, which fails if somebody is, and removes it before leaving. */
  readonly marker: string
  /** Those who were inside write their tokens here, in the order they came. */
  readonly log: string
  readonly ttlMs: number
}

const { directory, name } = JSON.parse(process.argv[2] ?? '{}') as StampedeArguments
const storage = new FileStorage({ directory, durability: 'process', backups: 0 })
let takeovers = 0

async function takeLease({ key, marker, log, ttlMs }: RoundCommand): Promise<unknown> {
  const lease = await storage.acquireLease({ name: key, ttlMs })
  closeSync(openSync(marker, 'wx'))
  appendFileSync(log, `${lease.token}\n`)
  unlinkSync(marker)
  await lease.release()
  return lease.token
}

async function takeTurn({ key, marker, log }: RoundCommand): Promise<unknown> {
  const change = (current: StoredDocument | undefined) => {
    closeSync(openSync(marker, 'wx'))
    appendFileSync(log, `${name}\n`)
    const value = [...((current?.value as string[] | undefined) ?? []), name]
    unlinkSync(marker)
    return { kind: 'put' as const, value }
  }
  const address = { collection: 'lists', key }
  const { revision } = await storage.commit({ writes: [{ address, change }] })
  return revision
}

process.on('message', (command: RoundCommand) => {
  const before = takeovers
  const work = command.wanted === 'lease' ? takeLease(command) : takeTurn(command)
  work.then(
    (token) => process.send?.({ type: 'through', name, token, takeovers: takeovers - before }),
    (error: Error) => process.send?.({ type: 'through', name, failure: error.stack }),
  )
})

await storage.open((event) => {
  if (event === 'lease:taken-over' || event === 'writer:taken-over') takeovers += 1
})
process.send?.({ type: 'ready' })
