/** Processes that real ones can tell to be dead: of this boot, with a pid whose process began later. */
import { type Clock, systemClock } from '../../src/clock/index.js'
import { type ProcessTable, processTable } from '../../src/file-lock/index.js'

const { self } = processTable()

export const ghostProcesses: ProcessTable = {
  self: { ...self, startTime: '1' },
  liveness: () => 'alive',
}

/** In another container, as it were: nobody can tell whether it lives. */
export const strangerProcesses: ProcessTable = {
  self: { ...self, pidNamespace: 'pid:[1]' },
  liveness: () => 'unknown',
}

/** Whose heart does not beat. */
export const silentClock: Clock = { ...systemClock, every: () => () => {} }
