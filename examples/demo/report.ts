import { isProven, type Proof } from './proof.js'

/** What the supervisor counted itself. */
export interface Account {
  readonly acknowledged: number
  /** Of the log: one for each step that was done, and one for each time a file was begun. */
  readonly recordsAcknowledged: number
  readonly passes: number
  readonly kills: number
  readonly killsAtStart: number
  readonly restarts: number
  readonly takeovers: number
  readonly takeoversByRival: number
  readonly leasesLost: number
  readonly tokensRise: boolean
  readonly slowestRestartMs: number
  readonly durationMs: number
}

const shownMax = 5

/** The table at the end, and below it the verdict with what speaks against it. */
export function report(proof: Proof, account: Account): string {
  const rows: readonly (readonly [string, number | string, string?])[] = [
    ['files', proof.files, `${Number(account.passes.toFixed(1))} passes over each`],
    ['steps acknowledged', account.acknowledged],
    ['steps found in the files', proof.stepsFound],
    ['committed, not heard', proof.notHeard.length, 'killed between commit and acknowledgement'],
    ['missing', proof.missing.length],
    ['duplicates', proof.duplicates.length],
    ['wrong results', proof.wrong.length, 'every result computed again from its source file'],
    ['corrupt files', proof.corrupt.length, 'checksums computed again'],
    ['stray files', proof.stray.length],
    ['older than acknowledged', proof.older.length],
    ['log records acknowledged', account.recordsAcknowledged],
    ['log records found', proof.recordsFound],
    ['missing log records', proof.missingRecords.length],
    [
      'wrong log records',
      proof.wrongRecords.length,
      'twice, out of order, or not as the tasks say',
    ],
    ['counters agree', proof.wrongCounters.length === 0 ? 'yes' : 'NO'],
    ['totals agree', proof.totalsAgree ? 'yes' : 'NO'],
    ['kills', account.kills, `${account.killsAtStart} of them during start-up`],
    ['restarts', account.restarts],
    ['takeovers', account.takeovers, `${account.takeoversByRival} of them by a waiting rival`],
    ['leases lost by the living', account.leasesLost],
    ['fencing tokens rise', account.tokensRise ? 'yes' : 'NO'],
    ['slowest restart', `${Math.round(account.slowestRestartMs)} ms`, 'from kill to next step'],
    ['time', `${(account.durationMs / 1000).toFixed(1)} s`],
  ]
  const nameWidth = Math.max(...rows.map(([name]) => name.length))
  const valueWidth = Math.max(...rows.map(([, value]) => String(value).length))
  const table = rows.map(([name, value, note]) =>
    `  ${name.padEnd(nameWidth)}  ${String(value).padStart(valueWidth)}  ${note ?? ''}`.trimEnd(),
  )
  return ['', ...table, '', ...verdict(proof, account), ''].join('\n')
}

function verdict(proof: Proof, account: Account): string[] {
  if (isProven(proof) && account.tokensRise) {
    return ['Every acknowledged step, log record and count is in the files, exactly once.']
  }
  const complaints: readonly (readonly [string, readonly string[]])[] = [
    ['missing', proof.missing],
    ['more than once', proof.duplicates],
    ['wrong', proof.wrong],
    ['corrupt', proof.corrupt],
    ['older than acknowledged', proof.older],
    ['missing in the log', proof.missingRecords],
    ['wrong in the log', proof.wrongRecords],
    ['miscounted', proof.wrongCounters],
    ['disagreeing', proof.totalsAgree ? [] : ['the totals and the sum of the tasks']],
    ['out of order', account.tokensRise ? [] : ['the fencing tokens']],
    ['found', proof.stepsFound > 0 ? [] : ['not one step']],
  ]
  return [
    'NOT PROVEN.',
    ...complaints
      .filter(([, found]) => found.length > 0)
      .map(([what, found]) => {
        const more = found.length > shownMax ? ` and ${found.length - shownMax} more` : ''
        return `  ${what}: ${found.slice(0, shownMax).join(', ')}${more}`
      }),
  ]
}
