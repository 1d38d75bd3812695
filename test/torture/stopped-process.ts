import { readFileSync } from 'node:fs'
import { until } from '../support/campaign.js'

const isStopped = (pid: number): boolean =>
  /\) [Tt] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

/** Resolves once the process stands still. */
export const untilStopped = (pid: number): Promise<void> => until(() => isStopped(pid))
